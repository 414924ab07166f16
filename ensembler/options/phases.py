"""Phases of fine-tuning: what is unfrozen, for how many epochs, how fast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import BadChoice
from .kinds import InvalidValue, Number, Reader, make_choice_reader, read_value

BatchNorm = Literal["frozen", "train"]

_UNFREEZE = re.compile(r"none|all|last:[1-9]\d*|from:[A-Za-z0-9_.-]+")
_EXAMPLE = "such as 'from:block5 epochs=5 learning-rate=1e-3 batch-norm=train'"

EPOCHS_RANGE = Number(int, ("at least", 1))
LEARNING_RATE_RANGE = Number(float, ("above", 0))


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
    InvalidValue
        If it does not.
    """
    if not isinstance(text, str) or not _UNFREEZE.fullmatch(text):
        raise InvalidValue("takes none, all, last:N (layers) or from:BLOCK (such as from:block5)")
    return text


_PART_READERS: dict[str, Reader] = {
    "unfreeze": check_unfreeze,
    "epochs": EPOCHS_RANGE,
    "learning_rate": LEARNING_RATE_RANGE,
    "batch_norm": make_choice_reader(BatchNorm),
}
_REQUIRED = ("unfreeze", "epochs", "learning_rate")


def read_phase(data: object) -> Phase:
    """Read a phase as it is typed (``from:block5 epochs=5 learning-rate=1e-3``), or a table of its parts.

    Raises
    ------
    BadChoice
        If a part is missing, unknown, given twice or out of range.
    InvalidValue
        If it is neither text nor table.
    """
    if isinstance(data, Phase):
        return data
    if isinstance(data, str):
        return _make_phase(_split_parts(data), data)
    if isinstance(data, Mapping):
        words = " ".join(f"{name}={value}" for name, value in data.items())
        return _make_phase({str(name).replace("-", "_"): value for name, value in data.items()}, words)
    raise InvalidValue(f"takes phases {_EXAMPLE}")


def _make_phase(parts: Mapping[str, Any], words: str) -> Phase:
    if unknown := sorted(parts.keys() - _PART_READERS.keys()):
        raise BadChoice.from_unknown_name(f"part of the phase {words!r}", unknown[0], _PART_READERS)
    if missing := [name.replace("_", "-") for name in _REQUIRED if name not in parts]:
        raise BadChoice(f"The phase {words!r} lacks {' and '.join(missing)}: write it {_EXAMPLE}.")
    return Phase(
        **{
            name: read_value(f"{name.replace('_', '-')} of the phase {words!r}", _PART_READERS[name], value)
            for name, value in parts.items()
        }
    )


def _split_parts(text: str) -> dict[str, Any]:
    """Parts of a phase as it is typed; what is unfrozen stands first or has its name, too."""
    first, *rest = text.split() or [""]
    pairs = [word.partition("=")[::2] for word in (first if "=" in first else f"unfreeze={first}", *rest)]
    parts = {name.replace("-", "_"): value for name, value in pairs}
    if len(parts) < len(pairs) or not all(parts.values()):
        raise BadChoice(f"{text!r} is no phase: write it {_EXAMPLE}.")
    return parts
