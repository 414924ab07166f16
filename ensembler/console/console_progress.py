"""Progress as a person sees it: a display in a terminal or a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import RLock
from typing import IO, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..events import Event, Warned
from ..process_memory import read_resident_bytes
from ..progress import Progress
from .bars import draw_bars
from .job_table import JobTable
from .jobs import Jobs
from .lines import Lines
from .notebook import NotebookDisplay

FRAMES_PER_SECOND = 4


class ConsoleProgress(Progress):
    """Shows events: in a display that is redrawn where there is a terminal or a notebook, else in plain lines.

    In a terminal the display is drawn inside a ``with`` block; outside of one, and in files, only lines are printed.

    Parameters
    ----------
    quiet
        Whether to show nothing; who ends the command prints its error.
    verbose
        Whether to show details too.
    file
        Where to print plain lines, even in a notebook.
    console
        Where to print otherwise; standard error by default.
    live
        Whether there is a terminal to draw a display in; detected by default.
    clock
        Returns seconds.
    read_memory
        Returns the bytes of main memory of a process by its number, or None.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        file: IO[str] | None = None,
        console: Console | None = None,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
        read_memory: Callable[[int], int | None] = read_resident_bytes,
    ) -> None:
        self.console = console or Console(
            file=file, stderr=True, force_jupyter=False if file else None, highlight=False, soft_wrap=True
        )
        self.quiet = quiet
        self.verbose = verbose
        self.jobs = Jobs()
        self._clock = clock
        self._lock = RLock()
        self._table = JobTable(self.jobs, clock, read_memory)
        self._notebook = NotebookDisplay(self.render_frame) if self.console.is_jupyter else None
        self._live: Live | None = None
        if not quiet and not self._notebook and (_is_terminal(self.console) and not file if live is None else live):
            self._live = Live(
                console=self.console,
                get_renderable=self.render_frame,
                refresh_per_second=FRAMES_PER_SECOND,
                transient=True,
                # What is printed to standard output is data, also while a display stands on standard error.
                redirect_stdout=False,
            )
        self._lines = Lines(self.jobs, clock, with_progress=not (self._live or self._notebook))

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self._live:
            self._live.stop()

    def render_frame(self) -> Group:
        """Draw all that goes on now."""
        with self._lock:
            width, height = self.console.width, self.console.height
            return Group(*self._table.draw(width, height), *draw_bars(self.jobs.tasks.values(), self._clock(), width))

    def emit(self, event: Event) -> None:
        """Show what is new in an event, and print the lines that it is worth."""
        if self.quiet:
            return
        style = "yellow" if isinstance(event, Warned) else ""
        with self._lock:
            lines = self._lines.apply_event(event, verbose=self.verbose)
            if self._notebook:
                self._notebook.update([Text(line, style) for line in lines], event)
                return
        for line in lines:
            self.console.print(line, markup=False, emoji=False, style=style)


def make_default_progress() -> Progress:
    """Return what functions of the Python API report to unless told otherwise: a display, or lines where none fits."""
    return ConsoleProgress()


def _is_terminal(console: Console) -> bool:
    """Whether lines can be drawn over; FORCE_COLOR alone makes a terminal of no file."""
    return console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty()
