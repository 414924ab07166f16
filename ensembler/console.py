"""What a person sees: progress and notes on standard error, tables on standard output. The only home of rich."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from .progress import Progress as Reporter
from .progress import Task


class ConsoleProgress(Reporter):
    """Bars in a terminal, a line per finished stretch of work elsewhere; nothing but warnings if quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
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
        return _Bar(self, label, total)

    def note(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print a line that begins with a warning sign."""
        self.console.print(f"Warning: {text}", markup=False, style="yellow")


class _Bar(Task):
    """A bar while the work goes on, and a line that stays once it is done."""

    def __init__(self, owner: ConsoleProgress, label: str, total: int) -> None:
        self.owner = owner
        self.label = label
        self.total = total
        self.done = 0
        self.began = time.monotonic()
        # Bytes as megabytes: nobody reads nine digits.
        self.scale = 1_000_000 if total >= 10_000_000 else 1
        shown = total / self.scale if total else None
        self.bar: TaskID | None = owner.bars.add_task(label, total=int(shown) if shown else None)

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        self.done += steps
        if self.bar is not None:
            self.owner.bars.update(self.bar, completed=self.done // self.scale)

    def finish(self) -> None:
        """Take the bar away and leave a line."""
        if self.bar is None:
            return
        self.owner.bars.remove_task(self.bar)
        self.bar = None
        self.owner.note(f"  {self.label}: {self._amount()} in {time.monotonic() - self.began:.1f} s")

    def _amount(self) -> str:
        return f"{self.done / self.scale:.1f} MB" if self.scale > 1 else f"{self.done}"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; columns after the first are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(highlight=False, soft_wrap=True).print(table)
