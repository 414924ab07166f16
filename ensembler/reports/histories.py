"""Learning curves of members, from the histories of their folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..members.records import MemberRecord, read_history
from ..paths import CompetitionFolder
from .member_facts import FoldCurve


def read_curves(folder: CompetitionFolder, record: MemberRecord) -> tuple[FoldCurve, ...]:
    """Read the epochs of each fold of a fine-tuned member. Frozen members have none; missing histories are left out.

    Raises
    ------
    BadData
        If a history is damaged.
    """
    if record.settings.frozen:
        return ()
    found = (_read_curve(folder, record.name, fold) for fold in range(record.folds_count))
    return tuple(curve for curve in found if curve)


def _read_curve(folder: CompetitionFolder, member: str, fold: int) -> FoldCurve | None:
    try:
        rows = [row for row in read_history(folder.fold(member, fold)) if row.get("epoch")]
    except FileNotFoundError:
        return None
    if not rows:
        return None
    return FoldCurve(
        fold=fold,
        phases=tuple(str(row.get("phase", "")) for row in rows),
        training=_read_column(rows, "training_loss"),
        validation=_read_column(rows, "val_log_loss"),
        held_out=_read_column(rows, "held_out_log_loss"),
        seconds=_read_column(rows, "seconds"),
    )


def _read_column(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[float | None, ...]:
    return tuple(_read_number(row.get(name)) for row in rows)


def _read_number(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return round(value, 5) if math.isfinite(value) else None
