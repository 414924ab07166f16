"""Phases of fine-tuning: what is unfrozen, for how many epochs, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_type_hints

from ..errors import BadChoice
from .kinds import InvalidValue, declare, read_value

_EXAMPLE = "such as 'from:block5 epochs=5 learning-rate=1e-3 batch-norm=train'"

_UNFREEZE = r"^(none|all|last:[1-9]\d*|from:[A-Za-z0-9_.-]+)\Z"
Unfreeze = Annotated[str, declare("none|all|last:N|from:BLOCK", pattern=_UNFREEZE)]
Epochs = Annotated[int, declare("N", ge=1)]
# 1e-4 is the rate of the articles that this package follows (Adam, EfficientNets).
LearningRate = Annotated[float, declare("RATE", default=1e-4, gt=0)]
BatchNorm = Literal["frozen", "train"]
BatchNormTraining = Annotated[BatchNorm, declare(default="frozen")]


@dataclass(frozen=True)
class Phase:
    """One phase of fine-tuning, of the options of the same names."""

    unfreeze: Unfreeze
    epochs: Epochs
    learning_rate: LearningRate
    batch_norm: BatchNormTraining = "frozen"

    def __str__(self) -> str:
        """Write it as :func:`read_phase` reads it."""
        return f"{self.unfreeze} epochs={self.epochs} learning-rate={self.learning_rate} batch-norm={self.batch_norm}"


_PARTS = get_type_hints(Phase, include_extras=True)
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
    if unknown := sorted(parts.keys() - _PARTS.keys()):
        raise BadChoice.from_unknown_name(f"part of the phase {words!r}", unknown[0], _PARTS)
    if missing := [name.replace("_", "-") for name in _REQUIRED if name not in parts]:
        raise BadChoice(f"The phase {words!r} lacks {' and '.join(missing)}: write it {_EXAMPLE}.")
    return Phase(
        **{
            name: read_value(f"{name.replace('_', '-')} of the phase {words!r}", _PARTS[name], value)
            for name, value in parts.items()
        }
    )


def _split_parts(text: str) -> dict[str, Any]:
    """Split a phase as it is typed; what is unfrozen comes first, or has its name too."""
    first, *rest = text.split() or [""]
    pairs = [word.partition("=")[::2] for word in (first if "=" in first else f"unfreeze={first}", *rest)]
    parts = {name.replace("-", "_"): value for name, value in pairs}
    if len(parts) < len(pairs) or not all(parts.values()):
        raise BadChoice(f"{text!r} is no phase: write it {_EXAMPLE}.")
    return parts
