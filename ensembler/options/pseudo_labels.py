"""Pseudo-labels in the settings and folders of a member. This module loads no heavy library."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

# File in the folder of each fold.
PSEUDO_LABELS_FILE = "pseudo-labels.csv"


@dataclass(frozen=True)
class PseudoLabels:
    """Source of a member's pseudo-labels, a part of its settings.

    Attributes
    ----------
    stack
        Name of the stack whose members predicted them.
    confidence
        Minimum probability of a pseudo-label, between 0.5 and 1.
    fingerprint
        Hash of all predictions that they are based on.
    """

    stack: str
    confidence: float
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.stack} from {self.confidence:g} (predictions {self.fingerprint})"


def count_pseudo_labels(folder: Path) -> int | None:
    """Count the pseudo-labels of the fold in this folder. None means that the member uses none."""
    path = folder / PSEUDO_LABELS_FILE
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.DictReader(lines))
