"""Standard errors of scores, which treat the photos as a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

RESAMPLES = 200
# Resamples at a time, to bound the memory.
_RESAMPLES_PER_BATCH = 20


def assign_units(groups: Sequence[str]) -> NDArray[np.intp]:
    """Return the unit number of each row. A unit is a group, or a row without a group."""
    codes, names = pd.factorize(np.array(groups, dtype=object))
    alone = (names == "")[codes]
    return np.asarray(pd.factorize(np.where(alone, len(names) + np.arange(len(codes)), codes))[0], dtype=np.intp)


@dataclass(frozen=True)
class InfluenceScore:
    """A score to which each row adds a known amount, such as a mean.

    ``influences`` are the amounts, multiplied by the number of rows, minus the score. They sum to 0.
    """

    value: float
    influences: NDArray[np.float64]

    @classmethod
    def from_row_values(cls, values: NDArray[np.floating]) -> InfluenceScore:
        """Return the mean of a value per row."""
        average = float(np.mean(values, dtype=np.float64))
        return cls(average, np.asarray(values, dtype=np.float64) - average)

    def sum_by_unit(self, units: NDArray[np.intp], count: int) -> NDArray[np.float64]:
        """Return the sum of the influences of each of ``count`` units, shape (1, units)."""
        return np.asarray(np.bincount(units, weights=self.influences, minlength=count)[None], dtype=np.float64)

    def score_samples(self, sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of samples, given their sums of influences, shape (1, samples), and numbers of rows."""
        return np.asarray(self.value + sums[0] / sizes)

    def negate(self) -> InfluenceScore:
        """Return the negated score."""
        return InfluenceScore(-self.value, -self.influences)

    def compute_standard_error(self, units: NDArray[np.intp]) -> float:
        """Return the standard error, with one observation per unit; NaN for fewer than two units."""
        (sums,) = self.sum_by_unit(units, 0)
        if len(sums) < 2:
            return float("nan")
        return float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(units))


@dataclass(frozen=True)
class CountScore:
    """A score that is computed from counts of rows.

    ``marks`` is a sparse array of shape (counts, rows) with each row's part of the counts. ``compute_score`` turns
    counts of shape (counts, samples) into a score per sample, NaN if it is undefined.
    """

    marks: Any
    compute_score: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    @property
    def value(self) -> float:
        """The score of all rows."""
        return float(self.compute_score(np.asarray(self.marks.sum(axis=1), dtype=np.float64))[0])

    def sum_by_unit(self, units: NDArray[np.intp], count: int) -> Any:
        """Return the counts of each of ``count`` units; sparse, shape (counts, units)."""
        from scipy.sparse import csr_array

        rows = np.arange(len(units))
        return self.marks @ csr_array((np.ones(len(units)), (rows, units)), shape=(len(units), count))

    def score_samples(self, sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores of samples, given their counts, shape (counts, samples)."""
        del sizes
        return self.compute_score(sums)

    def negate(self) -> CountScore:
        """Return the negated score."""
        return CountScore(self.marks, lambda counts: -self.compute_score(counts))

    def compute_standard_error(self, units: NDArray[np.intp]) -> float:
        """Return the standard deviation over 200 bootstrap resamples of units, with a fixed seed."""
        count = int(units.max()) + 1
        by_unit = self.sum_by_unit(units, count)
        random = np.random.default_rng(0)
        scores = [
            self.compute_score(by_unit @ _draw_resamples(count, random))
            for _ in range(RESAMPLES // _RESAMPLES_PER_BATCH)
        ]
        finite = np.concatenate(scores)
        finite = finite[np.isfinite(finite)]
        return float(finite.std(ddof=1)) if count > 1 and len(finite) > 1 else float("nan")


def _draw_resamples(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the count of each unit in each resample, shape (units, resamples)."""
    draws = [np.bincount(random.integers(count, size=count), minlength=count) for _ in range(_RESAMPLES_PER_BATCH)]
    return np.column_stack(draws).astype(np.float64)
