"""How sure a score is, and the difference of two scores of the same rows: by the bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .measures import Measured
from .standard_errors import OfInfluences

RESAMPLES = 1000
# Of more units, blocks drawn at random are resampled instead: their sums vary as much.
MOST_UNITS = 5000
_AT_ONCE = 100
_PERCENT = (2.5, 97.5)

Units = NDArray[np.intp]


@dataclass(frozen=True)
class Interval:
    """What holds 95 of 100 scores of resampled rows; neither end is a number where there is none."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much one score lies above another of the same rows.

    Attributes
    ----------
    value
        First less second.
    standard_error
        Of the difference, rows being paired.
    interval
        Of 95 %.
    """

    value: float
    standard_error: float
    interval: Interval

    @property
    def within_noise(self) -> bool:
        """Whether it may as well be none."""
        return not (self.interval.low > 0 or self.interval.high < 0)


def interval(measured: Measured, units: Units) -> Interval:
    """Return the 95 % percentile interval of a score (Efron and Tibshirani, An introduction to the bootstrap, 1993).

    Parameters
    ----------
    measured
        The score.
    units
        Number of the unit that each row belongs to; units are resampled whole.
    """
    return _interval(resampled([measured], units)[0])


def difference(first: Measured, second: Measured, units: Units) -> Difference:
    """Compare two scores of the same rows, always resampled together; see :func:`interval`."""
    scores = resampled([first, second], units)
    apart = scores[0] - scores[1]
    known = apart[np.isfinite(apart)]
    error = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
    return Difference(first.value - second.value, error, _interval(apart))


def resampled(scores: Sequence[Measured], units: Units) -> NDArray[np.float64]:
    """Scores of resampled units, the same for all ``scores`` and always the same ones.

    Returns
    -------
    array of shape (scores, resamples)
        Not a number where a resample gives none, or there are less than two units.
    """
    blocks, count = _blocks(units)
    if count < 2:
        return np.full((len(scores), RESAMPLES), np.nan)
    random = np.random.default_rng(0)
    sums = [_by_block(score, blocks, count) for score in scores]
    sizes = np.bincount(blocks, minlength=count)
    parts = []
    for _ in range(RESAMPLES // _AT_ONCE):
        draws = random.multinomial(count, np.full(count, 1 / count), size=_AT_ONCE).T.astype(np.float64)
        parts.append([_scored(score, of, draws, sizes) for score, of in zip(scores, sums, strict=True)])
    return np.concatenate(parts, axis=1)


def _blocks(units: Units) -> tuple[Units, int]:
    count = int(units.max()) + 1 if len(units) else 0
    if count <= MOST_UNITS:
        return units, count
    return np.random.default_rng(0).integers(MOST_UNITS, size=count)[units], MOST_UNITS


def _by_block(score: Measured, blocks: Units, count: int) -> NDArray[np.float64]:
    """Return what each block adds: its influences' sum, shape (1, blocks), or its counts, shape (counts, blocks)."""
    if isinstance(score, OfInfluences):
        return np.asarray(np.bincount(blocks, weights=score.influences, minlength=count)[None], np.float64)
    from scipy.sparse import csr_array

    rows = np.arange(len(blocks))
    return np.asarray(
        (score.marks @ csr_array((np.ones(len(blocks)), (rows, blocks)), shape=(len(blocks), count))).toarray()
    )


def _scored(
    score: Measured, sums: NDArray[np.float64], draws: NDArray[np.float64], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    if isinstance(score, OfInfluences):
        return np.asarray(score.value + (sums @ draws)[0] / (sizes @ draws))
    return np.asarray(score.score(np.asarray(sums @ draws)))


def _interval(scores: NDArray[np.float64]) -> Interval:
    known = scores[np.isfinite(scores)]
    low, high = np.percentile(known, _PERCENT) if len(known) > 1 else (np.nan, np.nan)
    return Interval(float(low), float(high))
