from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.members_made import SETTINGS

from ensembler.members.allotment import PhaseEpochs
from ensembler.members.budget.costs import PhaseSpeed, PhotoCounts, Speeds, estimate_fold_cost, estimate_frozen_cost
from ensembler.members.budget.speed_files import build_machine_key, build_speed_path, load_speeds, save_speeds
from ensembler.options.phases import Phase
from ensembler.paths import CompetitionFolder

PHASES = (Phase("none", 2, 0.01), Phase("all", 5, 0.01))
SPEEDS = Speeds(
    start_up=8.0,
    build=2.0,
    save=1.0,
    decode=0.01,
    predict=0.03,
    network=0.02,
    predict_first=3.0,
    head=0.005,
    phases=(PhaseSpeed(0.04, 0.5, 4.0), PhaseSpeed(0.1, 0.5, 6.0)),
)
COUNTS = PhotoCounts(training=1000, test=200, folds=5)
TUNED = replace(SETTINGS, phases=PHASES, head="fitted", flips=False, image_size=96)


def test_a_fold_is_priced_piece_by_piece() -> None:
    work = estimate_fold_cost(SPEEDS, TUNED, COUNTS, missing_views=0, starts_process=True, measures_speed=False)
    assert work.begin == pytest.approx(8 + 2 + 800 * 0.005 + 800 * 0.01)
    held_out = 200 * 0.03
    assert work.phases == (
        PhaseEpochs(2, 800 * 0.04 + 0.5 + held_out, 4.0 + 3.0),
        PhaseEpochs(5, 800 * 0.1 + 0.5 + held_out, 6.0),
    )
    assert work.finish == pytest.approx(400 * 0.03 + 3 + 1, abs=0.5)
    assert work.estimate_seconds(1.0) == pytest.approx(
        work.begin + work.finish + 2 * work.phases[0].seconds + 5 * work.phases[1].seconds + 13
    )


@pytest.mark.parametrize(
    ("change", "missing", "starts", "more"),
    [
        ({}, 0, False, -8.0),
        ({}, 1, True, 1200 * 0.03 + 3 + 2),
        ({"flips": True}, 2, True, 1200 * 0.05 + 6 + 2 + 800 * 0.005),
        ({"head": "random"}, 0, True, -800 * 0.005),
        ({"precision": "bfloat16"}, 0, True, 2 + 800 * 0.005),
        ({"tta": "flip"}, 0, True, 400 * 0.02),
    ],
)
def test_what_costs_more(change: dict[str, object], missing: int, starts: bool, more: float) -> None:
    usual = estimate_fold_cost(SPEEDS, TUNED, COUNTS, missing_views=0, starts_process=True, measures_speed=False)
    changed = replace(TUNED, **change)  # type: ignore[arg-type]
    other = estimate_fold_cost(
        SPEEDS, changed, COUNTS, missing_views=missing, starts_process=starts, measures_speed=False
    )
    assert other.fixed - usual.fixed == pytest.approx(more)


def test_photos_that_do_not_fit_into_memory_are_decoded_in_each_epoch_alone() -> None:
    many = PhotoCounts(training=100_000, test=0, folds=5)
    kept = estimate_fold_cost(
        SPEEDS, replace(TUNED, image_size=8), many, missing_views=0, starts_process=True, measures_speed=False
    )
    anew = estimate_fold_cost(
        SPEEDS, replace(TUNED, image_size=96), many, missing_views=0, starts_process=True, measures_speed=False
    )
    assert kept.begin - anew.begin == pytest.approx(80_000 * 0.01)


def test_a_frozen_member_pays_its_features_once() -> None:
    cached = estimate_frozen_cost(SPEEDS, SETTINGS, COUNTS, heads=5, missing_views=0, measures_speed=False)
    anew = estimate_frozen_cost(SPEEDS, SETTINGS, COUNTS, heads=5, missing_views=1, measures_speed=False)
    assert anew.begin - cached.begin == pytest.approx(1200 * 0.03 + 3 + 2)
    assert (
        estimate_frozen_cost(SPEEDS, SETTINGS, COUNTS, heads=1, missing_views=0, measures_speed=False).begin
        < cached.begin
    )
    assert (cached.phases, cached.finish) == ((), 0)


def test_smaller_photos_take_less_time_by_the_pixel_but_no_less_to_decode() -> None:
    half = SPEEDS.scale_to_size(192, 96)
    assert half.phases[1].photo == pytest.approx(0.025)
    assert half.network == pytest.approx(0.005)
    assert half.predict == half.decode == 0.01
    assert half.phases[1].first == 6.0


def test_speeds_are_kept_for_this_way_to_train_on_this_machine(tmp_path: Path) -> None:
    folder = CompetitionFolder(tmp_path / "data" / "made")
    machine = build_machine_key((), 1, data_parallel=False)
    path = build_speed_path(folder, TUNED, machine)
    assert load_speeds(path) is None
    save_speeds(path, SPEEDS)
    assert load_speeds(path) == SPEEDS
    longer = replace(TUNED, phases=tuple(replace(phase, epochs=50) for phase in PHASES), seed=7)
    assert build_speed_path(folder, longer, machine) == path
    others = [
        build_speed_path(folder, replace(TUNED, image_size=128), machine),
        build_speed_path(folder, replace(TUNED, batch_size=8), machine),
        build_speed_path(folder, replace(TUNED, phases=PHASES[:1]), machine),
        build_speed_path(folder, TUNED, build_machine_key(("0",), 1, data_parallel=False)),
    ]
    assert len({path, *others}) == 5


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"phases": [], "other": 1}'])
def test_damaged_speeds_are_measured_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(content)
    assert load_speeds(path) is None


def test_to_measure_the_speed_of_a_network_costs_no_more_than_its_limits() -> None:
    usual, more = (
        estimate_fold_cost(SPEEDS, TUNED, COUNTS, missing_views=0, starts_process=True, measures_speed=told)
        for told in (False, True)
    )
    assert 5 < more.finish - usual.finish < 5 + 5 + 2 * 0.02 * 40 + 2 * 3
    heads = [
        estimate_frozen_cost(SPEEDS, SETTINGS, COUNTS, heads=5, missing_views=0, measures_speed=told)
        for told in (False, True)
    ]
    assert heads[1].begin - heads[0].begin == pytest.approx(more.finish - usual.finish)


def test_a_single_fold_holds_out_a_fifth() -> None:
    assert PhotoCounts(training=1000, test=0, folds=1) == replace(COUNTS, test=0, folds=1)
    assert [PhotoCounts(1000, 0, folds).held_out for folds in (1, 2, 5)] == [200, 500, 200]
