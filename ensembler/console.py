"""What a person sees: progress and notes on standard error, tables on standard output. The only home of rich."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.table import Table
from rich.text import Text

from .progress import Progress as Reporter
from .progress import Task

# A table that is wider than the terminal is wrapped by it; rich would cut off its cells.
_WIDER_THAN_ANY = 10_000


class ConsoleProgress(Reporter):
    """Bars in a terminal, a line per finished stretch of work elsewhere; nothing but warnings if quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _AmountColumn(),
            _RateColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )

    def __enter__(self) -> ConsoleProgress:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

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
        self.console.print(f"Warning: {text}", markup=False, emoji=False, style="yellow")


class _AmountColumn(ProgressColumn):
    """How much is done, of how much where that is known."""

    def render(self, task: Bar) -> Text:
        done, total = int(task.completed), int(task.total or 0)
        if task.fields["in_bytes"]:
            return Text(f"{decimal(done)} of {decimal(total)}" if total else decimal(done))
        return Text(f"{done}/{total}" if total else str(done))


class _RateColumn(ProgressColumn):
    """How much a second, of late."""

    def render(self, task: Bar) -> Text:
        rate = task.finished_speed or task.speed
        if not rate:
            return Text("")
        return Text(f"{decimal(int(rate))}/s" if task.fields["in_bytes"] else f"{rate:.3g}/s")


class _Bar(Task):
    """A bar while the work goes on, and a line that stays once it is done."""

    def __init__(self, owner: ConsoleProgress, label: str, total: int, done: int, *, in_bytes: bool) -> None:
        self.owner = owner
        self.label = label
        self.done = self.before = done
        self.in_bytes = in_bytes
        self.began = time.monotonic()
        # What was there before is no sign of how fast we are: it is told at the start, not as a step.
        self.bar: TaskID | None = owner.bars.add_task(label, total=total or None, completed=done, in_bytes=in_bytes)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self.done += steps
        if self.bar is not None:
            self.owner.bars.update(self.bar, completed=self.done)

    def finish(self) -> None:
        """Take the bar away and leave a line."""
        if self.bar is None:
            return
        self.owner.bars.remove_task(self.bar)
        self.bar = None
        here = self.done - self.before
        amount = decimal(here) if self.in_bytes else str(here)
        # Waiting has no steps.
        done = f"{amount} in " if here else ""
        self.owner.note(f"  {self.label}: {done}{time.monotonic() - self.began:.1f} s")


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, words: Collection[str] = (), to_error: bool = False
) -> None:
    """Print a table of figures, aligned to the right after the first column; of words, if it goes to standard error.

    Parameters
    ----------
    words
        Names of further columns that are of words.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(
            column, justify="left" if number == 0 or column in words or to_error else "right", no_wrap=True
        )
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(highlight=False, soft_wrap=True, stderr=to_error, width=_WIDER_THAN_ANY).print(table)
