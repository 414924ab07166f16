"""Lines that stay: of finished folds in every display, and of epochs and long stretches where there is no display."""

from __future__ import annotations

from collections.abc import Callable

from ..events import EpochEnded, Event, FeaturesMade, FoldEnded, JobEnded
from .formatting import format_duration, format_fold, format_loss, format_rate
from .jobs import Jobs, RunningJob
from .task_state import TaskState

# Seconds between two lines about a member's epochs, and between two about one stretch.
EPOCH_LINE_SECONDS = 30
TASK_LINE_SECONDS = 60


def format_finished(event: Event, job: RunningJob | None, jobs: Jobs) -> str:
    """Tell what is over, such as ``b0, fold 2: 5 epochs, log loss 0.0423, 312 s``; empty if nothing is."""
    match event:
        case FoldEnded():
            epochs = "" if event.epochs is None else f"{event.epochs} epoch{'' if event.epochs == 1 else 's'}, "
            loss = "" if event.log_loss is None else f"log loss {format_loss(event.log_loss)}, "
            return f"{event.member}, {format_fold(event.fold)}: {epochs}{loss}{event.seconds:.1f} s"
        case FeaturesMade():
            return f"{event.member}: frozen features of {event.photos} photos, {event.seconds:.1f} s"
        case JobEnded(stopped=True):
            return f"{event.job}: stopped and saved after {event.seconds:.1f} s"
        case JobEnded() if event.error:
            # The error itself is told once all jobs have ended.
            others = " The others go on." if jobs.running or jobs.waiting else ""
            return f"{event.job}: failed after {event.seconds:.1f} s.{others}"
        case JobEnded() if job is None or not job.folds_done:
            return f"{event.job}: {event.seconds:.1f} s"
    return ""


class PlainLines:
    """Lines for a log file: few enough for long runs.

    Parameters
    ----------
    clock
        Gives seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def format_epoch(self, event: Event, jobs: Jobs) -> str:
        """Tell an epoch that is over, and how far the whole call is; empty if the last line is young."""
        if not isinstance(event, EpochEnded) or not self._is_due(event.member, EPOCH_LINE_SECONDS):
            return ""
        loss = event.held_out_log_loss if event.val_log_loss is None else event.val_log_loss
        phase = "" if event.phases == 1 else f" of phase {event.phase_number} ({event.phase})"
        loss_text = "" if loss is None else f"log loss {format_loss(loss)}, "
        figures = (
            f"{loss_text}training loss {format_loss(event.training_loss)}, "
            f"{format_rate(event.photos_a_second)} photos/s"
        )
        where = f"{event.member}, {format_fold(event.fold)}: epoch {event.epoch} of {event.epochs}{phase}"
        return f"{where}, {figures}{self._format_overall(jobs)}"

    def _format_overall(self, jobs: Jobs) -> str:
        left = jobs.estimate_seconds_left(self._clock())
        parts = [] if jobs.share is None else [f"{jobs.share:.0%} of all jobs"]
        parts += [] if left is None else [f"about {format_duration(left)} left"]
        return f"; {', '.join(parts)}" if parts else ""

    def format_task(self, task: TaskState) -> str:
        """Tell how far a stretch is; empty while it is young, or its last line is."""
        now = self._clock()
        if now - task.began < TASK_LINE_SECONDS or not self._is_due(task.label, TASK_LINE_SECONDS):
            return ""
        left = task.estimate_seconds_left(now)
        share = f"{task.done / task.total:.0%}" if task.total else ""
        message = ", ".join(
            part for part in (share, "" if left is None else f"about {format_duration(left)} left") if part
        )
        return f"{task.label}: {message}" if message else ""

    def _is_due(self, name: str, seconds: float) -> bool:
        now, last = self._clock(), self._last.get(name)
        if last is not None and now - last < seconds:
            return False
        self._last[name] = now
        return True
