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
MIN_FULL_WIDTH = 80


def make_bars(console: Console, clock: Callable[[], float]) -> Progress:
    """Make bars that fit the console; they are drawn by whoever asks for them, not by themselves."""
    narrow = console.width < MIN_FULL_WIDTH
    columns: list[ProgressColumn] = [LabelColumn(), BarColumn(10 if narrow else 20, table_column=_make_fixed_column())]
    columns.append(AmountColumn(_make_fixed_column()))
    if not narrow:
        columns = [SpinnerColumn(), *columns, RateColumn(_make_fixed_column()), TimeElapsedColumn(_make_fixed_column())]
    columns += [TextColumn("left"), TimeRemainingColumn(table_column=_make_fixed_column())]
    return Progress(*columns, console=console, get_time=clock, auto_refresh=False, disable=True)


def _make_fixed_column() -> Column:
    """Make a column that keeps its width, so that the label alone is cut off where room is scarce."""
    return Column(no_wrap=True)


class LabelColumn(ProgressColumn):
    """What is done."""

    def render(self, task: Task) -> Text:
        """Write it; brackets in it are no markup."""
        return Text(task.description, no_wrap=True, overflow="ellipsis")


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
