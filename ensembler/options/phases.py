"""Phases of fine-tuning: what is unfrozen, for how many epochs, how fast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import BadChoice
from .kinds import Number, Reader, Unfit, checked, one_of

BatchNorm = Literal["frozen", "train"]

_UNFREEZE = re.compile(r"none|all|last:[1-9]\d*|from:[A-Za-z0-9_.-]+")
_FORM = "such as 'from:block5 epochs=5 learning-rate=1e-3 batch-norm=train'"

EPOCHS = Number(int, ("at least", 1))
LEARNING_RATE = Number(float, ("above", 0))


@dataclass(frozen=True)
class Phase:
    """One stretch of fine-tuning.

    Attributes
    ----------
    unfreeze
        What is trained of the backbone; the head always is. ``none``, ``all``, ``last:N`` (its last N layers with
        weights) or ``from:BLOCK`` (the first block of that name, such as ``block5``, and all that comes after it).
    epochs
        Passes over the training folds, at least 1.
    learning_rate
        The highest, of the head, after warm-up.
    batch_norm
        ``frozen`` keeps BatchNormalization as it was pretrained; ``train`` trains it in the whole backbone, also in
        blocks that are frozen, on the statistics of each batch.
    """

    unfreeze: str
    epochs: int
    learning_rate: float
    batch_norm: BatchNorm = "frozen"

    def __str__(self) -> str:
        """Write it as :func:`read_phase` reads it."""
        return f"{self.unfreeze} epochs={self.epochs} learning-rate={self.learning_rate} batch-norm={self.batch_norm}"


def check_unfreeze(text: object) -> str:
    """Return ``text`` if it says what to unfreeze.

    Raises
    ------
    Unfit
        If it does not.
    """
    if not isinstance(text, str) or not _UNFREEZE.fullmatch(text):
        raise Unfit("takes none, all, last:N (layers) or from:BLOCK (such as from:block5)")
    return text


_PARTS: dict[str, Reader] = {
    "unfreeze": check_unfreeze,
    "epochs": EPOCHS,
    "learning_rate": LEARNING_RATE,
    "batch_norm": one_of(BatchNorm),
}
_NEEDED = ("unfreeze", "epochs", "learning_rate")


def read_phase(told: object) -> Phase:
    """Read a phase as it is typed (``from:block5 epochs=5 learning-rate=1e-3``), or a table of its parts.

    Raises
    ------
    BadChoice
        If a part is missing, unknown, given twice or out of range.
    Unfit
        If it is neither text nor table.
    """
    if isinstance(told, Phase):
        return told
    if isinstance(told, str):
        return _phase(_split(told), told)
    if isinstance(told, Mapping):
        words = " ".join(f"{name}={value}" for name, value in told.items())
        return _phase({str(name).replace("-", "_"): value for name, value in told.items()}, words)
    raise Unfit(f"takes phases {_FORM}")


def _phase(parts: Mapping[str, Any], words: str) -> Phase:
    if unknown := sorted(parts.keys() - _PARTS.keys()):
        raise BadChoice.unknown(f"part of the phase {words!r}", unknown[0], _PARTS)
    if missing := [name.replace("_", "-") for name in _NEEDED if name not in parts]:
        raise BadChoice(f"The phase {words!r} lacks {' and '.join(missing)}: write it {_FORM}.")
    return Phase(
        **{
            name: checked(f"{name.replace('_', '-')} of the phase {words!r}", _PARTS[name], value)
            for name, value in parts.items()
        }
    )


def _split(text: str) -> dict[str, Any]:
    """Parts of a phase as it is typed; what is unfrozen stands first or has its name, too."""
    first, *rest = text.split() or [""]
    pairs = [word.partition("=")[::2] for word in (first if "=" in first else f"unfreeze={first}", *rest)]
    parts = {name.replace("-", "_"): value for name, value in pairs}
    if len(parts) < len(pairs) or not all(parts.values()):
        raise BadChoice(f"{text!r} is no phase: write it {_FORM}.")
    return parts
