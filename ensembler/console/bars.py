"""Bars of work that is no job's: downloads, unpacking, the look through all photos, the meta-learner."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

# In narrower terminals the rate and the time that has passed are left out, and the bar is short.
WIDE = 80


def make_bars(console: Console, clock: Callable[[], float]) -> Progress:
    """Make bars that fit the console; they are drawn by whoever asks for them, not by themselves."""
    label = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
    left = (TextColumn("left"), TimeRemainingColumn())
    if console.width < WIDE:
        columns: tuple[ProgressColumn, ...] = (label, BarColumn(10), AmountColumn(), *left)
    else:
        columns = (SpinnerColumn(), label, BarColumn(20), AmountColumn(), RateColumn(), TimeElapsedColumn(), *left)
    return Progress(*columns, console=console, get_time=clock, auto_refresh=False, disable=True)


class AmountColumn(ProgressColumn):
    """How much is done, of how much where that is known."""

    def render(self, task: Task) -> Text:
        """Write it."""
        done, total = int(task.completed), int(task.total or 0)
        if task.fields["in_bytes"]:
            return Text(f"{decimal(done)} of {decimal(total)}" if total else decimal(done))
        return Text(f"{done}/{total}" if total else str(done))


class RateColumn(ProgressColumn):
    """How much a second, of late."""

    def render(self, task: Task) -> Text:
        """Write it."""
        rate = task.finished_speed or task.speed
        if not rate:
            return Text("")
        return Text(f"{decimal(int(rate))}/s" if task.fields["in_bytes"] else f"{rate:.3g}/s")
