from __future__ import annotations

import pytest
from helpers.jobs_told import Clock, ended, planned

from ensembler.console.jobs import Jobs, RunningJob
from ensembler.console.plain_lines import EPOCH_LINE_SECONDS, TASK_LINE_SECONDS, PlainLines, format_finished
from ensembler.console.task_state import TaskState
from ensembler.events import Event, FeaturesMade, FoldEnded, JobBegan, JobEnded, PlannedJob, WorkAhead

TRAINED = RunningJob(PlannedJob("b0"), 1, 0, 0, folds_done=1)
OTHER = RunningJob(PlannedJob("stack-b0"), 1, 0, 0)


@pytest.mark.parametrize(
    ("event", "job", "line"),
    [
        (FoldEnded("b0", 2, 5, 0.04234, 312.04), TRAINED, "b0, fold 2: 5 epochs, log loss 0.0423, 312.0 s"),
        (FoldEnded("b0", 2, 1, 0.5, 1), TRAINED, "b0, fold 2: 1 epoch, log loss 0.5000, 1.0 s"),
        (FoldEnded("b0", 2, None, 0.5, 1), TRAINED, "b0, fold 2: log loss 0.5000, 1.0 s"),
        (FeaturesMade("b0", 2399, 2, 61.2), TRAINED, "b0: frozen features of 2399 photos, 61.2 s"),
        (JobEnded("stack-b0", 12.3), OTHER, "stack-b0: 12.3 s"),
        (JobEnded("b0", 12.3), TRAINED, ""),
        (JobEnded("b0", 12.3, "It died."), TRAINED, "b0: failed after 12.3 s."),
        (JobEnded("b0", 12.3, stopped=True), TRAINED, "b0: stopped and saved after 12.3 s"),
        (WorkAhead(3), TRAINED, ""),
        (ended(), TRAINED, ""),
    ],
)
def test_lines_that_stay(event: Event, job: RunningJob, line: str) -> None:
    assert format_finished(event, job, Jobs()) == line


def test_it_is_told_that_others_go_on() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("b1", "b1", 0, 1.0)), 0)
    assert format_finished(JobEnded("b0", 1, "It died."), OTHER, jobs) == "b0: failed after 1.0 s. The others go on."


def test_an_epoch_tells_its_figures_and_how_far_the_call_is() -> None:
    clock, jobs = Clock(), Jobs()
    jobs.apply_event(planned(("b0-0", "b0", 0, 10.0), ("b0-1", "b0", 1, 10.0)), 0)
    jobs.apply_event(JobBegan("b0-0", 1), 0)
    jobs.apply_event(JobEnded("b0-0", 65.0), 0)
    lines = PlainLines(clock)
    figures = "log loss 0.2130, training loss 0.2500, 118 photos/s"
    expected = f"b0, fold 2: epoch 3 of 5, {figures}; 50% of all jobs, about 1:05 left"
    assert lines.format_epoch(ended(3), jobs) == expected
    assert "epoch 3 of 5 of phase 1 (from:block5), log loss 0.4000" in PlainLines(clock).format_epoch(
        ended(3, phases=2, watched=0.4), Jobs()
    )


def test_quick_epochs_do_not_flood_a_log() -> None:
    clock, lines, told = Clock(), PlainLines(Clock()), []
    lines = PlainLines(clock)
    for epoch in range(1, 101):
        told.append(lines.format_epoch(ended(epoch, 100), Jobs()))
        clock.now += 1
    assert sum(map(bool, told)) == -(-100 // EPOCH_LINE_SECONDS)
    assert lines.format_epoch(ended(member="b1"), Jobs()), "each member has lines of its own"


def test_a_long_stretch_tells_from_time_to_time_how_far_it_is() -> None:
    clock = Clock()
    lines, stretch, told = PlainLines(clock), TaskState("b7: frozen features", 1000, clock.now), []
    for _ in range(400):
        stretch.advance(1, clock.now)
        told.append(lines.format_task(stretch))
        clock.now += 1
    assert told[: TASK_LINE_SECONDS - 1] == [""] * (TASK_LINE_SECONDS - 1)
    said = [line for line in told if line]
    assert len(said) == 6
    assert said[0] == "b7: frozen features: 6%, about 15:39 left"
