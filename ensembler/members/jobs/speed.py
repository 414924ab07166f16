"""Measurement of a member's prediction speed, after its training or in a separate job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from ...backbones.jobs.views import average_rotations, average_views
from ...inference.jobs.networks import join_head
from ...inference.jobs.speed import measure_speed
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import write_record
from ..records import MemberRecord


def measure_member(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure a trained member again.

    Parameters
    ----------
    spec
        ``competition`` is the folder of the competition, and ``member`` is the name of the member.
    """
    # The same process may have measured another member before.
    keras.backend.clear_session()
    folder = CompetitionFolder(Path(spec["competition"]))
    record = MemberRecord.load(folder, spec["member"])
    _measure_and_save(folder, record, lambda: _load_network(folder, record), progress)
    return {}


def _load_network(folder: CompetitionFolder, record: MemberRecord) -> Any:
    """Return the network of a finished fold."""
    fold = next(fold for fold in range(record.folds_count) if record.is_finished(folder, fold))
    place = folder.fold(record.name, fold)
    if not record.settings.frozen:
        return keras.saving.load_model(place / "model.keras", compile=False)
    backbone = keras.saving.load_model(folder.member(record.name) / "backbone.keras", compile=False)
    return join_head(backbone, keras.saving.load_model(place / "head.keras", compile=False), record.name)


def measure_speed_once(
    folder: CompetitionFolder, record: MemberRecord, network: Callable[[], Any], progress: Progress
) -> None:
    """Measure a trained network, unless a fold of the same member was measured on this machine.

    Parameters
    ----------
    network
        Function that returns the network from pixels of one view to probabilities.
    """
    known = record.load_speed(folder)
    if known is None or not known.is_of_this_machine:
        _measure_and_save(folder, record, network, progress)


def _measure_and_save(
    folder: CompetitionFolder, record: MemberRecord, network: Callable[[], Any], progress: Progress
) -> None:
    task = progress.start(f"{record.name}: speed", 1)
    model = average_views(network(), record.settings.tta)
    if record.settings.tta == "rotations":
        model = average_rotations(model)
    speed = measure_speed(model, record.settings.batch_size)
    write_record(folder.speed(record.name), replace(speed, member=record.fingerprint))
    task.advance()
    task.finish()
