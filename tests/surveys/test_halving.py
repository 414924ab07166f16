from __future__ import annotations

import numpy as np
import pytest

from ensembler.surveys.halving import (
    RungResult,
    choose_stopped,
    count_affordable_photos,
    plan_rungs,
)

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.normal(0, 0.01, 400)


def judged(name: str, loss: float, milliseconds: float, spread: float = 0.02) -> RungResult:
    """Losses with that mean, which differ from others' by noise."""
    own = np.random.default_rng(sum(map(ord, name))).normal(0, spread, 400)
    return RungResult(name, milliseconds, loss + NOISE + own - own.mean())


@pytest.mark.parametrize(
    ("photos", "classes", "full", "sizes"),
    [
        (40, 1, False, [40]),
        (600, 1, False, [600]),
        (1600, 1, False, [400, 1600]),
        (25_000, 1, False, [400, 1600, 6400, 25_000]),
        (16_000, 196, False, [3920, 16_000]),
        (25_000, 1, True, [25_000]),
    ],
)
def test_rungs(photos: int, classes: int, full: bool, sizes: list[int]) -> None:
    assert plan_rungs(photos, classes, full=full) == sizes


def stopped(*found: RungResult, top: int = 1) -> dict[str, str]:
    return choose_stopped(found, top)


def test_who_is_beaten_in_loss_and_speed_stops() -> None:
    reasons = stopped(judged("good", 0.1, 10), judged("slow", 0.2, 20), judged("quick", 0.2, 5))
    # Two of three are the better half; the slow one is among them, or not: it stops all the same.
    assert reasons["slow"].startswith("good is faster and better by 0.100")
    assert "quick" not in reasons or "half" in reasons["quick"]


def test_the_top_always_go_on() -> None:
    found = [judged("good", 0.1, 10), judged("slow", 0.2, 20), judged("slower", 0.3, 30)]
    assert set(stopped(*found, top=2)) == {"slower"}
    assert not stopped(*found, top=3)


def test_the_worse_half_stops_unless_it_is_about_as_good_as_the_best() -> None:
    clear = [judged("a", 0.1, 40), judged("b", 0.11, 30), judged("c", 0.3, 20), judged("d", 0.4, 10)]
    reasons = stopped(*clear)
    assert set(reasons) == {"c", "d"}
    assert reasons["d"].startswith("in the worse half, 0.300")
    assert reasons["d"].endswith("behind a")
    # Nobody knows who is best of these.
    close = [judged(name, 0.1, 40 - place, spread=0.5) for place, name in enumerate("abcd")]
    assert not stopped(*close)


def test_a_difference_within_noise_does_not_dominate() -> None:
    assert not stopped(judged("a", 0.1, 10), judged("b", 0.1005, 20, spread=0.5))


@pytest.mark.parametrize(
    ("seconds", "photos"),
    [(1000.0, 1600), (15.0, 1600), (12.0, 1360), (1.0, 0), (-5.0, 0)],
)
def test_a_rung_is_cut_to_the_time_that_is_left(seconds: float, photos: int) -> None:
    assert count_affordable_photos(400, 1600, 0.01, seconds) == photos
