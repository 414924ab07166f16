"""Phases of fine-tuning: the trainable part of the network, epochs, and learning rate."""

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
# 1e-4 is the rate in the articles that this package follows (Adam, EfficientNets).
LearningRate = Annotated[float, declare("RATE", default=1e-4, gt=0)]
BatchNorm = Literal["frozen", "train"]
BatchNormTraining = Annotated[BatchNorm, declare(default="frozen")]


@dataclass(frozen=True)
class Phase:
    """One phase of fine-tuning. Its parts are the options of the same names."""

    unfreeze: Unfreeze
    epochs: Epochs
    learning_rate: LearningRate
    batch_norm: BatchNormTraining = "frozen"

    def __str__(self) -> str:
        """Return the text that :func:`read_phase` reads."""
        return f"{self.unfreeze} epochs={self.epochs} learning-rate={self.learning_rate} batch-norm={self.batch_norm}"


_PARTS = get_type_hints(Phase, include_extras=True)


def read_phase(data: object) -> Phase:
    """Read a phase from text such as ``from:block5 epochs=5 learning-rate=1e-3``, or from a table of its parts.

    Raises
    ------
    BadChoice
        If a part is missing, unknown, given twice or out of range.
    InvalidValue
        If the value is neither text nor a table.
    """
    if isinstance(data, Phase):
        return data
    if isinstance(data, str):
        text = data
        words = data.split()
        if words and "=" not in words[0]:
            words[0] = f"unfreeze={words[0]}"
        pairs: list[Any] = [word.partition("=")[::2] for word in words]
    elif isinstance(data, Mapping):
        text = " ".join(f"{name}={value}" for name, value in data.items())
        pairs = list(data.items())
    else:
        raise InvalidValue(f"takes phases {_EXAMPLE}")
    parts = {str(name).replace("-", "_"): value for name, value in pairs}
    if not parts or len(parts) < len(pairs) or "" in parts.values():
        raise BadChoice(f"{text!r} is not a phase: write it {_EXAMPLE}.")
    if unknown := sorted(parts.keys() - _PARTS.keys()):
        raise BadChoice.from_unknown_name(f"part of the phase {text!r}", unknown[0], _PARTS)
    labels = {name: name.replace("_", "-") for name in _PARTS}
    if missing := [labels[name] for name in ("unfreeze", "epochs", "learning_rate") if name not in parts]:
        raise BadChoice(f"The phase {text!r} lacks {' and '.join(missing)}: write it {_EXAMPLE}.")
    return Phase(
        **{
            name: read_value(f"{labels[name]} of the phase {text!r}", _PARTS[name], value)
            for name, value in parts.items()
        }
    )
