"""Where a member's pseudo-labels come from, as its settings and its folds tell it; nothing heavy is loaded for that."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

# In the folder of each fold.
PSEUDO_LABELS_FILE = "pseudo-labels.csv"


@dataclass(frozen=True)
class PseudoLabels:
    """Where a member's pseudo-labels come from; part of its settings.

    Attributes
    ----------
    stack
        Name of the stack whose members gave them.
    confidence
        Least probability of a label that is taken, between 0.5 and 1.
    fingerprint
        Hash of all predictions that they were made of.
    """

    stack: str
    confidence: float
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.stack} from {self.confidence:g} (predictions {self.fingerprint})"


def count_pseudo_labels(folder: Path) -> int | None:
    """Count the photos to predict that the fold in this folder learns from; None for a member without pseudo-labels."""
    path = folder / PSEUDO_LABELS_FILE
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.DictReader(lines))
