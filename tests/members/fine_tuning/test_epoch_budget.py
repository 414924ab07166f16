"""Updates by the time that is left, with a clock that is set by hand."""

from __future__ import annotations

import pytest

from ensembler.members.allotment import Allotment, PhaseEpochs
from ensembler.members.fine_tuning.epoch_budget import EpochBudget
from ensembler.options.phases import Phase

STEPS = 100
PHASE = Phase("all", 5, 0.01)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def trained(pace: EpochBudget, clock: Clock, epoch: float, number: int = 0, done: int = 0) -> list[int]:
    """Go through a phase whose whole epochs take so many seconds; return the updates of each."""
    made = []
    while pace.begin_epoch(number, done):
        clock.now += epoch * pace.epoch_updates / STEPS
        pace.end_epoch()
        done += pace.updates_made
        made.append(pace.updates_made)
    return made


def budgeted(seconds: float, clock: Clock, *phases: PhaseEpochs, finish: float = 0.0) -> EpochBudget:
    allotment = Allotment(clock.now + seconds, 5.0, phases, finish)
    asked = [Phase("all", phase.requested, 0.01) for phase in phases]
    return EpochBudget(asked, STEPS, allotment, clock)


def test_without_a_budget_all_epochs_are_done() -> None:
    clock = Clock()
    pace = EpochBudget([PHASE], STEPS, clock=clock)
    assert pace.list_updates_left(0, 0) == [500]
    assert trained(pace, clock, 1e6) == [STEPS] * 5
    assert not pace.is_late()


@pytest.mark.parametrize(
    ("seconds", "updates"),
    [
        (100, [100] * 5),
        (50, [100, 100, 50]),
        # A part of an epoch that is too small is left out.
        (42, [100, 100]),
        (20, [100]),
        # One epoch is the least, whatever the time.
        (3, [100]),
    ],
)
def test_epochs_fill_the_time(seconds: float, updates: list[int]) -> None:
    clock = Clock()
    pace = budgeted(seconds, clock, PhaseEpochs(5, 20.0))
    assert pace.list_updates_left(0, 0) == [sum(updates)]
    assert trained(pace, clock, 20.0) == updates


def test_time_for_predictions_is_kept() -> None:
    clock = Clock()
    pace = budgeted(50 + 10, clock, PhaseEpochs(5, 20.0), finish=10.0)
    assert trained(pace, clock, 20.0) == [100, 100, 50]


def test_a_machine_that_is_slower_than_thought_gets_fewer_epochs() -> None:
    clock = Clock()
    pace = budgeted(100, clock, PhaseEpochs(5, 20.0))
    assert trained(pace, clock, 40.0) == [100, 100, 50]
    assert clock.now <= 1100


def test_a_machine_that_is_faster_than_thought_gets_what_was_asked() -> None:
    clock = Clock()
    pace = budgeted(60, clock, PhaseEpochs(5, 20.0))
    assert pace.list_updates_left(0, 0) == [300]
    assert trained(pace, clock, 10.0) == [100] * 5


def test_compilation_is_no_sign_of_slowness() -> None:
    clock = Clock()
    pace = budgeted(80, clock, PhaseEpochs(5, 10.0, compile_seconds=30.0))
    assert pace.begin_epoch(0, 0)
    clock.now += 40.0
    pace.end_epoch()
    trained(pace, clock, 10.0, done=100)
    assert clock.now == 1080


def test_phases_share_the_time() -> None:
    clock = Clock()
    pace = budgeted(60, clock, PhaseEpochs(4, 10.0), PhaseEpochs(8, 10.0))
    assert pace.list_updates_left(0, 0) == [200, 400]
    assert trained(pace, clock, 10.0) == [100, 100]
    assert trained(pace, clock, 10.0, number=1) == [100] * 4


def test_what_an_earlier_process_did_counts() -> None:
    clock = Clock()
    pace = budgeted(20, clock, PhaseEpochs(5, 20.0))
    assert trained(pace, clock, 20.0, done=300) == [100]
    assert trained(EpochBudget([PHASE], STEPS, clock=clock), clock, 20.0, done=300) == [100, 100]


def test_training_stops_within_an_epoch_when_time_is_over() -> None:
    clock = Clock()
    pace = budgeted(100, clock, PhaseEpochs(5, 20.0), PhaseEpochs(2, 20.0), finish=10.0)
    assert pace.begin_epoch(0, 0)
    assert not pace.is_late()
    clock.now += 96.0  # deadline and grace less what it takes to finish is 95
    assert pace.is_late()
    pace.stop(37)
    pace.end_epoch()
    assert (pace.updates_made, pace.is_out_of_time) == (37, True)
    assert not pace.begin_epoch(0, 37)
    assert not pace.begin_epoch(1, 0)


def test_an_epoch_that_an_earlier_process_began_goes_on_within_the_time() -> None:
    clock = Clock()
    pace = budgeted(30, clock, PhaseEpochs(5, 20.0))
    # Sixty updates are behind it: the other forty take 8 s, and a whole epoch more would take 20.
    assert pace.begin_epoch(0, 100, 60)
    assert (pace.epoch_updates, pace.phase_end) == (100, 300)
    assert pace.list_updates_left(0, 160) == [140]
    clock.now += 16.0  # twice as slow as thought, which is known from the forty alone
    pace.end_epoch()
    assert trained(pace, clock, 40.0, done=200) == [35]
    # Without a budget all of them are done.
    pace = EpochBudget([PHASE], STEPS, clock=clock)
    assert pace.begin_epoch(0, 100, 60)
    assert (pace.epoch_updates, pace.phase_end, pace.list_updates_left(0, 160)) == (100, 500, [340])


def test_an_epoch_that_was_begun_ends_at_once_where_no_time_is_left() -> None:
    clock = Clock()
    pace = budgeted(0, clock, PhaseEpochs(5, 20.0))
    assert pace.begin_epoch(0, 100, 60)
    assert (pace.epoch_updates, pace.phase_end) == (60, 160)
    pace.end_epoch()
    assert not pace.begin_epoch(0, 160)


def test_a_part_of_an_epoch_that_was_done_is_made_up_for_without_a_budget() -> None:
    clock = Clock()
    assert trained(EpochBudget([PHASE], STEPS, clock=clock), clock, 1.0, done=137) == [100, 100, 100, 63]


def test_a_rest_too_small_for_an_epoch_is_left_out_but_at_the_end() -> None:
    clock = Clock()
    pace = budgeted(4, clock, PhaseEpochs(5, 20.0))
    assert trained(pace, clock, 20.0, done=150) == []
    assert trained(budgeted(100, clock, PhaseEpochs(5, 20.0)), clock, 20.0, done=490) == [10]


def test_an_epoch_that_was_thought_far_too_short_does_not_blow_up_the_rest() -> None:
    clock = Clock()
    pace = budgeted(100, clock, PhaseEpochs(1000, 0.1), finish=20.0)
    trained(pace, clock, 5.0)
    # Half as much again is kept for the rest, not fifty times as much.
    assert clock.now == pytest.approx(1070, abs=5)
