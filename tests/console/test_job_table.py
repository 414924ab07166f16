"""The table of jobs in terminals of different widths."""

from __future__ import annotations

import io
import re

import pytest
from helpers.job_events import Clock, began, ended, planned
from rich.console import Console, Group

from ensembler.console.job_table import JobTable
from ensembler.console.jobs import Jobs, TaskState
from ensembler.events import Event, JobBegan, JobEnded, TaskBegan


def made(*events: Event, done: int = 20) -> tuple[Jobs, Clock]:
    """One job of three ended after 90 seconds; one is in its second epoch; one waits."""
    jobs, clock = Jobs(), Clock()
    names = [f"b0-fold-{fold}" for fold in (1, 2, 3)]
    jobs.apply_event(planned(*((name, "b0", fold, 100.0) for fold, name in enumerate(names, 1))), clock.now)
    jobs.apply_event(JobBegan(6, job="b0-fold-1"), clock.now)
    jobs.apply_event(JobEnded(90.0, job="b0-fold-1"), clock.now)
    jobs.apply_event(JobBegan(7, job="b0-fold-2"), clock.now)
    job = jobs.running["b0-fold-2"]
    task = TaskState(TaskBegan("1", "b0, fold 2: fine-tune", 50, photos=32, work=2), clock.now)
    job.tasks["1"] = task
    for event in events or (began(1), ended(1), began(2)):
        job.apply_event(event)
    for _ in range(done):
        job.advance(task, 1, clock.now)
        clock.now += 1
    return jobs, clock


def drawn(jobs: Jobs, clock: Clock, width: int, memory: int | None = 1_440_000_000) -> list[str]:
    table = JobTable(jobs, clock, lambda process: memory if process == 7 else None)
    clock.now += 5  # since the call began
    screen = Console(file=io.StringIO(), force_terminal=True, width=width, height=20, color_system=None)
    screen.print(Group(*table.draw(width, 20)))
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def test_a_wide_terminal_shows_all() -> None:
    header, job, call = drawn(*made(), 100)
    names = ("job", "phase", "epoch", "log loss", "training loss", "photos/s", "memory", "left")
    assert re.split(r"  +", header) == list(names)
    assert re.split(r"  +", job) == ["b0, fold 2", "from:block5", "2/5", "0.2130", "0.2500", "118", "1.4 GB", "0:24"]
    assert call.startswith("1 of 3 jobs")
    assert "━" in call
    assert call.endswith("0:05 passed  about 1:54 left")


def test_columns_stand_under_their_names() -> None:
    header, job, _ = drawn(*made(), 100)
    for name, value in (("log loss", "0.2130"), ("training loss", "0.2500"), ("photos/s", "118"), ("memory", "1.4 GB")):
        assert header.index(name) + len(name) == job.index(value) + len(value), name


@pytest.mark.parametrize(
    ("width", "missing"),
    [
        (100, []),
        (75, ["training loss"]),
        (60, ["training loss", "memory"]),
        (40, ["training loss", "memory", "photos/s", "phase"]),
    ],
)
def test_a_narrow_terminal_does_without_some_columns(width: int, missing: list[str]) -> None:
    lines = drawn(*made(), width)
    assert len(lines) == 3
    for name in ("job", "phase", "epoch", "log loss", "training loss", "photos/s", "memory", "left"):
        assert (name in lines[0]) == (name not in missing), name
    assert "0.2130" in lines[1]
    assert "…" not in "".join(lines)


def test_a_tiny_terminal_cuts_off_rather_than_wraps() -> None:
    assert len(drawn(*made(), 20)) == 3


def test_nothing_is_shown_without_jobs() -> None:
    assert drawn(Jobs(), Clock(), 80) == []


def test_unknown_figures_take_no_column() -> None:
    header = drawn(*made(began(1)), 100, memory=None)[0]
    assert "memory" not in header
    assert "log loss" not in header


def test_several_phases_are_counted_and_the_validation_loss_takes_precedence() -> None:
    events = (began(2, phases=3), ended(1, phases=3, validation=0.5, gpu=12 * 10**9), began(2, phases=3))
    job = drawn(*made(*events), 120)[1]
    assert "from:block5 (1/3)" in job
    assert "0.5000" in job
    assert "1.4 + 12.0 GB" in job


def test_another_task_shows_its_percentage() -> None:
    jobs, clock = made()
    task = TaskState(TaskBegan("1", "b0: predict fold 2", 80, photos=1, work=1), clock.now)
    jobs.running["b0-fold-2"].tasks = {"1": task}
    jobs.running["b0-fold-2"].advance(task, 20, clock.now)
    assert drawn(jobs, clock, 100)[1].split()[3:6] == ["predict", "fold", "2"]
    assert "25%" in drawn(jobs, clock, 100)[1]


def test_more_jobs_than_lines_are_counted() -> None:
    jobs, clock = Jobs(), Clock()
    jobs.apply_event(planned(*((f"j{number}", "", 0, 0.0) for number in range(40)), parallel=40), 0)
    for number in range(40):
        jobs.apply_event(JobBegan(number, job=f"j{number}"), 0)
    lines = drawn(jobs, clock, 80)
    assert len(lines) < 20
    assert lines[-2] == "and 26 more"
    assert lines[-1].startswith("0 of 40 jobs")


def test_a_failed_jobs_work_is_not_counted() -> None:
    jobs, clock = made()
    jobs.apply_event(JobEnded(1.0, "It died.", job="b0-fold-2"), clock.now)
    assert list(jobs.waiting) == ["b0-fold-3"]
    assert jobs.share == pytest.approx(0.5)


def test_jobs_of_a_cluster_have_their_machines_and_the_memory_of_their_last_epoch() -> None:
    jobs, clock = made()
    before = drawn(jobs, clock, 200)
    jobs.apply_event(JobBegan(7, "gpu-3", "1", job="b0-fold-2"), clock.now)
    jobs.running["b0-fold-2"].apply_event(began(1))
    jobs.running["b0-fold-2"].apply_event(ended(1))
    after = drawn(jobs, clock, 200)
    assert "node" not in " ".join(before)
    head, row, *_, summary = (line for line in after if line.strip())
    assert head.split()[:3] == ["job", "node", "GPU"]
    assert row.split()[:5] == ["b0,", "fold", "2", "gpu-3", "1"]
    assert "1 of 3 jobs, 1 running, 1 waiting" in summary
    assert "1.4" not in row


def test_a_job_that_did_not_run_no_longer_waits() -> None:
    jobs, clock = made()
    jobs.apply_event(JobEnded(0.0, "It did not run.", job="b0-fold-3"), clock.now)
    assert (jobs.done, jobs.planned, list(jobs.waiting)) == (2, 3, [])
