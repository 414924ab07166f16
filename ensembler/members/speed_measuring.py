"""Measure how fast a member's network predicts, in the job that has it or in one of its own."""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..progress import Progress
from ..storage import CompetitionFolder
from .inference import join
from .records import MemberRecord
from .speed import BATCHES, FEWEST, LONGEST, SINGLE, WARM_UP, Speed, load_speed, save_speed
from .view_networks import with_views


def measure_member(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure a trained member anew.

    Parameters
    ----------
    told
        ``competition`` (its folder), ``member`` (its name).
    """
    # The process may have measured another member before.
    keras.backend.clear_session()
    folder = CompetitionFolder(Path(told["competition"]))
    record = MemberRecord.load(folder, told["member"])
    _measure(folder, record, lambda: _network(folder, record), progress)
    return {}


def _network(folder: CompetitionFolder, record: MemberRecord) -> Any:
    """Return the network of a finished fold."""
    fold = next(fold for fold in range(record.folds_count) if record.is_finished(folder, fold))
    place = folder.fold(record.name, fold)
    if not record.settings.frozen:
        return keras.saving.load_model(place / "model.keras", compile=False)
    backbone = keras.saving.load_model(folder.member(record.name) / "backbone.keras", compile=False)
    return join(backbone, keras.saving.load_model(place / "head.keras", compile=False), record.name)


def keep_speed(folder: CompetitionFolder, record: MemberRecord, network: Callable[[], Any], progress: Progress) -> None:
    """Measure a network that was just trained, unless a fold of the same member was measured on this machine.

    Parameters
    ----------
    network
        Gives it: pixels to probabilities, of one view.
    """
    known = load_speed(folder, record.name, record.fingerprint)
    if known is None or not known.is_of_this_machine:
        _measure(folder, record, network, progress)


def _measure(folder: CompetitionFolder, record: MemberRecord, network: Callable[[], Any], progress: Progress) -> None:
    task = progress.start(f"{record.name}: speed", 1)
    save_speed(folder, record.name, speed_of(network(), record))
    task.advance()
    task.finish()


def speed_of(network: Any, record: MemberRecord) -> Speed:
    """Measure a network with the views of its member; see :class:`Speed`."""
    settings = record.settings
    model = with_views(network, settings.tta)
    model.compile(jit_compile=False)
    one, batch = (noise(count, settings.image_size) for count in (1, settings.batch_size))
    alone, in_batches = seconds_each(model, one, SINGLE), seconds_each(model, batch, BATCHES)
    return Speed(
        member=record.fingerprint,
        parameters=int(network.count_params()),
        milliseconds_per_photo=round(1e3 * float(np.mean(alone)), 3),
        photos_per_second=round(settings.batch_size / float(np.mean(in_batches)), 3),
        single=len(alone),
        batch_size=settings.batch_size,
        device=device_name(),
        threads=processors(),
        host=socket.gethostname(),
    )


def noise(count: int, size: int) -> NDArray[np.uint8]:
    """Return photos of nothing, shape (count, size, size, 3), which take as long as others."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def seconds_each(model: Any, photos: NDArray[np.uint8], times: int) -> list[float]:
    """Time predictions of the same photos, after one that compiles and one that warms up."""
    for _ in range(WARM_UP):
        model.predict_on_batch(photos)
    taken: list[float] = []
    while len(taken) < times and (len(taken) < FEWEST or sum(taken) < LONGEST):
        began = time.perf_counter()
        model.predict_on_batch(photos)
        taken.append(time.perf_counter() - began)
    return taken


def processors() -> int:
    """Return the processors that a job may use; fewer where several jobs share the machine."""
    told = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_name() -> str:
    """Name what TensorFlow predicts on."""
    import tensorflow as tf

    if gpus := tf.config.list_logical_devices("GPU") and tf.config.list_physical_devices("GPU"):
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    return _processor()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, named), platform.processor() or platform.machine())
