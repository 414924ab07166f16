"""Prices of members, by speeds made up here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.members_made import SETTINGS

from ensembler.competition.folds.folds import Folds
from ensembler.inference.speeds import PhaseSpeed, TrainingSpeed
from ensembler.members.allotment import PhaseEpochs
from ensembler.members.budget.costs import NetworkCost, price_member, scale_speed
from ensembler.options.phases import Phase
from ensembler.options.settings import MemberSettings

PHASES = (Phase("none", 2, 0.01), Phase("all", 5, 0.01))
SPEED = TrainingSpeed(
    start_up=8.0,
    build=2.0,
    save=1.0,
    compile=3.0,
    decode=0.01,
    predict=0.03,
    view=0.02,
    head=0.005,
    phases=(PhaseSpeed(0.04, 0.5, 4.0), PhaseSpeed(0.1, 0.5, 6.0)),
)
TUNED = replace(SETTINGS, phases=PHASES, head="fitted", flips=False, image_size=96)


def folds_of(photos: int) -> Folds:
    """Five folds of so many photos."""
    column = pd.Series(["a"] * photos)
    return Folds(np.arange(photos)[:, None] % 5, 5, column, column)


FOLDS = folds_of(1000)


def price(settings: MemberSettings, unfinished: int = 5, folds: Folds = FOLDS, **options: Any) -> list[NetworkCost]:
    """Price a member with 200 photos to predict; one network a job."""
    arguments = {"missing_views": 0, "shares_process": False, **options}
    jobs = price_member(0, settings, SPEED, folds, 200, range(unfinished), **arguments)
    assert all(len(job) == 1 for job in jobs)
    return [cost for job in jobs for cost in job]


def test_a_fold_is_priced_piece_by_piece() -> None:
    costs = price(TUNED)
    assert [cost.fold for cost in costs] == [0, 1, 2, 3, 4]
    cost = costs[0]
    assert cost.begin == pytest.approx(8 + 2 + 800 * 0.005 + 800 * 0.01)
    held_out = 200 * 0.03
    assert cost.phases == (
        PhaseEpochs(2, 800 * 0.04 + 0.5 + held_out, 4.0 + 3.0),
        PhaseEpochs(5, 800 * 0.1 + 0.5 + held_out, 6.0),
    )
    assert cost.finish == pytest.approx(400 * 0.03 + 3 + 1, abs=0.5)
    epochs = 2 * cost.phases[0].seconds + 5 * cost.phases[1].seconds
    assert cost.estimate_seconds(1.0) == pytest.approx(cost.begin + cost.finish + epochs + 13)


@pytest.mark.parametrize(
    ("change", "missing", "more"),
    [
        ({}, 1, 1200 * 0.03 + 3 + 2),
        ({"flips": True}, 2, 1200 * 0.05 + 6 + 2 + 800 * 0.005),
        ({"head": "random"}, 0, -800 * 0.005),
        ({"precision": "bfloat16"}, 0, 2 + 800 * 0.005),
        ({"tta": "flip"}, 0, 400 * 0.02),
    ],
)
def test_what_costs_more(change: dict[str, Any], missing: int, more: float) -> None:
    usual, other = price(TUNED)[0], price(replace(TUNED, **change), missing_views=missing)[0]
    assert other.estimate_seconds(0) - usual.estimate_seconds(0) == pytest.approx(more)


def test_the_first_fold_alone_pays_for_features() -> None:
    usual, (first, second, *_) = price(TUNED)[0], price(TUNED, missing_views=1)
    assert second == replace(usual, fold=1)
    assert first.begin > usual.begin
    assert first.finish == usual.finish


def test_folds_that_share_a_process_start_it_once() -> None:
    [job] = price_member(0, TUNED, SPEED, FOLDS, 200, [1, 2], missing_views=0, shares_process=True)
    assert [cost.fold for cost in job] == [1, 2]
    assert job[0].begin - job[1].begin == SPEED.start_up


def test_photos_that_do_not_fit_into_memory_are_decoded_in_each_epoch_alone() -> None:
    many = folds_of(100_000)
    kept, anew = (price(replace(TUNED, image_size=size), folds=many)[0] for size in (8, 96))
    assert kept.begin - anew.begin == pytest.approx(80_000 * 0.01)


def test_a_frozen_member_is_one_piece_of_work_that_pays_its_features_once() -> None:
    [cached], [anew], [one] = price(SETTINGS), price(SETTINGS, missing_views=1), price(SETTINGS, 1)
    assert anew.begin - cached.begin == pytest.approx(1200 * 0.03 + 3 + 2)
    assert one.begin < cached.begin
    assert (cached.phases, cached.finish) == ((), 0)


def test_smaller_photos_take_less_time_by_the_pixel_but_no_less_to_decode() -> None:
    half = scale_speed(SPEED, 192, 96)
    assert half.phases[1].photo == pytest.approx(0.025)
    assert half.view == pytest.approx(0.005)
    assert half.predict == half.decode == 0.01
    assert half.phases[1].first == 6.0
