"""Progress bars of tasks that belong to no job, such as downloads, unpacking and the scan of all photos."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .formatting import format_duration, format_quantity
from .jobs import TaskState

# Narrower terminals show a shorter bar, and neither the rate nor the elapsed time.
MIN_FULL_WIDTH = 80


def draw_bars(tasks: Collection[TaskState], now: float, width: int) -> Iterator[Table]:
    """Draw one line per task, if there are any. Long labels are truncated."""
    if not tasks:
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    for task in tasks:
        left = task.estimate_seconds_left(now)
        bar = ProgressBar(task.plan.total or None, task.done, 20 if width >= MIN_FULL_WIDTH else 10)
        cells = [_format_amount(task)]
        if width >= MIN_FULL_WIDTH:
            cells += [_format_rate(task), format_duration(now - task.began)]
        cells.append("" if left is None else f"{format_duration(left)} left")
        label = Text(task.plan.label, no_wrap=True, overflow="ellipsis")
        table.add_row(label, bar, *(Text(cell, no_wrap=True) for cell in cells))
    for column in table.columns[1:]:
        column.no_wrap = True
    yield table


def _format_amount(task: TaskState) -> str:
    total, unit = task.plan.total, task.plan.unit
    if not total:
        return format_quantity(task.done, unit) if task.done else ""
    return f"{decimal(task.done)} of {decimal(total)}" if unit == "bytes" else f"{task.done}/{total}"


def _format_rate(task: TaskState) -> str:
    if not task.rate:
        return ""
    return f"{decimal(int(task.rate))}/s" if task.plan.unit == "bytes" else f"{task.rate:.3g}/s"
