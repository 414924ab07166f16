"""The table of running jobs, with a summary of the whole call below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..figures import format_number
from .formatting import format_duration, format_fold, format_memory, format_rate
from .jobs import Jobs, RunningJob

COLUMNS = ("job", "node", "GPU", "phase", "epoch", "log loss", "training loss", "photos/s", "memory", "left")
# Columns that narrow terminals omit, in this order.
OPTIONAL_COLUMNS = ("training loss", "memory", "photos/s", "GPU", "phase", "epoch", "node")
_GAP = 2
# Lines reserved for the header, the summary, bars, and the user's command.
_RESERVED_LINES = 6
_BAR_WIDTH, _MIN_BAR_WIDTH = 30, 8


class JobTable:
    """Table of the jobs of a call, which begins now.

    Parameters
    ----------
    jobs
        State of the jobs.
    clock
        Function that returns the time in seconds.
    read_memory
        Function that returns the bytes of main memory of a process, or None.
    """

    def __init__(self, jobs: Jobs, clock: Callable[[], float], read_memory: Callable[[int], int | None]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._began = clock()
        self._read_memory = read_memory

    def draw(self, width: int, height: int) -> Iterator[Table | Text]:
        """Draw the table for a console of this size, if there are jobs."""
        if not (self._jobs.running or self._jobs.waiting):
            return
        now, running = self._clock(), list(self._jobs.running.values())
        shown = running[: max(1, height - _RESERVED_LINES)]
        if shown:
            yield _build_table([self._format_cells(job, now) for job in shown], width)
        if len(running) > len(shown):
            yield Text(f"and {len(running) - len(shown)} more")
        yield self._draw_summary(now, width)

    def _format_cells(self, job: RunningJob, now: float) -> dict[str, str]:
        epoch, ended, task = job.epoch, job.ended_epoch, job.current_task
        left = self._jobs.estimate_job_seconds_left(job, now)
        phase = task.activity if task else ""
        steps = f"{task.done / task.plan.total:.0%}" if task and task.plan.total and task.done else ""
        if epoch and phase == "fine-tune":
            phase = epoch.phase if epoch.phases == 1 else f"{epoch.phase} ({epoch.phase_number}/{epoch.phases})"
            steps = f"{epoch.epoch}/{epoch.epochs}"
        return {
            "job": _format_job_name(job),
            "node": job.node,
            "GPU": job.gpus,
            "phase": phase,
            "epoch": steps,
            "log loss": format_number(ended.log_loss) if ended else "",
            "training loss": format_number(ended.training_loss) if ended else "",
            "photos/s": format_rate(job.photos_a_second),
            "memory": format_memory(self._find_memory(job), ended.gpu_memory if ended else None),
            "left": "" if left is None else format_duration(left),
        }

    def _find_memory(self, job: RunningJob) -> int | None:
        """Return the main memory of a job. On another machine, it is that of the last epoch's end."""
        if not job.node:
            return self._read_memory(job.process)
        return job.ended_epoch.memory if job.ended_epoch else None

    def _draw_summary(self, now: float, width: int) -> Table:
        jobs, left, share = self._jobs, self._jobs.estimate_seconds_left(now), self._jobs.share
        words = [f"{jobs.done} of {jobs.planned} jobs", f"{format_duration(now - self._began)} passed"]
        if any(job.node for job in jobs.running.values()):
            words[0] += f", {len(jobs.running)} running, {len(jobs.waiting)} waiting"
        if left is not None:
            words.append(f"about {format_duration(left)} left")
        room = width - sum(cell_len(word) + _GAP for word in words)
        if room < -_GAP:
            del words[1]
        cells: list[Text | ProgressBar] = [Text(word, "bold", no_wrap=True, overflow="ellipsis") for word in words]
        if share is not None and room >= _MIN_BAR_WIDTH:
            cells.insert(1, ProgressBar(1.0, share, width=min(_BAR_WIDTH, room)))
        line = Table.grid(padding=(0, _GAP, 0, 0))
        line.add_row(*cells)
        return line


def _format_job_name(job: RunningJob) -> str:
    """Return a name such as ``b0, fold 2``, or the job's own name if it trains no member."""
    plan = job.plan
    fold = plan.folds[0] if job.fold is None and len(plan.folds) == 1 else job.fold
    if not plan.member or fold is None:
        return plan.member or plan.job
    return f"{plan.member}, {format_fold(fold)}"


def _build_table(rows: Sequence[dict[str, str]], width: int) -> Table:
    """Build a table without empty columns, and without optional ones that do not fit into the width."""
    columns = [name for name in COLUMNS if name == "job" or any(row[name] for row in rows)]
    widths = {name: max(cell_len(text) for text in (name, *(row[name] for row in rows))) for name in columns}
    for optional in OPTIONAL_COLUMNS:
        if sum(widths[name] for name in columns) + _GAP * (len(columns) - 1) <= width:
            break
        columns = [name for name in columns if name != optional]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for name in columns:
        side: Literal["left", "right"] = "left" if name in ("job", "node", "phase") else "right"
        table.add_column(name, justify=side, no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table
