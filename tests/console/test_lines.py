from __future__ import annotations

import pytest
from helpers.job_events import Clock, ended, planned

from ensembler.console.jobs import Jobs
from ensembler.console.lines import EPOCH_LINE_SECONDS, TASK_LINE_SECONDS, Lines
from ensembler.events import (
    Event,
    FeaturesMade,
    FoldEnded,
    JobBegan,
    JobEnded,
    Noted,
    TaskAdvanced,
    TaskBegan,
    TaskEnded,
    Warned,
    WorkAhead,
)


def made(clock: Clock | None = None, *, with_progress: bool = True) -> Lines:
    return Lines(Jobs(), clock or Clock(), with_progress=with_progress)


def format_all(lines: Lines, *events: Event, verbose: bool = False) -> list[str]:
    return [line for event in events if (line := lines.format_event(event, verbose=verbose))]


TRAINED = (JobBegan(1, job="b0"), FoldEnded("b0", 1, 5, 0.5, 1, job="b0"))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (FoldEnded("b0", 2, 5, 0.04234, 312.04), "  b0, fold 2: 5 epochs, log loss 0.0423, 312.0 s"),
        (FoldEnded("b0", 2, 1, 0.5, 1), "  b0, fold 2: 1 epoch, log loss 0.5000, 1.0 s"),
        (FoldEnded("b0", 2, None, 0.5, 1), "  b0, fold 2: log loss 0.5000, 1.0 s"),
        (FoldEnded("b0", -1, None, None, 1), "  b0, all photos: 1.0 s"),
        (FeaturesMade("b0", 2399, 2, 61.2), "  b0: frozen features of 2399 photos, 61.2 s"),
        (JobEnded(12.3, job="stack-b0"), "  stack-b0: 12.3 s"),
        (JobEnded(12.3, job="b0"), ""),
        (JobEnded(12.3, "It died.", job="b0"), "  b0: failed after 12.3 s."),
        (JobEnded(12.3, stopped=True, job="b0"), "  b0: stopped after 12.3 s"),
        (WorkAhead(3, job="b0"), ""),
        (Noted("a note"), "a note"),
        (Warned("a warning"), "Warning: a warning"),
    ],
)
@pytest.mark.parametrize("with_progress", [True, False])
def test_lines_that_stay(event: Event, line: str, with_progress: bool) -> None:
    lines = made(with_progress=with_progress)
    format_all(lines, *TRAINED)
    assert format_all(lines, event) == [line] * bool(line)


def test_a_failure_says_that_other_jobs_continue() -> None:
    lines = made()
    format_all(lines, planned(("b1", "b1", 0, 1.0)))
    assert format_all(lines, JobEnded(1, "It died.", job="b0")) == [
        "  b0: failed after 1.0 s. The other jobs continue."
    ]


def test_details_are_for_verbose_mode() -> None:
    events = (Noted("detail", detail=True), TaskBegan("1", "checksum", 5), TaskEnded("1", "checksum", 5, 0.2))
    assert format_all(made(), *events) == []
    assert format_all(made(), *events, verbose=True) == ["detail", "  checksum: 0.2 s"]


@pytest.mark.parametrize(
    ("unit", "done", "amount"), [("", 5, ""), ("photos", 5, "5 photos in "), ("bytes", 5000, "5.0 kB in ")]
)
def test_a_finished_task_counts_the_steps_of_this_run(unit: str, done: int, amount: str) -> None:
    began = TaskBegan("1", "work", 9000, 10, unit)
    assert format_all(made(), began, TaskEnded("1", "work", 10 + done, 2.04)) == [f"  work: {amount}2.0 s"]


def test_an_epoch_shows_its_figures_and_the_progress_of_the_call() -> None:
    lines = made()
    format_all(lines, planned(("b0-0", "b0", 0, 10.0), ("b0-1", "b0", 1, 10.0)))
    format_all(lines, JobBegan(1, job="b0-0"), JobEnded(65.0, job="b0-0"))
    figures = "log loss 0.2130, training loss 0.2500, 118 photos/s"
    assert format_all(lines, ended(3)) == [f"  b0, fold 2: epoch 3 of 5, {figures}; 50% of all jobs, about 1:05 left"]
    assert format_all(made(), ended(3, phases=2, validation=0.4)) == [
        "  b0, fold 2: epoch 3 of 5 of phase 1 (from:block5), log loss 0.4000, training loss 0.2500, 118 photos/s"
    ]
    assert format_all(made(with_progress=False), ended(3)) == []


def test_quick_epochs_do_not_flood_a_log() -> None:
    clock = Clock()
    lines, written = made(clock), []
    for epoch in range(1, 101):
        written += format_all(lines, ended(epoch, 100))
        clock.now += 1
    assert len(written) == -(-100 // EPOCH_LINE_SECONDS)
    assert format_all(lines, ended(member="b1")), "each member has lines of its own"


@pytest.mark.parametrize(
    ("total", "line"),
    [(1000, "  b7: frozen features: 6%, about 15:39 left"), (0, "  b7: frozen features: 1:00 passed")],
)
def test_a_long_task_reports_its_progress_from_time_to_time(total: int, line: str) -> None:
    clock = Clock()
    lines, written = made(clock), []
    format_all(lines, JobBegan(1, job="b7"), TaskBegan("1", "b7: frozen features", total, photos=1, job="b7"))
    for second in range(400):
        new = format_all(lines, TaskAdvanced("1", 1, job="b7"))
        assert not new or second >= TASK_LINE_SECONDS
        written += new
        clock.now += 1
    assert len(written) == 6
    assert written[0] == line
