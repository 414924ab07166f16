"""The display in a notebook: one output per cell, which is updated in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.jupyter import JupyterMixin
from rich.text import Text

from ..events import Event, JobEnded, TaskAdvanced

# Least seconds between two updates for steps and events of jobs, because each update sends all lines.
_SECONDS_BETWEEN_UPDATES = 0.5


class NotebookDisplay(JupyterMixin):
    """Display of permanent lines with the running work below them.

    Parameters
    ----------
    render_frame
        Function that draws the running work.
    """

    def __init__(self, render_frame: Callable[[], RenderableType]) -> None:
        self._lines: list[Text] = []
        self._render_frame = render_frame
        self._handle: Any = None
        self._cell = -1
        self._updated = 0.0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._lines
        yield self._render_frame()

    def update(self, lines: list[Text], event: Event) -> None:
        """Add lines to the output of the running cell, which is created if necessary, and redraw it."""
        from IPython import display, get_ipython

        cell, now = get_ipython().execution_count, time.monotonic()
        if cell != self._cell:
            self._cell, self._lines = cell, lines
            self._handle = display.display(self, display_id=True)
        else:
            self._lines += lines
            is_one_of_many = isinstance(event, TaskAdvanced) or (event.job and not isinstance(event, JobEnded))
            if is_one_of_many and now - self._updated < _SECONDS_BETWEEN_UPDATES:
                return
            self._handle.update(self)
        self._updated = now
