"""Measure how fast a member's network predicts, in the job that has it or in one of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ...backbones.jobs.views import average_views
from ...inference.jobs.device import find_device_name
from ...inference.jobs.networks import join_head
from ...inference.timing import BATCH_PREDICTIONS, SINGLE_PREDICTIONS, count_processors, make_noise, time_predictions
from ...paths import CompetitionFolder
from ...progress import Progress
from ..records import MemberRecord
from ..speed import Speed, load_speed, save_speed


def measure_member(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure a trained member anew.

    Parameters
    ----------
    spec
        ``competition`` (its folder), ``member`` (its name).
    """
    # The process may have measured another member before.
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
    """Measure a network that was just trained, unless a fold of the same member was measured on this machine.

    Parameters
    ----------
    network
        Gives it: pixels to probabilities, of one view.
    """
    known = load_speed(folder, record.name, record.fingerprint)
    if known is None or not known.is_of_this_machine:
        _measure_and_save(folder, record, network, progress)


def _measure_and_save(
    folder: CompetitionFolder, record: MemberRecord, network: Callable[[], Any], progress: Progress
) -> None:
    task = progress.start(f"{record.name}: speed", 1)
    save_speed(folder, record.name, measure_speed(network(), record))
    task.advance()
    task.finish()


def measure_speed(network: Any, record: MemberRecord) -> Speed:
    """Measure a network with the views of its member; see :class:`Speed`."""
    settings = record.settings
    model = average_views(network, settings.tta)
    model.compile(jit_compile=False)
    one, batch = (make_noise(count, settings.image_size) for count in (1, settings.batch_size))
    alone, in_batches = (
        time_predictions(model, one, SINGLE_PREDICTIONS),
        time_predictions(model, batch, BATCH_PREDICTIONS),
    )
    return Speed(
        member=record.fingerprint,
        parameters=int(network.count_params()),
        milliseconds_per_photo=round(1e3 * float(np.mean(alone)), 3),
        photos_per_second=round(settings.batch_size / float(np.mean(in_batches)), 3),
        single=len(alone),
        batch_size=settings.batch_size,
        device=find_device_name(),
        threads=count_processors(),
        host=socket.gethostname(),
    )
