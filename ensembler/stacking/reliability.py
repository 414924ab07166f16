"""Reliability: the agreement of predicted probabilities with observed frequencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..serialization import Exported

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions of similar probability: their number, their mean probability, and the share that was true."""

    count: int
    predicted: float
    happened: float


@dataclass(frozen=True)
class Reliability(Exported):
    """Predictions in up to ten bins of equal size, in ascending order of probability."""

    bins: tuple[Bin, ...]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance between predicted and observed frequency, weighted by bin size."""
        total = sum(part.count for part in self.bins)
        return sum(part.count * abs(part.predicted - part.happened) for part in self.bins) / max(total, 1)

    def to_json(self) -> dict[str, Any]:
        """Return the calibration error and the bins as plain data for JSON."""
        return {"calibration_error": self.calibration_error, **super().to_json()}


def compute_reliability(
    targets: NDArray[np.floating], probabilities: NDArray[np.floating], *, multiclass: bool
) -> Reliability:
    """Compare probabilities with observed frequencies (Naeini et al., AAAI 2015).

    Exclusive classes use the most probable class of each row. Other tasks use every output of each row.

    Parameters
    ----------
    targets, probabilities
        Arrays of shape (rows, outputs); targets are 0 or 1.
    multiclass
        Whether the outputs are exclusive classes.
    """
    if multiclass:
        choice = probabilities.argmax(axis=1)
        rows = np.arange(len(probabilities))
        predicted, happened = probabilities[rows, choice], targets[rows, choice] > 0.5
    else:
        predicted, happened = np.ravel(probabilities), np.ravel(targets) > 0.5
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return Reliability(
        tuple(Bin(len(part), float(predicted[part].mean()), float(happened[part].mean())) for part in parts)
    )
