"""Lines that stay: notes, warnings and what is finished; where there is no display, also how far long work is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..events import (
    EpochEnded,
    Event,
    FeaturesMade,
    FoldEnded,
    JobEnded,
    Noted,
    TaskAdvanced,
    TaskEnded,
    Warned,
)
from .formatting import format_duration, format_fold, format_loss, format_quantity, format_rate
from .jobs import Jobs, RunningJob
from .task_state import TaskState

# Seconds between two lines about a member's epochs, and between two about one task.
EPOCH_LINE_SECONDS = 30
TASK_LINE_SECONDS = 60
# A shorter task leaves a line only if details are asked for.
MIN_TASK_SECONDS = 1


class Lines:
    """Takes events in, and returns the lines that each is worth.

    Parameters
    ----------
    jobs
        The state of the run, which the events change.
    clock
        Returns seconds.
    with_progress
        Whether to return lines about work that goes on, few enough for a log of a long run.
    """

    def __init__(self, jobs: Jobs, clock: Callable[[], float], *, with_progress: bool) -> None:
        self._jobs = jobs
        self._clock = clock
        self._with_progress = with_progress
        self._last: dict[str, float] = {}

    def apply_event(self, event: Event, *, verbose: bool) -> list[str]:
        """Take in an event; ``verbose`` includes details."""
        job = self._jobs.running.get(event.job)
        task = self._jobs.apply_event(event, self._clock())
        return [line for line in self._format(event, job, task, verbose=verbose) if line]

    def _format(self, event: Event, job: RunningJob | None, task: TaskState | None, *, verbose: bool) -> Iterator[str]:
        match event:
            case Noted():
                yield event.text if verbose or not event.detail else ""
            case Warned():
                yield f"Warning: {event.text}"
            case TaskEnded(job="") if task and (verbose or event.seconds >= MIN_TASK_SECONDS):
                steps = event.done - task.done_before
                amount = f"{format_quantity(steps, task.unit)} in " if task.unit and steps else ""
                yield f"  {event.label}: {amount}{event.seconds:.1f} s"
            case TaskAdvanced() if task and self._with_progress:
                yield self._format_task(task)
            case EpochEnded() if self._with_progress:
                yield self._format_epoch(event)
            case _:
                yield _format_finished(event, job, self._jobs)

    def _format_epoch(self, event: EpochEnded) -> str:
        """Return the figures of an epoch, and how far the whole call is; empty if the last line is young."""
        if not self._is_due(event.member, EPOCH_LINE_SECONDS):
            return ""
        loss = event.held_out_log_loss if event.val_log_loss is None else event.val_log_loss
        phase = "" if event.phases == 1 else f" of phase {event.phase_number} ({event.phase})"
        figures = [] if loss is None else [f"log loss {format_loss(loss)}"]
        figures += [
            f"training loss {format_loss(event.training_loss)}",
            f"{format_rate(event.photos_a_second)} photos/s",
        ]
        where = f"{event.member}, {format_fold(event.fold)}: epoch {event.epoch} of {event.epochs}{phase}"
        left, share = self._jobs.estimate_seconds_left(self._clock()), self._jobs.share
        overall = [] if share is None else [f"{share:.0%} of all jobs"]
        overall += [] if left is None else [f"about {format_duration(left)} left"]
        return f"  {where}, {', '.join(figures)}{'; ' if overall else ''}{', '.join(overall)}"

    def _format_task(self, task: TaskState) -> str:
        """Return how far a task is; empty while it is young, or its last line is."""
        now = self._clock()
        if now - task.began < TASK_LINE_SECONDS or not self._is_due(task.label, TASK_LINE_SECONDS):
            return ""
        left = task.estimate_seconds_left(now)
        parts = [f"{task.done / task.total:.0%}" if task.total else f"{format_duration(now - task.began)} passed"]
        parts += [] if left is None else [f"about {format_duration(left)} left"]
        return f"  {task.label}: {', '.join(parts)}"

    def _is_due(self, name: str, seconds: float) -> bool:
        now, last = self._clock(), self._last.get(name)
        if last is not None and now - last < seconds:
            return False
        self._last[name] = now
        return True


def _format_finished(event: Event, job: RunningJob | None, jobs: Jobs) -> str:
    """Return what is over, such as ``b0, fold 2: 5 epochs, log loss 0.0423, 312.0 s``; empty if nothing is."""
    match event:
        case FoldEnded():
            parts = [] if event.epochs is None else [f"{event.epochs} epoch{'' if event.epochs == 1 else 's'}"]
            parts += [] if event.log_loss is None else [f"log loss {format_loss(event.log_loss)}"]
            return f"  {event.member}, {format_fold(event.fold)}: {', '.join([*parts, f'{event.seconds:.1f} s'])}"
        case FeaturesMade():
            return f"  {event.member}: frozen features of {event.photos} photos, {event.seconds:.1f} s"
        case JobEnded(stopped=True):
            return f"  {event.job}: stopped and saved after {event.seconds:.1f} s"
        case JobEnded() if event.error:
            # The error itself is told once all jobs have ended.
            others = " The others go on." if jobs.running or jobs.waiting else ""
            return f"  {event.job}: failed after {event.seconds:.1f} s.{others}"
        case JobEnded() if job is None or not job.folds_done:
            return f"  {event.job}: {event.seconds:.1f} s"
    return ""
