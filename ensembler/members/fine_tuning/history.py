"""What is kept and told of an epoch."""

from __future__ import annotations

from typing import Any

from ...events import EpochEnded
from ...options.settings import MemberSettings
from .fold_task import Lesson


def place_of(lesson: Lesson, number: int, *, epoch: int, epochs: int, overall: int) -> dict[str, Any]:
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
    phases = lesson.settings.phases
    return {
        "member": lesson.member,
        "fold": lesson.fold,
        "phase": phases[number].unfreeze,
        "phase_number": number + 1,
        "phases": len(phases),
        "epoch": epoch,
        "epochs": epochs,
        "overall": overall,
    }


def history_row(told: EpochEnded, settings: MemberSettings, parts: int, share: float) -> dict[str, Any]:
    """Make the row of ``history.csv``; what nobody knows is empty.

    Parameters
    ----------
    settings
        In force in this epoch.
    parts
        In which a batch is taken, one after the other.
    share
        Of an epoch that this one was; less than 1 where a time budget ended it.
    """
    return {
        "phase": told.phase,
        "epoch": told.epoch,
        "training_loss": told.training_loss,
        "watched_log_loss": _known(told.watched_log_loss),
        "held_out_log_loss": _known(told.held_out_log_loss),
        "learning_rate": told.learning_rate,
        "precision": settings.precision,
        "batch": f"{settings.batch_size // parts} x {parts}",
        "share": round(share, 3),
        "seconds": told.seconds,
        "photos_a_second": round(told.photos_a_second, 3),
        "memory": _known(told.memory),
        "gpu_memory": _known(told.gpu_memory),
    }


def _known(value: float | None) -> float | str:
    return "" if value is None else value
