"""Phases of fine-tuning: what is unfrozen, for how many epochs, how fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import BadChoice

BatchNorm = Literal["frozen", "train"]

_UNFREEZE = re.compile(r"none|all|last:[1-9]\d*|from:[A-Za-z0-9_.-]+")


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
        """Write it as :func:`parse_phase` reads it."""
        return f"{self.unfreeze} epochs={self.epochs} learning-rate={self.learning_rate:g} batch-norm={self.batch_norm}"


def check_unfreeze(text: str) -> str:
    """Return ``text`` if it says what to unfreeze.

    Raises
    ------
    BadChoice
        If it does not.
    """
    if not _UNFREEZE.fullmatch(text):
        raise BadChoice(
            f"--unfreeze takes none, all, last:N (layers) or from:BLOCK (such as from:block5). Received: {text}"
        )
    return text
