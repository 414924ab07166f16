"""Bars of tasks that no job reports: downloads, unpacking, the scan of all photos, the meta-learner."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .formatting import format_duration, format_quantity
from .task_state import TaskState

# In narrower terminals the rate and the time that has passed are left out, and the bar is short.
MIN_FULL_WIDTH = 80


def draw_bars(tasks: Collection[TaskState], now: float, width: int) -> Iterator[Table]:
    """Draw a line for each task, if there are any; the label is cut off where room is scarce."""
    if not tasks:
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    for task in tasks:
        left = task.estimate_seconds_left(now)
        bar = ProgressBar(task.total or None, task.done, 20 if width >= MIN_FULL_WIDTH else 10)
        cells = [_format_amount(task)]
        if width >= MIN_FULL_WIDTH:
            cells += [_format_rate(task), format_duration(now - task.began)]
        cells.append("" if left is None else f"{format_duration(left)} left")
        label = Text(task.label, no_wrap=True, overflow="ellipsis")
        table.add_row(label, bar, *(Text(cell, no_wrap=True) for cell in cells))
    for column in table.columns[1:]:
        column.no_wrap = True
    yield table


def _format_amount(task: TaskState) -> str:
    if not task.total:
        return format_quantity(task.done, task.unit) if task.done else ""
    if task.unit == "bytes":
        return f"{decimal(task.done)} of {decimal(task.total)}"
    return f"{task.done}/{task.total}"


def _format_rate(task: TaskState) -> str:
    if not task.rate:
        return ""
    return f"{decimal(int(task.rate))}/s" if task.unit == "bytes" else f"{task.rate:.3g}/s"
