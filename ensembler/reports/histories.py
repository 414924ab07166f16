"""Learning curves of members, from the histories of their folds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from ..members.records import MemberRecord, read_history
from ..paths import CompetitionFolder
from .member_facts import FoldCurve

if TYPE_CHECKING:
    # Matplotlib loads slowly.
    from ..charts.learning_curves import MemberCurves


def read_curves(folder: CompetitionFolder, record: MemberRecord) -> tuple[FoldCurve, ...]:
    """Read the epochs of each fold of a fine-tuned member. Frozen members have none; missing histories are left out."""
    if record.settings.frozen:
        return ()
    found = (_read_curve(folder, record.name, fold) for fold in range(record.folds_count))
    return tuple(curve for curve in found if curve)


def _read_curve(folder: CompetitionFolder, member: str, fold: int) -> FoldCurve | None:
    try:
        rows = [row for row in read_history(folder.fold(member, fold)) if row.get("epoch")]
    except (OSError, ValueError):
        return None
    if not rows:
        return None
    return FoldCurve(
        fold=fold,
        phases=_number_phases([(str(row.get("phase", "")), int(row["epoch"])) for row in rows]),
        training=_read_column(rows, "training_loss"),
        validation=_read_column(rows, "val_log_loss"),
        held_out=_read_column(rows, "held_out_log_loss"),
        seconds=_read_column(rows, "seconds"),
    )


def _number_phases(epochs: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    """Return the number of the phase of each epoch, given the name of the phase and the number of the epoch in it."""
    begins = [name != last or number <= last_number for (last, last_number), (name, number) in pairwise(epochs)]
    return tuple(accumulate(begins, initial=1))


def make_member_curves(name: str, curves: Iterable[FoldCurve]) -> MemberCurves:
    """Return learning curves as their chart takes them: validation rows are preferred to held-out ones."""
    from ..charts.learning_curves import FoldCurve as Curve
    from ..charts.learning_curves import MemberCurves as Curves

    return Curves(
        name,
        [
            Curve(
                curve.fold,
                range(1, len(curve.phases) + 1),
                curve.training,
                curve.validation if any(value is not None for value in curve.validation) else curve.held_out,
                curve.phases,
            )
            for curve in curves
        ],
    )


def _read_column(rows: Sequence[Mapping[str, Any]], name: str) -> tuple[float | None, ...]:
    return tuple(_read_number(row.get(name)) for row in rows)


def _read_number(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return round(value, 5) if math.isfinite(value) else None
