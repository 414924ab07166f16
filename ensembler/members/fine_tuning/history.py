"""What is kept and told of an epoch."""

from __future__ import annotations

from typing import Any

from ...events import EpochEnded
from ..settings import MemberSettings
from .lesson import Lesson


def place_of(lesson: Lesson, number: int, epoch: int) -> dict[str, Any]:
    """Tell where an epoch stands, as events do; ``number`` is that of the phase, both count from 0."""
    phases = lesson.settings.phases
    return {
        "member": lesson.member,
        "fold": lesson.fold,
        "phase": phases[number].unfreeze,
        "phase_number": number + 1,
        "phases": len(phases),
        "epoch": epoch + 1,
        "epochs": phases[number].epochs,
        "overall": sum(phase.epochs for phase in phases[:number]) + epoch + 1,
    }


def history_row(told: EpochEnded, settings: MemberSettings, parts: int) -> dict[str, Any]:
    """Make the row of ``history.csv``; what nobody knows is empty.

    Parameters
    ----------
    settings
        In force in this epoch.
    parts
        In which a batch is taken, one after the other.
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
        "seconds": told.seconds,
        "photos_a_second": round(told.photos_a_second, 3),
        "memory": _known(told.memory),
        "gpu_memory": _known(told.gpu_memory),
    }


def _known(value: float | None) -> float | str:
    return "" if value is None else value
