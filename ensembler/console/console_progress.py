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
from ..process_memory import resident_bytes
from ..progress import Progress, Task
from .bars import make_bars
from .job_table import JobTable
from .jobs import Jobs, RunningJob
from .plain_lines import PlainLines, lasting_line
from .task_state import Stretch

FRAMES_A_SECOND = 4


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
    memory_of
        Tells bytes of main memory by the number of a process, or None.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        console: Console | None = None,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        memory_of: Callable[[int], int | None] = resident_bytes,
    ) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.clock = clock
        self.jobs = Jobs()
        self.lock = RLock()
        self.bars = make_bars(self.console, clock)
        self._lines = PlainLines(clock)
        self._table = JobTable(self.jobs, self.lock, clock, memory_of)
        self._live: Live | None = None
        if not quiet and (_is_terminal(self.console) if live is None else live):
            self._live = Live(
                console=self.console,
                get_renderable=self.frame,
                refresh_per_second=FRAMES_A_SECOND,
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

    def frame(self) -> Group:
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
        self.hear(event, None)

    def of_job(self, name: str) -> Progress:
        """Return what shows a job's reports on its own line."""
        return _OfJob(self, name)

    def hear(self, event: Event, name: str | None) -> None:
        """Take in an event, of the job ``name`` or of none, and leave the lines that it is worth."""
        with self.lock:
            job = self.jobs.running.get(name or "")
            if job:
                job.hear(event)
            self.jobs.hear(event, self.clock())
            lines = [lasting_line(event, job, self.jobs)]
            if not self._live:
                lines.append(self._lines.of_epoch(event, self.jobs))
        self._leave(lines)

    def look_at(self, stretch: Stretch) -> None:
        """Tell from time to time how far a stretch is, where there is no display."""
        if not self._live:
            with self.lock:
                line = self._lines.of_stretch(stretch)
            self._leave([line])

    def _leave(self, lines: list[str]) -> None:
        for line in lines:
            if line:
                self.note(f"  {line}")


def _is_terminal(console: Console) -> bool:
    """Whether lines can be drawn over; FORCE_COLOR alone makes a terminal of no file."""
    return console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty()


class _OfJob(Progress):
    """What one job tells."""

    def __init__(self, owner: ConsoleProgress, name: str) -> None:
        self._owner = owner
        self._name = name

    def start(self, label: str, total: int) -> Task:
        return _JobTask(self._owner, self._job, Stretch(label, total, self._owner.clock()))

    def start_photos(self, label: str, total: int, *, photos: float = 1, work: float = 0) -> Task:
        return _JobTask(self._owner, self._job, Stretch(label, total, self._owner.clock(), photos, work))

    def tell(self, event: Event) -> None:
        self._owner.hear(event, self._name)

    def note(self, text: str) -> None:
        self._owner.note(text)

    def warn(self, text: str) -> None:
        self._owner.warn(text)

    @property
    def _job(self) -> RunningJob | None:
        return self._owner.jobs.running.get(self._name)


class _JobTask(Task):
    """Moves a job's line on."""

    def __init__(self, owner: ConsoleProgress, job: RunningJob | None, stretch: Stretch) -> None:
        self._owner = owner
        self._job = job
        self._stretch = stretch
        if job:
            with owner.lock:
                job.stretches.append(stretch)

    def advance(self, steps: int = 1) -> None:
        if self._job:
            with self._owner.lock:
                self._job.advance(self._stretch, steps, self._owner.clock())
            self._owner.look_at(self._stretch)

    def finish(self) -> None:
        if self._job and self._stretch in self._job.stretches:
            with self._owner.lock:
                self._job.stretches.remove(self._stretch)


class _Bar(Task):
    """A bar while the work goes on, and a line that stays once it is done."""

    def __init__(self, owner: ConsoleProgress, label: str, total: int, done: int, *, in_bytes: bool) -> None:
        self._owner = owner
        self._before = done
        self._in_bytes = in_bytes
        self._stretch = Stretch(label, total, owner.clock(), done=done)
        # What was there before is no sign of how fast we are: it is told at the start, not as a step.
        self._bar: TaskID | None = owner.bars.add_task(label, total=total or None, completed=done, in_bytes=in_bytes)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self._stretch.advance(steps, self._owner.clock())
        if self._bar is not None:
            self._owner.bars.update(self._bar, completed=self._stretch.done)
            self._owner.look_at(self._stretch)

    def finish(self) -> None:
        """Take the bar away and leave a line."""
        if self._bar is None:
            return
        self._owner.bars.remove_task(self._bar)
        self._bar = None
        here = self._stretch.done - self._before
        amount = decimal(here) if self._in_bytes else str(here)
        # Waiting has no steps.
        done = f"{amount} in " if here else ""
        self._owner.note(f"  {self._stretch.label}: {done}{self._owner.clock() - self._stretch.began:.1f} s")
