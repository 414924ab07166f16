"""How a member is made: everything that its predictions depend on beside samples and folds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ..errors import BadChoice
from ..storage import file_digest
from .registry import Backbone

Unfreeze = Literal["none", "all"]

DEFAULT_EPOCHS = 3
DEFAULT_EPOCHS_FROM_NOTHING = 20


@dataclass(frozen=True)
class MemberSettings:
    """Settings of one member.

    ``weights`` is ``imagenet``, ``none``, or the SHA-256 of the file. ``epochs`` counts passes of fine-tuning over
    the training folds and is 0 for a frozen backbone. ``learning_rate`` is the highest, after warm-up.
    """

    backbone: str
    weights: str
    unfreeze: Unfreeze
    epochs: int
    image_size: int
    batch_size: int
    learning_rate: float
    seed: int

    def differences(self, other: MemberSettings) -> str:
        """Tell what differs, as ``epochs 3 (there) / 5 (asked)``."""
        mine, theirs = asdict(self), asdict(other)
        return ", ".join(
            f"{key} {_short(mine[key])} (there) / {_short(theirs[key])} (asked)"
            for key in mine
            if mine[key] != theirs[key]
        )


def _short(value: object) -> str:
    return str(value)[:12]


def choose_settings(
    backbone: Backbone,
    weights: str,
    unfreeze: Unfreeze,
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
    settings = MemberSettings(
        backbone=backbone.name,
        weights=source if source in ("imagenet", "none") else file_digest(Path(source)),
        unfreeze=unfreeze,
        epochs=0 if unfreeze == "none" else epochs or usual_epochs,
        image_size=image_size or backbone.image_size,
        batch_size=batch_size,
        learning_rate=5e-3 if backbone.tiny else 1e-3 if from_nothing else 1e-4,
        seed=seed,
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
