"""A member's prediction speed: of the batches of its training, and of single photos in a separate job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from ...backbones.jobs.views import average_rotations, average_views
from ...competition.task import ROTATIONS
from ...inference.jobs.networks import join_head
from ...inference.jobs.speed import describe_device, measure_speed
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
    task = progress.start(f"{record.name}: speed", 1)
    model = average_views(_load_network(folder, record), record.settings.tta)
    if record.settings.tta == "rotations":
        model = average_rotations(model)
    known = record.load_speed(folder)
    in_batches = known.photos_per_second if known and known.is_of_this_machine else 0.0
    speed = measure_speed(model, record.settings.batch_size, in_batches or None)
    write_record(folder.speed(record.name), replace(speed, member=record.fingerprint))
    task.advance()
    task.finish()
    return {}


def _load_network(folder: CompetitionFolder, record: MemberRecord) -> Any:
    """Return the network of a finished fold."""
    fold = next(fold for fold in range(record.folds_count) if record.is_finished(folder, fold))
    place = folder.fold(record.name, fold)
    if not record.settings.frozen:
        return keras.saving.load_model(place / "model.keras", compile=False)
    backbone = keras.saving.load_model(folder.member(record.name) / "backbone.keras", compile=False)
    return join_head(backbone, keras.saving.load_model(place / "head.keras", compile=False), record.name)


def save_training_speed(
    folder: CompetitionFolder, record: MemberRecord, parameters: int, photos_per_second: float
) -> None:
    """Save the speed that a training has shown, unless the member was measured on this machine.

    Single photos are timed only on request, because a network is compiled anew for them.

    Parameters
    ----------
    parameters
        Number of parameters of a fold's network.
    photos_per_second
        Speed of a fold's network in batches, for one rotation of a photo. 0 if it is not known.
    """
    known = record.load_speed(folder)
    if known and known.is_of_this_machine and (known.photos_per_second or not photos_per_second):
        return
    rotations = len(ROTATIONS) if record.settings.tta == "rotations" else 1
    speed = replace(
        describe_device(record.settings.batch_size),
        member=record.fingerprint,
        parameters=parameters,
        photos_per_second=round(photos_per_second / rotations, 3),
    )
    write_record(folder.speed(record.name), speed)
