"""Chooses the backbones that continue with more photos: successive halving, without those that are slower and worse.

Jamieson & Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter Optimization, AISTATS 2016. A part of
the photos tells most backbones apart, and its features are not computed again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..competition.metrics.comparisons import compute_paired_difference
from ..figures import format_score

# Minimum number of photos of the first rung, in all and per class. Fewer hardly distinguish backbones.
MIN_PHOTOS, MIN_PHOTOS_PER_CLASS = 400, 20
# Growth of a rung over the one before, and the smallest growth that is worth another rung.
GROWTH, MIN_GROWTH = 4, 1.5
# Share of the remaining time that is planned for features and heads. The rest is for start-up and the report.
TIME_SHARE = 0.8
# Standard errors of a paired difference above which it is significant, and up to which two backbones are close.
CERTAIN_ERRORS, CLOSE_ERRORS = 2.0, 1.0


@dataclass(frozen=True, eq=False)
class RungResult:
    """A backbone on the photos of a rung.

    ``milliseconds`` is the time of one photo, ``losses`` are the out-of-fold log losses of the scored photos, in an
    order that all backbones share.
    """

    name: str
    milliseconds: float
    losses: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Mean log loss."""
        return float(self.losses.mean())


def plan_rungs(photos: int, classes: int, *, full: bool = False) -> list[int]:
    """Return the number of photos of each rung; the last has all."""
    first = max(MIN_PHOTOS, MIN_PHOTOS_PER_CLASS * classes)
    sizes: list[int] = []
    while not full and first * MIN_GROWTH < photos:
        sizes.append(first)
        first *= GROWTH
    return [*sizes, photos]


def choose_stopped(results: Sequence[RungResult], top: int) -> dict[str, str]:
    """Return the backbones that stop after a rung, by name, each with the reason.

    The ``top`` best by loss always continue. Of the others, one stops if another is faster and better by more than the
    error of the paired difference; and one of the worse half stops unless it is about as good as the best.
    """
    ranked = sorted(results, key=lambda one: one.loss)
    half = max(top, math.ceil(len(ranked) / 2))
    stopped = {}
    for place, one in enumerate(ranked[top:], top):
        if (better := _find_dominating(one, ranked[:place])) is not None:
            stopped[one.name] = f"{better.name} is faster and better by {_format_difference(one, better)}"
        elif place >= half and not _is_close(one, ranked[0]):
            stopped[one.name] = f"in the worse half, {_format_difference(one, ranked[0])} behind {ranked[0].name}"
    return stopped


def _find_dominating(one: RungResult, better: Sequence[RungResult]) -> RungResult | None:
    for other in better:
        mean, error = compute_paired_difference(one.losses, other.losses)
        if other.milliseconds <= one.milliseconds and mean > CERTAIN_ERRORS * error:
            return other
    return None


def _is_close(one: RungResult, best: RungResult) -> bool:
    mean, error = compute_paired_difference(one.losses, best.losses)
    return mean <= CLOSE_ERRORS * error


def _format_difference(one: RungResult, other: RungResult) -> str:
    mean, error = compute_paired_difference(one.losses, other.losses)
    return format_score(mean, error, digits=3)


def count_affordable_photos(current: int, wanted: int, seconds_a_photo: float, seconds_left: float) -> int:
    """Return how many of ``wanted`` photos a rung can have in the remaining time. 0 if too few more than before."""
    affordable_photos = current + int(TIME_SHARE * max(0.0, seconds_left) / max(seconds_a_photo, 1e-9))
    if affordable_photos >= wanted:
        return wanted
    return affordable_photos if affordable_photos >= MIN_GROWTH * current else 0
