"""The display of running jobs: a line for each, and one for the whole call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .formatting import format_duration, format_fold, format_loss, format_memory, format_rate
from .jobs import Jobs, RunningJob

COLUMNS = ("job", "phase", "epoch", "log loss", "training loss", "photos/s", "memory", "left")
# What a narrow terminal does without, first to last.
OPTIONAL_COLUMNS = ("training loss", "memory", "photos/s", "phase", "epoch")
_GAP = 2
# Lines kept free for the header, the call's line, bars, and what a person typed.
_RESERVED_LINES = 6
_BAR_WIDTH, _MIN_BAR_WIDTH = 30, 8


class JobTable:
    """Draws the jobs of a call, which begins now.

    Parameters
    ----------
    jobs
        State of the jobs.
    clock
        Returns seconds.
    read_memory
        Returns the bytes of main memory of a process by its number, or None.
    """

    def __init__(self, jobs: Jobs, clock: Callable[[], float], read_memory: Callable[[int], int | None]) -> None:
        self._jobs = jobs
        self._clock = clock
        self._began = clock()
        self._read_memory = read_memory

    def draw(self, width: int, height: int) -> Iterator[Table | Text]:
        """Draw the jobs in a console of this size."""
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
        epoch, ended = job.epoch, job.ended_epoch
        task = job.current_task
        fine_tuning = epoch is not None and task is not None and task.activity == "fine-tune"
        left = self._jobs.estimate_job_seconds_left(job, now)
        loss = None
        if ended:
            loss = ended.held_out_log_loss if ended.val_log_loss is None else ended.val_log_loss
        return {
            "job": format_job_name(job),
            "phase": _format_phase(job) if fine_tuning else (task.activity if task else ""),
            "epoch": f"{epoch.epoch}/{epoch.epochs}" if epoch and fine_tuning else _format_percent(job),
            "log loss": format_loss(loss),
            "training loss": format_loss(ended.training_loss) if ended else "",
            "photos/s": format_rate(job.photos_a_second),
            "memory": format_memory(self._read_memory(job.process), ended.gpu_memory if ended else None),
            "left": "" if left is None else format_duration(left),
        }

    def _draw_summary(self, now: float, width: int) -> Table:
        jobs, left = self._jobs, self._jobs.estimate_seconds_left(now)
        done = f"{jobs.done} of {jobs.planned} jobs"
        passed = f"{format_duration(now - self._began)} passed"
        rest = "" if left is None or not (jobs.running or jobs.waiting) else f"about {format_duration(left)} left"
        words = [word for word in (done, passed, rest) if word]
        room = width - sum(cell_len(word) + _GAP for word in words)
        if room < -_GAP:
            words.remove(passed)
        share = jobs.share
        if share is not None and room >= _MIN_BAR_WIDTH:
            words.insert(1, "")
        line = Table.grid(padding=(0, _GAP, 0, 0))
        for _ in words:
            line.add_column(no_wrap=True, overflow="ellipsis")
        bar = ProgressBar(1.0, share or 0.0, width=min(_BAR_WIDTH, room))
        line.add_row(*(Text(word, "bold") if word else bar for word in words))
        return line


def format_job_name(job: RunningJob) -> str:
    """``b0, fold 2``, or the job's name where it trains no fold."""
    fold = job.fold if job.fold is not None or len(job.plan.folds) != 1 else job.plan.folds[0]
    if not job.plan.member:
        return job.plan.job
    return job.plan.member if fold is None else f"{job.plan.member}, {format_fold(fold)}"


def _format_phase(job: RunningJob) -> str:
    epoch = job.epoch
    if epoch is None:
        return ""
    return epoch.phase if epoch.phases == 1 else f"{epoch.phase} ({epoch.phase_number}/{epoch.phases})"


def _format_percent(job: RunningJob) -> str:
    task = job.current_task
    return f"{task.done / task.total:.0%}" if task and task.total and task.done else ""


def _build_table(rows: Sequence[dict[str, str]], width: int) -> Table:
    """Leave out what is empty in all rows, and what the width has no room for."""
    columns = [name for name in COLUMNS if name == "job" or any(row[name] for row in rows)]
    for spared in OPTIONAL_COLUMNS:
        if sum(_measure_column(name, rows) for name in columns) + _GAP * (len(columns) - 1) <= width:
            break
        columns = [name for name in columns if name != spared]
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for name in columns:
        words = name in ("job", "phase")
        table.add_column(name, justify="left" if words else "right", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*(Text(row[name]) for name in columns))
    return table


def _measure_column(name: str, rows: Sequence[dict[str, str]]) -> int:
    return max(cell_len(text) for text in (name, *(row[name] for row in rows)))
