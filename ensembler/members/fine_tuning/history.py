"""What is kept and told of an epoch."""

from __future__ import annotations

from typing import Any

from ...events import EpochEnded
from ...options.settings import MemberSettings
from .fold_task import FoldTask


def describe_epoch(fold_task: FoldTask, number: int, *, epoch: int, epochs: int, overall: int) -> dict[str, Any]:
    """Tell where an epoch stands, as events do.

    Parameters
    ----------
    number
        Of the phase, from 0.
    epoch, epochs
        Place of the epoch in its phase, from 1, and how many are planned for the phase now.
    overall
        Place of the epoch among those of all phases, from 1.
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
    """Make the row of ``history.csv``; what nobody knows is empty.

    Parameters
    ----------
    settings
        In force in this epoch.
    accumulation_steps
        In which a batch is taken, one after the other.
    share
        Of an epoch that this one was; less than 1 where a time budget ended it.
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
