"""The settings of a network that is trained on all photos, for the number of epochs that was best on the folds."""

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
    """Return a member's settings with the mean over the folds of the best number of epochs of each phase.

    Without validation rows, the number of trained epochs counts. Early stopping is off, because no rows are left for
    validation.
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
    """Split a history into phases, each of which starts where the epoch number decreases."""
    phase: list[Row] = []
    for row in rows:
        if phase and int(row["epoch"]) <= int(phase[-1]["epoch"]):
            yield phase
            phase = []
        phase.append(row)
    if phase:
        yield phase


def _find_best_epoch(rows: Sequence[Row]) -> float:
    """Return the epoch, counted from 1, with the lowest validation log loss, or all epochs without validation."""
    if any(row["val_log_loss"] == "" for row in rows):
        return sum(float(row["share"]) for row in rows)
    return 1.0 + int(np.argmin([float(row["val_log_loss"]) for row in rows]))
