"""How a member is made: everything that its predictions depend on beside samples and folds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from ..errors import BadChoice
from ..images.views import Views
from ..storage import file_digest
from .phases import BatchNorm, Phase, check_unfreeze
from .registry import Backbone

Pooling = Literal["average", "max"]
HeadStart = Literal["fitted", "random"]
ClassWeights = Literal["none", "balanced"]
Augmentation = Literal["none", "crops", "pixels", "strong"]
Precision = Literal["float32", "bfloat16", "float16"]

DEFAULT_EPOCHS = 3
DEFAULT_EPOCHS_FROM_NOTHING = 20


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
        ``imagenet``, ``none``, or the SHA-256 of the file.
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

    @property
    def frozen(self) -> bool:
        """Whether the backbone stays as it was pretrained."""
        return not self.phases

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> MemberSettings:
        """Read what ``dataclasses.asdict`` and JSON made of it."""
        return cls(**{**told, "phases": tuple(Phase(**phase) for phase in told["phases"])})

    def differences(self, other: MemberSettings) -> str:
        """Tell what differs, as ``epochs 3 (there) / 5 (asked)``."""
        return ", ".join(
            f"{name} {_short(mine)} (there) / {_short(theirs)} (asked)"
            for name, mine, theirs in (
                (field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
            )
            if mine != theirs
        )


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    return str(value)[:12]


def choose_settings(
    backbone: Backbone,
    weights: str,
    unfreeze: str,
    epochs: int | None,
    image_size: int | None,
    batch_size: int,
    seed: int,
) -> tuple[MemberSettings, str]:
    """Fill in what a person left open.

    Parameters
    ----------
    weights
        ``imagenet``, ``none`` or a folder.

    Returns
    -------
    tuple
        The settings, and where the weights come from: ``imagenet``, ``none`` or a file's path.

    Raises
    ------
    BadChoice
        If a number is out of range or the folder has no weights for the backbone.
    """
    for name, value, least in (
        ("--epochs", epochs, 1),
        ("--image-size", image_size, 8),
        ("--batch-size", batch_size, 1),
    ):
        if value is not None and value < least:
            raise BadChoice(f"{name} must be at least {least}. Received: {value}")
    if backbone.tiny and weights == "imagenet":
        raise BadChoice(f"{backbone.name} has no ImageNet weights: train it from nothing with --weights none.")
    source = weights if weights in ("imagenet", "none") else str(weights_file(Path(weights), backbone.name))
    from_nothing = source == "none"
    usual_epochs = DEFAULT_EPOCHS_FROM_NOTHING if from_nothing else DEFAULT_EPOCHS
    check_unfreeze(unfreeze)
    norm: BatchNorm = "train" if from_nothing else "frozen"
    rate = 5e-3 if backbone.tiny else 1e-3 if from_nothing else 1e-4
    settings = MemberSettings(
        backbone=backbone.name,
        builder="",
        preprocessing="",
        weights=source if source in ("imagenet", "none") else file_digest(Path(source)),
        image_size=image_size or backbone.image_size,
        batch_size=batch_size,
        seed=seed,
        pooling="average",
        hidden=0,
        dropout=0.0,
        head="random" if from_nothing and unfreeze != "none" else "fitted",
        flips=False,
        phases=() if unfreeze == "none" else (Phase(unfreeze, epochs or usual_epochs, rate, norm),),
        augmentation="none",
        label_smoothing=0.0,
        class_weights="none",
        weight_decay=0.0,
        clip_norm=0.0,
        first_block_rate=1.0,
        ema=0.0,
        patience=0,
        precision="float32",
        tta="none",
    )
    return settings, source


def weights_file(folder: Path, name: str) -> Path:
    """Find the weights of the backbone ``name`` in a folder.

    Raises
    ------
    BadChoice
        If the folder or the file is not there.
    """
    path = folder.absolute() / f"{name}.weights.h5"
    if path.is_file():
        return path
    if not folder.is_dir():
        raise BadChoice(f"There is no folder {folder}: --weights takes imagenet, none, or a folder of NAME.weights.h5.")
    there = sorted(file.name.removesuffix(".weights.h5") for file in folder.glob("*.weights.h5"))
    raise BadChoice(f"{folder} has no {path.name}; it holds weights of {', '.join(there) or 'no backbone'}.")
