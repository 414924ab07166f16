"""How a member is made: everything that its predictions depend on beside samples and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

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
    """Settings of one member.

    Attributes
    ----------
    backbone
        Its name.
    builder
        Of a backbone that is not in the registry: ``module:function``, or ``file`` for a ``.keras`` file; else empty.
    preprocessing
        What is done to pixels before a backbone that is not in the registry; else empty.
    weights
        ``imagenet``, ``none``, the SHA-256 of the file, or ``own`` where the builder brings them.
    image_size
        Height and width in pixels.
    batch_size
        Photos a step.
    seed
        Of random weights, of the order of photos and of augmentation.
    pooling
        Over places, from the backbone's maps to features.
    hidden
        Units of a dense layer between features and probabilities; 0 for none.
    dropout
        Share of what enters a dense layer that is dropped in training, from 0 to below 1.
    head
        ``fitted`` on frozen features, or ``random``.
    flips
        Whether the head is fitted on mirrored photos too.
    phases
        Of fine-tuning; none for a frozen backbone.
    augmentation
        Of training photos.
    label_smoothing
        Share of a label that is spread over all classes, from 0 to below 1.
    class_weights
        ``balanced`` gives each class the same weight in the loss, however rare.
    weight_decay
        Of AdamW, on kernels alone.
    clip_norm
        Largest norm of all gradients together; 0 for no limit.
    first_block_rate
        Learning rate of the backbone's first block as a share of the head's; between them it grows geometrically.
    ema
        Share of the running mean of the weights that is kept at each step; 0 for no mean.
    patience
        Epochs without a better log loss, on rows kept apart, after which a phase ends; 0 trains all epochs on all rows.
    precision
        Of the layers' arithmetic in fine-tuning; weights, probabilities and losses are float32 always.
    tta
        Views of a photo that are averaged when it is predicted.
    pseudo_labels
        Where labels of photos to predict come from that it learns from too; None for no such photos.
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

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MemberSettings:
        """Read what ``dataclasses.asdict`` and JSON made of it."""
        pseudo = data.get("pseudo_labels")
        made = {
            "phases": tuple(Phase(**phase) for phase in data["phases"]),
            "pseudo_labels": PseudoLabels(**pseudo) if pseudo else None,
        }
        return cls(**{**data, **made})

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
