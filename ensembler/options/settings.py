"""How a member is made: everything that its predictions depend on beside samples and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from ..backbones.registry import Pooling, Precision
from ..images.augmentation import Augmentation
from ..images.views import Views
from .phases import Phase
from .pseudo_labels import PseudoLabels

HeadStart = Literal["fitted", "random"]
ClassWeights = Literal["none", "balanced"]

# Digits of a hash that are shown.
_HASH_DIGITS = 12


@dataclass(frozen=True)
class MemberSettings:
    """Settings of one member: options of the same names (see :class:`.TrainingOptions`), and what they are resolved to.

    Attributes
    ----------
    backbone
        Name of the backbone.
    builder
        ``module:function`` of a backbone that is not in the registry, ``file`` for a ``.keras`` file; else empty.
    preprocessing
        Preprocessing of a backbone that is not in the registry; else empty.
    weights
        ``imagenet``, ``none``, the SHA-256 of the file, or ``own`` where the builder brings them.
    phases
        Phases of fine-tuning; none for a frozen backbone.
    pseudo_labels
        Source of the pseudo-labels; None without.
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

    @property
    def frozen(self) -> bool:
        """Whether the backbone stays as it was pretrained."""
        return not self.phases

    def describe_differences(self, other: MemberSettings) -> str:
        """Tell what differs, as ``epochs 3 (there) / 5 (asked)``."""
        mine, theirs = list_differing_settings([self, other])
        return ", ".join(f"{name} {mine[name]} (there) / {theirs[name]} (asked)" for name in mine)


def list_differing_settings(members: Sequence[MemberSettings]) -> list[dict[str, str]]:
    """Tell of each member those settings alone that are not the same in all.

    Returns
    -------
    list of dict
        A setting's name and its value, ``none`` where a member has no such setting. A single phase of fine-tuning is
        told by its parts, such as ``epochs``.
    """
    in_parts = all(len(settings.phases) < 2 for settings in members)
    descriptions = [_describe_settings(settings, members, in_parts=in_parts) for settings in members]
    names = dict.fromkeys(name for words in descriptions for name in words)
    differing = [name for name in names if len({words.get(name, "none") for words in descriptions}) > 1]
    return [{name: words.get(name, "none") for name in differing} for words in descriptions]


def _describe_settings(settings: MemberSettings, among: Sequence[MemberSettings], *, in_parts: bool) -> dict[str, str]:
    words: dict[str, str] = {}
    for field in fields(settings):
        if field.name == "phases" and in_parts:
            words |= _describe_phase(settings)
        else:
            words[field.name] = _format_value(getattr(settings, field.name))
    if len(settings.weights) > _HASH_DIGITS:
        # Of two backbones the files are two, which says nothing.
        words["weights"] = settings.weights[:_HASH_DIGITS] if _has_several_weights(settings, among) else "file"
    return words


def _describe_phase(settings: MemberSettings) -> dict[str, str]:
    if settings.frozen:
        return {"unfreeze": "none"}
    return {name: str(value) for name, value in vars(settings.phases[0]).items()}


def _has_several_weights(settings: MemberSettings, among: Sequence[MemberSettings]) -> bool:
    return len({other.weights for other in among if other.backbone == settings.backbone}) > 1


def _format_value(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
