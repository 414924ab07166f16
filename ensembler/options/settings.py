"""Settings of a member: everything that its predictions depend on, except photos and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..backbones.registry import Pooling, Precision
from ..images.augmentation import Augmentation
from ..images.views import Views
from .corrections import LabelCorrections
from .distillation import Distillation
from .phases import Phase
from .pseudo_labels import PseudoLabels

HeadStart = Literal["fitted", "random"]
ClassWeights = Literal["none", "balanced"]

# Number of digits of a hash that messages show.
_HASH_DIGITS = 12


@dataclass(frozen=True)
class MemberSettings:
    """Settings of one member: the resolved options of the same names (see :class:`.TrainingOptions`), and others.

    Attributes
    ----------
    backbone
        Name of the backbone.
    builder
        ``module:function`` of a custom backbone, or ``file`` for a ``.keras`` file. Empty for the registry.
    preprocessing
        Preprocessing of a custom backbone. Empty for the registry.
    weights
        ``imagenet``, ``none``, the SHA-256 of the file, or ``own`` if the builder loads them.
    phases
        Phases of fine-tuning. Empty for a frozen backbone.
    pseudo_labels
        Source of the pseudo-labels. None if the member uses none.
    distillation
        Source of the soft targets. None if the member has no teacher.
    corrections
        Photos that are not learned from, or with another label. None if all labels are learned as they are.
    """

    backbone: str
    builder: str
    preprocessing: str
    weights: str
    image_size: int
    batch_size: int
    seed: int
    pooling: Pooling
    hidden: int
    dropout: float
    head: HeadStart
    flips: bool
    phases: tuple[Phase, ...]
    augmentation: Augmentation
    label_smoothing: float
    class_weights: ClassWeights
    weight_decay: float
    clip_norm: float
    first_block_rate: float
    ema: float
    patience: int
    precision: Precision
    tta: Views
    pseudo_labels: PseudoLabels | None = None
    distillation: Distillation | None = None
    corrections: LabelCorrections | None = None

    @property
    def frozen(self) -> bool:
        """Whether the weights of the backbone stay unchanged."""
        return not self.phases

    def describe_differences(self, other: MemberSettings) -> str:
        """Describe what differs, such as ``epochs 3 (stored) / 5 (requested)``."""
        stored, requested = list_differing_settings([self, other])
        return ", ".join(f"{name} {stored[name]} (stored) / {requested[name]} (requested)" for name in stored)


def list_differing_settings(members: Sequence[MemberSettings]) -> list[dict[str, str]]:
    """List, for each member, the settings that are not equal in all members.

    Returns
    -------
    list of dict
        Names and values of settings, ``none`` where a member has no such setting. A single phase of fine-tuning is
        described by its parts, such as ``epochs``.
    """
    in_parts = all(len(settings.phases) < 2 for settings in members)
    descriptions = [_describe_settings(settings, members, in_parts=in_parts) for settings in members]
    names = dict.fromkeys(name for words in descriptions for name in words)
    differing = [name for name in names if len({words.get(name, "none") for words in descriptions}) > 1]
    return [{name: words.get(name, "none") for name in differing} for words in descriptions]


def _describe_settings(
    settings: MemberSettings, members: Sequence[MemberSettings], *, in_parts: bool
) -> dict[str, str]:
    words: dict[str, str] = {}
    for name, value in vars(settings).items():
        if name == "phases" and in_parts:
            parts = vars(settings.phases[0]) if settings.phases else {"unfreeze": "none"}
            words |= {part: str(setting) for part, setting in parts.items()}
        elif isinstance(value, tuple):
            words[name] = "; ".join(map(str, value)) or "none"
        else:
            words[name] = "none" if value is None else str(value)
    if len(settings.weights) > _HASH_DIGITS:
        # Files of different backbones always differ, so their hashes are not shown.
        files = {other.weights for other in members if other.backbone == settings.backbone}
        words["weights"] = settings.weights[:_HASH_DIGITS] if len(files) > 1 else "file"
    return words
