"""Whether probabilities are as right as they are certain."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions of about one certainty.

    Attributes
    ----------
    count
        How many.
    predicted
        Mean of their probabilities.
    happened
        Share of them that came true.
    """

    count: int
    predicted: float
    happened: float


@dataclass(frozen=True)
class Reliability:
    """Predictions by certainty, in bins of equal numbers, the least certain first.

    Attributes
    ----------
    bins
        Up to ten.
    """

    bins: tuple[Bin, ...]

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: the bins' mean distance between what was predicted and what happened."""
        total = sum(part.count for part in self.bins)
        return sum(part.count * abs(part.predicted - part.happened) for part in self.bins) / max(total, 1)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {"calibration_error": self.calibration_error, "bins": [asdict(part) for part in self.bins]}


def compute_reliability(
    targets: NDArray[np.floating], probabilities: NDArray[np.floating], *, multiclass: bool
) -> Reliability:
    """Compare probabilities with what happened (Naeini et al., AAAI 2015).

    Of exclusive classes the likeliest of each row counts, else each output of each row.

    Parameters
    ----------
    targets, probabilities
        Shape (rows, outputs); targets are 0 or 1.
    multiclass
        One class a row.
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
