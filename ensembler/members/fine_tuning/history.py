"""The history of a training: one event and one row of ``history.csv`` per epoch."""

from __future__ import annotations

from typing import Any

from ...events import EpochEnded
from ...options.settings import MemberSettings
from .fold_task import FoldTask


def describe_epoch(fold_task: FoldTask, number: int, *, epoch: int, epochs: int, overall: int) -> dict[str, Any]:
    """Return the position of an epoch as the fields of an event.

    Parameters
    ----------
    number
        Number of the phase, counted from 0.
    epoch, epochs
        Number of the epoch in its phase, counted from 1, and number of epochs now planned for the phase.
    overall
        Number of the epoch over all phases, counted from 1.
    """
    phases = fold_task.settings.phases
    return {
        "member": fold_task.member,
        "fold": fold_task.fold,
        "phase": phases[number].unfreeze,
        "phase_number": number + 1,
        "phases": len(phases),
        "epoch": epoch,
        "epochs": epochs,
        "overall": overall,
    }


def make_history_row(
    event: EpochEnded, settings: MemberSettings, accumulation_steps: int, share: float
) -> dict[str, Any]:
    """Return the row of ``history.csv``. Unknown values are empty.

    Parameters
    ----------
    settings
        Settings of this epoch.
    accumulation_steps
        Parts into which each batch was split.
    share
        Fraction of the epoch that was trained. Less than 1 if a time budget ended it.
    """
    return {
        "phase": event.phase,
        "epoch": event.epoch,
        "training_loss": event.training_loss,
        "val_log_loss": _format_optional(event.val_log_loss),
        "held_out_log_loss": _format_optional(event.held_out_log_loss),
        "learning_rate": event.learning_rate,
        "precision": settings.precision,
        "batch": f"{settings.batch_size // accumulation_steps} x {accumulation_steps}",
        "share": round(share, 3),
        "seconds": event.seconds,
        "photos_a_second": round(event.photos_a_second, 3),
        "memory": _format_optional(event.memory),
        "gpu_memory": _format_optional(event.gpu_memory),
    }


def _format_optional(value: float | None) -> float | str:
    return "" if value is None else value
