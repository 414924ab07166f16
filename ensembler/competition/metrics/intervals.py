"""Bootstrap confidence intervals of scores, and of the difference between two scores of the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...serialization import Exported
from .measures import MeasuredScore

RESAMPLES = 1000
# With more units, random blocks of units are resampled, whose sums have the same variance.
MAX_UNITS = 5000
_RESAMPLES_PER_BATCH = 100
_PERCENTILES = (2.5, 97.5)

Units = NDArray[np.intp]


class Interval(NamedTuple):
    """Bounds of a 95 % confidence interval; NaN if it cannot be computed."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference(Exported):
    """Difference between two scores of the same rows.

    ``value`` is the first score minus the second. ``standard_error`` and ``interval`` are those of the paired
    difference.
    """

    value: float
    standard_error: float
    interval: Interval

    @property
    def is_within_noise(self) -> bool:
        """Whether the interval contains 0."""
        return not (self.interval.low > 0 or self.interval.high < 0)

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and whether the difference is within noise, as plain data for JSON."""
        return {**super().to_json(), "within_noise": self.is_within_noise}


def compute_interval(measured: MeasuredScore, units: Units) -> Interval:
    """Return the 95 % percentile interval of a score (Efron and Tibshirani, An introduction to the bootstrap, 1993).

    ``units`` contains the unit number of each row. Units are resampled as a whole.
    """
    return _compute_percentile_interval(resample_scores([measured], units)[0])


def compute_difference(first: MeasuredScore, second: MeasuredScore, units: Units) -> Difference:
    """Return the paired difference of two scores of the same rows; see :func:`compute_interval`."""
    scores = resample_scores([first, second], units)
    differences = scores[0] - scores[1]
    finite = differences[np.isfinite(differences)]
    error = float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")
    return Difference(first.value - second.value, error, _compute_percentile_interval(differences))


def resample_scores(scores: Sequence[MeasuredScore], units: Units) -> NDArray[np.float64]:
    """Return scores of resampled units, shape (scores, resamples). All scores and calls share the resamples.

    Scores are NaN if a resample has none, or if there are fewer than two units.
    """
    blocks, count = _assign_blocks(units)
    if count < 2:
        return np.full((len(scores), RESAMPLES), np.nan)
    random = np.random.default_rng(0)
    sums = [score.sum_by_unit(blocks, count) for score in scores]
    sizes = np.bincount(blocks, minlength=count)
    batches = []
    for _ in range(RESAMPLES // _RESAMPLES_PER_BATCH):
        draws = random.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES_PER_BATCH).T.astype(np.float64)
        batches.append(
            [score.score_samples(by_block @ draws, sizes @ draws) for score, by_block in zip(scores, sums, strict=True)]
        )
    return np.concatenate(batches, axis=1)


def _assign_blocks(units: Units) -> tuple[Units, int]:
    count = int(units.max()) + 1 if len(units) else 0
    if count <= MAX_UNITS:
        return units, count
    return np.random.default_rng(0).integers(MAX_UNITS, size=count)[units], MAX_UNITS


def _compute_percentile_interval(scores: NDArray[np.float64]) -> Interval:
    finite = scores[np.isfinite(scores)]
    low, high = np.percentile(finite, _PERCENTILES) if len(finite) > 1 else (np.nan, np.nan)
    return Interval(float(low), float(high))
