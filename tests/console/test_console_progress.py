from __future__ import annotations

import io
import re
import time
from dataclasses import replace

import pytest
from helpers.job_events import Clock, began, ended, planned
from rich.console import Console

from ensembler.console import ConsoleProgress
from ensembler.events import Event, FoldEnded, JobBegan, JobEnded, JobsPlanned, PlannedJob
from ensembler.progress import Progress


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress() as progress:
        progress.note("[a note] in brackets of a:dog:b")
        progress.note("a detail", detail=True)
    assert capsys.readouterr() == ("", "[a note] in brackets of a:dog:b\n")


def test_details_are_shown_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleProgress(verbose=True).note("a detail", detail=True)
    assert capsys.readouterr().err == "a detail\n"


def test_lines_go_to_a_file_that_is_named() -> None:
    file = io.StringIO()
    with ConsoleProgress(file=file) as progress:
        progress.warn("look out")
    assert file.getvalue() == "Warning: look out\n"


@pytest.mark.parametrize(
    ("unit", "total", "amount", "rate"),
    [("photos", 200, "100/200", r"\d+/s"), ("bytes", 0, "100 bytes", "/s"), ("bytes", 4000, "of 4.0 kB", "/s")],
)
def test_a_bar_shows_amount_and_rate(unit: str, total: int, amount: str, rate: str) -> None:
    screen = Console(width=200, record=True, file=io.StringIO())
    progress = ConsoleProgress(console=screen)
    task = progress.start("features", total, unit=unit)
    for _ in range(10):
        task.advance(10)
        time.sleep(0.005)
    screen.print(progress.render_frame())
    shown = screen.export_text()
    assert amount in shown
    assert re.search(rate, shown)


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress(quiet=True, live=True) as progress:
        progress.start("heads", 5).finish()
        progress.note("nothing to see")
        progress.warn("not even this")
        run_a_fold(progress, Clock())
    assert capsys.readouterr() == ("", "")


class OfJob(Progress):
    """Reports as a job, which the engine does for real ones."""

    def __init__(self, progress: Progress, job: str) -> None:
        self.progress = progress
        self.job = job

    def emit(self, event: Event) -> None:
        self.progress.emit(replace(event, job=self.job))


def run_a_fold(progress: Progress, clock: Clock) -> None:
    """Report what a job of one fold reports, with a clock that advances."""
    progress.emit(planned(("b0-fold-2", "b0", 2, 100.0), ("b0-fold-3", "b0", 3, 100.0)))
    job = OfJob(progress, "b0-fold-2")
    job.emit(JobBegan(7))
    task = job.start("b0, fold 2: fine-tune", 50, photos=32, work=2)
    for epoch in (1, 2):
        job.emit(began(epoch, 2))
        for _ in range(25):
            task.advance()
            clock.now += 1
        job.emit(ended(epoch, 2))
    task.finish()
    job.emit(FoldEnded("b0", 2, 2, 0.2130, 50.0))
    job.note("a note of the job")
    job.warn("a warning of the job")
    job.emit(JobEnded(51.0))


def shown(width: int = 90, *, live: bool, **environment: str) -> str:
    """Return the output of a terminal while a fold is trained."""
    clock, file = Clock(), io.StringIO()
    screen = Console(
        file=file, force_terminal=live, width=width, height=20, soft_wrap=True, highlight=False, _environ=environment
    )
    with ConsoleProgress(console=screen, live=live, clock=clock, read_memory=lambda _: None) as progress:
        run_a_fold(progress, clock)
        if live:
            screen.print(progress.render_frame())
    return file.getvalue()


def test_a_terminal_keeps_lines_of_finished_folds_alone() -> None:
    output = shown(live=True)
    assert output.count("b0, fold 2: 2 epochs, log loss 0.2130, 50.0 s") == 1
    assert "epoch 1 of 2" not in output
    assert "1 of 2 jobs" in output
    assert "about 0:53 left" in output


def test_without_a_terminal_there_are_plain_lines() -> None:
    epoch = "log loss 0.2130, training loss 0.2500, 118 photos/s"
    assert shown(live=False).splitlines() == [
        f"  b0, fold 2: epoch 1 of 2, {epoch}; 25% of all jobs, about 1:14 left",
        "  b0, fold 2: 2 epochs, log loss 0.2130, 50.0 s",
        "a note of the job",
        "Warning: a warning of the job",
    ]


def test_no_color_is_honoured() -> None:
    color = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    assert color.search(shown(live=True, TERM="xterm-256color"))
    assert not color.search(shown(live=True, TERM="xterm-256color", NO_COLOR="1"))


def test_a_file_is_no_terminal_though_colors_are_forced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with ConsoleProgress() as progress:
        progress.start("heads", 5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("width", [60, 100])
def test_a_bar_fits_its_terminal(width: int) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    progress = ConsoleProgress(console=screen, live=True)
    progress.start("download [a]dogs-vs-cats-redux-kernels-edition.zip", 850_000_000, done=5, unit="bytes")
    screen.print(progress.render_frame())
    (line,) = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(line) <= width
    assert "download [a]" in line
    assert "850.0 MB" in line


def test_what_a_job_reports_after_its_end_shows_no_line_and_changes_no_other_job() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    progress = ConsoleProgress(console=screen, live=True)
    progress.emit(JobsPlanned((PlannedJob("here", work=2.0), PlannedJob("gone", work=1.0)), parallel=2))
    for name in ("here", "gone"):
        progress.emit(JobBegan(7, job=name))
    progress.emit(JobEnded(1.0, job="gone"))
    before = progress.jobs.share
    task = OfJob(progress, "gone").start("gone: heads", 5)
    task.advance(5)
    already = len(screen.file.getvalue())  # type: ignore[attr-defined]
    screen.print(progress.render_frame())
    task.finish()
    assert "gone" not in screen.file.getvalue()[already:]  # type: ignore[attr-defined]
    assert progress.jobs.running["here"].tasks == {}
    assert progress.jobs.share == before
