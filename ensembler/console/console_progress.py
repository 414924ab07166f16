"""Progress as a person sees it: one display in a terminal, plain lines elsewhere, nothing but errors if quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import RLock
from typing import Any, Self

from rich.console import Console, Group
from rich.filesize import decimal
from rich.live import Live
from rich.progress import TaskID

from ..events import Event
from ..process_memory import read_resident_bytes
from ..progress import Progress, Task
from .bars import make_bars
from .job_table import JobTable
from .jobs import Jobs, RunningJob
from .plain_lines import PlainLines, format_finished
from .task_state import TaskState

FRAMES_PER_SECOND = 4


class ConsoleProgress(Progress):
    """Shows what is told.

    Parameters
    ----------
    quiet
        Shows nothing: errors are told by who ends the command.
    console
        Where to; standard error by default.
    live
        Whether there is a terminal to draw a display in; found out by default.
    clock
        Gives seconds.
    read_memory
        Tells bytes of main memory by the number of a process, or None.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        console: Console | None = None,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        read_memory: Callable[[int], int | None] = read_resident_bytes,
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.clock = clock
        self.jobs = Jobs()
        self.lock = RLock()
        self.bars = make_bars(self.console, clock)
        self._lines = PlainLines(clock)
        self._table = JobTable(self.jobs, self.lock, clock, read_memory)
        self._live: Live | None = None
        if not quiet and (_is_terminal(self.console) if live is None else live):
            self._live = Live(
                console=self.console,
                get_renderable=self.render_frame,
                refresh_per_second=FRAMES_PER_SECOND,
                transient=True,
                # What is printed to standard output is data, also while a display stands on standard error.
                redirect_stdout=False,
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()

    def render_frame(self) -> Group:
        """Draw all that goes on now."""
        bars = self.bars.tasks
        return Group(self._table, *([self.bars.make_tasks_table(bars)] if bars else []))

    def start(self, label: str, total: int) -> Task:
        """Show a bar."""
        return _Bar(self, label, total, 0, in_bytes=False)

    def start_bytes(self, label: str, total: int, done: int = 0) -> Task:
        """Show a bar of bytes."""
        return _Bar(self, label, total, done, in_bytes=True)

    def note(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(text, markup=False, emoji=False)

    def warn(self, text: str) -> None:
        """Print a line that begins with a warning sign."""
        if not self.quiet:
            self.console.print(f"Warning: {text}", markup=False, emoji=False, style="yellow")

    def tell(self, event: Event) -> None:
        """Show what is new in it."""
        self.handle_event(event, None)

    def make_job_progress(self, name: str) -> Progress:
        """Return what shows a job's reports on its own line."""
        return _JobProgress(self, name)

    def handle_event(self, event: Event, name: str | None) -> None:
        """Take in an event, of the job ``name`` or of none, and leave the lines that it is worth."""
        with self.lock:
            job = self.jobs.running.get(name or "")
            if job:
                job.apply_event(event)
            self.jobs.apply_event(event, self.clock())
            lines = [format_finished(event, job, self.jobs)]
            if not self._live:
                lines.append(self._lines.format_epoch(event, self.jobs))
        self._print_lines(lines)

    def report_task(self, task: TaskState) -> None:
        """Tell from time to time how far a stretch is, where there is no display."""
        if not self._live:
            with self.lock:
                line = self._lines.format_task(task)
            self._print_lines([line])

    def _print_lines(self, lines: list[str]) -> None:
        for line in lines:
            if line:
                self.note(f"  {line}")


def _is_terminal(console: Console) -> bool:
    """Whether lines can be drawn over; FORCE_COLOR alone makes a terminal of no file."""
    return console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty()


class _JobProgress(Progress):
    """What one job tells."""

    def __init__(self, owner: ConsoleProgress, name: str) -> None:
        self._owner = owner
        self._name = name

    def start(self, label: str, total: int) -> Task:
        return _JobTask(self._owner, self._job, TaskState(label, total, self._owner.clock()))

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        return _JobTask(self._owner, self._job, TaskState(label, total, self._owner.clock(), photos, work))

    def tell(self, event: Event) -> None:
        self._owner.handle_event(event, self._name)

    def note(self, text: str) -> None:
        self._owner.note(text)

    def warn(self, text: str) -> None:
        self._owner.warn(text)

    @property
    def _job(self) -> RunningJob | None:
        return self._owner.jobs.running.get(self._name)


class _JobTask(Task):
    """Moves a job's line on."""

    def __init__(self, owner: ConsoleProgress, job: RunningJob | None, state: TaskState) -> None:
        self._owner = owner
        self._job = job
        self._state = state
        if job:
            with owner.lock:
                job.tasks.append(state)

    def advance(self, steps: int = 1) -> None:
        if self._job:
            with self._owner.lock:
                self._job.advance(self._state, steps, self._owner.clock())
            self._owner.report_task(self._state)

    def finish(self) -> None:
        if self._job and self._state in self._job.tasks:
            with self._owner.lock:
                self._job.tasks.remove(self._state)


class _Bar(Task):
    """A bar while the work goes on, and a line that stays once it is done."""

    def __init__(self, owner: ConsoleProgress, label: str, total: int, done: int, *, in_bytes: bool) -> None:
        self._owner = owner
        self._before = done
        self._in_bytes = in_bytes
        self._state = TaskState(label, total, owner.clock(), done=done)
        # What was there before is no sign of how fast we are: it is told at the start, not as a step.
        self._bar: TaskID | None = owner.bars.add_task(label, total=total or None, completed=done, in_bytes=in_bytes)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self._state.advance(steps, self._owner.clock())
        if self._bar is not None:
            self._owner.bars.update(self._bar, completed=self._state.done)
            self._owner.report_task(self._state)

    def finish(self) -> None:
        """Take the bar away and leave a line."""
        if self._bar is None:
            return
        self._owner.bars.remove_task(self._bar)
        self._bar = None
        here = self._state.done - self._before
        amount = decimal(here) if self._in_bytes else str(here)
        # Waiting has no steps.
        done = f"{amount} in " if here else ""
        self._owner.note(f"  {self._state.label}: {done}{self._owner.clock() - self._state.began:.1f} s")
