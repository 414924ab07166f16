"""A network that learns from all photos: how long, as the folds of its member have found out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..options.settings import MemberSettings
from ..paths import CompetitionFolder
from .records import MemberRecord, read_history

Row = dict[str, Any]


def build_refit_settings(folder: CompetitionFolder, record: MemberRecord) -> MemberSettings:
    """Return a member's settings with the epochs of each phase that were best on the mean of its folds.

    Where the folds had no validation rows, the epochs are those that they were trained for. Nothing is left to validate
    on, so there is no patience.
    """
    histories = []
    for fold in range(record.folds_count):
        history = read_history(folder.fold(record.name, fold))
        histories.append([_find_best_epoch(phase) for phase in _split_phases(history)])
    phases = [
        replace(phase, epochs=max(1, round(float(np.mean(best)))))
        for phase, best in zip(record.settings.phases, zip(*histories, strict=True), strict=True)
    ]
    return replace(record.settings, phases=tuple(phases), patience=0)


def _split_phases(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Divide a history where epochs begin to be counted anew."""
    phase: list[Row] = []
    for row in rows:
        if phase and int(row["epoch"]) <= int(phase[-1]["epoch"]):
            yield phase
            phase = []
        phase.append(row)
    if phase:
        yield phase


def _find_best_epoch(rows: Sequence[Row]) -> float:
    """Return the epoch, from 1, after which the validation log loss was lowest; all of them where there is none."""
    if any(row["val_log_loss"] == "" for row in rows):
        return sum(float(row["share"]) for row in rows)
    return 1.0 + int(np.argmin([float(row["val_log_loss"]) for row in rows]))
