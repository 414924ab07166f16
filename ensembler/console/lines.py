"""Permanent lines of the display: notes, warnings and results, and without a live display also progress."""

from __future__ import annotations

from collections.abc import Callable

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
from ..figures import format_number
from .formatting import format_duration, format_fold, format_quantity, format_rate
from .jobs import Jobs, TaskState

# Seconds between two lines about a member's epochs, and between two lines about one task.
EPOCH_LINE_SECONDS = 30
TASK_LINE_SECONDS = 60
# Shorter tasks get a line only in verbose mode.
MIN_TASK_SECONDS = 1


class Lines:
    """Formatter of events as lines of text.

    Parameters
    ----------
    jobs
        State of the run, which the events update.
    clock
        Function that returns the time in seconds.
    with_progress
        Whether to return lines about running work too, few enough for the log of a long run.
    """

    def __init__(self, jobs: Jobs, clock: Callable[[], float], *, with_progress: bool) -> None:
        self._jobs = jobs
        self._clock = clock
        self._with_progress = with_progress
        self._last: dict[str, float] = {}

    def format_event(self, event: Event, *, verbose: bool) -> str:
        """Apply an event to the state, and return its line. The line is empty if the event is not worth one."""
        job = self._jobs.running.get(event.job)
        task = self._jobs.apply_event(event, self._clock())
        match event:
            case Noted() if verbose or not event.detail:
                return event.text
            case Warned():
                return f"Warning: {event.text}"
            case TaskEnded(job="") if task and (verbose or event.seconds >= MIN_TASK_SECONDS):
                steps = event.done - task.plan.done
                amount = f"{format_quantity(steps, task.plan.unit)} in " if task.plan.unit and steps else ""
                return f"  {event.label}: {amount}{event.seconds:.1f} s"
            case TaskAdvanced() if task and self._with_progress:
                return self._format_task(task)
            case EpochEnded() if self._with_progress:
                return self._format_epoch(event)
            case FoldEnded():
                epochs = event.epochs is not None and f"{event.epochs} epoch{'' if event.epochs == 1 else 's'}"
                loss = event.log_loss is not None and f"log loss {format_number(event.log_loss)}"
                return f"  {event.member}, {format_fold(event.fold)}: {_join(epochs, loss, f'{event.seconds:.1f} s')}"
            case FeaturesMade():
                return f"  {event.member}: frozen features of {event.photos} photos, {event.seconds:.1f} s"
            case JobEnded(stopped=True):
                return f"  {event.job}: stopped after {event.seconds:.1f} s"
            case JobEnded() if event.error:
                # The error itself is shown once all jobs have ended.
                others = " The other jobs continue." if self._jobs.running or self._jobs.waiting else ""
                return f"  {event.job}: failed after {event.seconds:.1f} s.{others}"
            case JobEnded() if job is None or not job.folds_done:
                return f"  {event.job}: {event.seconds:.1f} s"
        return ""

    def _format_epoch(self, event: EpochEnded) -> str:
        """Return the figures of an epoch and the progress of the call. Empty if the last line is recent."""
        if not self._is_due(event.member, EPOCH_LINE_SECONDS):
            return ""
        phase = "" if event.phases == 1 else f" of phase {event.phase_number} ({event.phase})"
        figures = _join(
            f"epoch {event.epoch} of {event.epochs}{phase}",
            event.log_loss is not None and f"log loss {format_number(event.log_loss)}",
            f"training loss {format_number(event.training_loss)}",
            f"{format_rate(event.photos_a_second)} photos/s",
        )
        share, left = self._jobs.share, self._jobs.estimate_seconds_left(self._clock())
        overall = _join(share is not None and f"{share:.0%} of all jobs", _format_left(left))
        return f"  {event.member}, {format_fold(event.fold)}: {figures}{'; ' if overall else ''}{overall}"

    def _format_task(self, task: TaskState) -> str:
        """Return the progress of a task. Empty if the task or its last line is recent."""
        now, total = self._clock(), task.plan.total
        if now - task.began < TASK_LINE_SECONDS or not self._is_due(task.plan.label, TASK_LINE_SECONDS):
            return ""
        amount = f"{task.done / total:.0%}" if total else f"{format_duration(now - task.began)} passed"
        return f"  {task.plan.label}: {_join(amount, _format_left(task.estimate_seconds_left(now)))}"

    def _is_due(self, name: str, seconds: float) -> bool:
        now, last = self._clock(), self._last.get(name)
        if last is not None and now - last < seconds:
            return False
        self._last[name] = now
        return True


def _format_left(seconds: float | None) -> str:
    return "" if seconds is None else f"about {format_duration(seconds)} left"


def _join(*parts: str | bool) -> str:
    return ", ".join(str(part) for part in parts if part)
