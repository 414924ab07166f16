"""Progress on the console: a live display in terminals and notebooks, plain lines elsewhere."""

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
    """Display of events: live in a terminal or a notebook, plain lines elsewhere.

    A terminal shows the live display inside a ``with`` block. Outside of one, and in files, only lines are printed.

    Parameters
    ----------
    quiet
        Whether to show nothing. The error of a command is printed by the command line.
    verbose
        Whether to show details.
    file
        File for plain lines, which replace the live display even in a notebook.
    console
        Console to print on. None prints on standard error.
    live
        Whether the console supports a live display. None detects it.
    clock
        Function that returns the time in seconds.
    read_memory
        Function that returns the bytes of main memory of a process, or None.
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
                # Standard output is data, even while standard error shows a display.
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
        """Draw the running jobs and tasks."""
        with self._lock:
            width, height = self.console.width, self.console.height
            return Group(*self._table.draw(width, height), *draw_bars(self.jobs.tasks.values(), self._clock(), width))

    def emit(self, event: Event) -> None:
        """Update the display, and print the line of an event."""
        if self.quiet:
            return
        style = "yellow" if isinstance(event, Warned) else ""
        with self._lock:
            line = self._lines.format_event(event, verbose=self.verbose)
            if self._notebook:
                self._notebook.update([Text(line, style)] if line else [], event)
                return
        if line:
            self.console.print(line, markup=False, emoji=False, style=style)


def make_default_progress() -> Progress:
    """Create the default progress of the Python API's functions."""
    return ConsoleProgress()


def _is_terminal(console: Console) -> bool:
    """Return whether lines can be redrawn. ``FORCE_COLOR`` alone does not make a file a terminal."""
    return console.is_terminal and not console.is_dumb_terminal and sys.stderr.isatty()
