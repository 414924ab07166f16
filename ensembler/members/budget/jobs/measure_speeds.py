"""The job that measures the training speed of members on this machine, with the competition's photos."""

from __future__ import annotations

import gc
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.jobs.build import build_backbone
from ....backbones.jobs.devices import compile_for_prediction, predict_once
from ....backbones.registry import find_backbone
from ....competition.tables import Tables, load_tables
from ....heads.jobs.hidden import HiddenHead
from ....heads.linear import LinearHead
from ....images.batches import iterate_pixel_batches
from ....images.photo_source import FilePhotos, InMemoryPhotos, PhotoSource, Pixels, can_fit_in_memory
from ....images.training_photos import TrainingPhotos
from ....inference.jobs.networks import join_head, predict
from ....inference.jobs.speed import describe_device
from ....inference.speeds import NetworkSpeed, PhaseSpeed, TrainingSpeed
from ....options.settings import MemberSettings
from ....paths import CompetitionFolder
from ....progress import SILENT, Progress
from ....serialization import make_record
from ...features.jobs.compute import build_member_backbone
from ...fine_tuning.checkpoints import Checkpoints
from ...fine_tuning.fold_task import FoldTask
from ...fine_tuning.jobs.devices import Devices
from ...fine_tuning.jobs.trainer import Trainer
from ...jobs.head_fitting import build_initial_head
from ..timed_photos import MAX_UPDATES, select_timed_rows

# Seconds of measured updates that suffice.
_ENOUGH_SECONDS = 2.0
# Duration of an update above which one measurement suffices.
_SLOW_UPDATE_SECONDS = 10.0
# Rows on which a head is fitted, and folds that choose its penalty.
_HEAD_ROWS, _HEAD_FOLDS = 400, 4


def measure_speeds(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure members in sequence.

    Parameters
    ----------
    spec
        ``competition`` is its folder. ``members`` contains ``settings`` and ``weights`` of each member.
        ``data_parallel`` is as in :class:`.training_job.TrainingJob`.

    Returns
    -------
    dict
        ``speeds`` of the members, with a start-up of 0, and ``seconds`` of the job without its start-up.
    """
    # Libraries initialise at their first use. That is part of the start-up, and not of the first member.
    build_backbone(find_backbone("demo-dense"), 8, "none", 0).predict_on_batch(np.zeros((1, 8, 8, 3), np.uint8))
    began = time.monotonic()
    tables = load_tables(CompetitionFolder(Path(spec["competition"])))
    speeds = []
    for member in progress.track(spec["members"], "measuring speeds", len(spec["members"])):
        settings = make_record(member["settings"], MemberSettings, "a job")
        speeds.append(asdict(_MemberTimer(tables, settings, member["weights"]).measure(spec["data_parallel"])))
        keras.backend.clear_session()
        gc.collect()
    return {"speeds": speeds, "seconds": time.monotonic() - began}


class _MemberTimer:
    """Measure the parts of one member's training."""

    def __init__(self, tables: Tables, settings: MemberSettings, weights: str) -> None:
        self.tables = tables
        self.settings = settings
        self.weights = weights
        self.multiclass = tables.manifest.sums_to_one
        rows = select_timed_rows(len(tables.train), settings.batch_size)
        self.paths = [tables.train_paths[row] for row in rows]
        self.rule = tables.manifest.pixels
        self.photos = FilePhotos(self.paths, settings.image_size, self.rule)
        self.targets = tables.targets[rows]

    def measure(self, data_parallel: bool) -> NetworkSpeed:
        """Measure all parts."""
        began = time.monotonic()
        network = self._build_network()
        build = time.monotonic() - began
        compile_for_prediction(network)
        batch_size = self.settings.batch_size
        pixels = next(self._make_batches(batch_size))
        first = _measure_seconds(lambda: network.predict_on_batch(pixels))
        each = float(np.median([_measure_seconds(lambda: network.predict_on_batch(pixels)) for _ in range(3)]))
        # Two batches at least, so that not all of them are decoded ahead.
        photos = min(MAX_UPDATES, max(2, round(_ENOUGH_SECONDS / max(each, 1e-3)))) * batch_size
        decode = _measure_seconds(lambda: deque(self._make_batches(photos), maxlen=0))
        task = SILENT.start("", 0)
        prediction = _measure_seconds(lambda: predict(network, self._make_batches(photos), photos, batch_size, task))
        with tempfile.TemporaryDirectory() as folder:
            save = _measure_seconds(lambda: network.save(Path(folder) / "network.keras"))
        training = TrainingSpeed(
            start_up=0.0,
            build=build,
            save=save,
            compile=max(0.0, first - each),
            decode=decode / photos,
            predict=prediction / photos,
            view=each / batch_size,
            head=self._measure_head_seconds(network, pixels),
            phases=self._measure_phases(data_parallel),
        )
        return replace(
            describe_device(batch_size),
            parameters=int(network.count_params()),
            photos_per_second=batch_size / each,
            training=training,
        )

    def _make_batches(self, photos: int) -> Iterator[Pixels]:
        return iterate_pixel_batches(self.photos, self.settings.batch_size, np.arange(photos))

    def _build_network(self) -> Any:
        settings = self.settings
        backbone, targets = build_member_backbone(settings, self.weights), self.tables.targets
        width = int(backbone.output_shape[-1])
        head = build_initial_head(settings, width, targets, settings.seed, multiclass=self.multiclass)
        return join_head(backbone, head, settings.backbone)

    def _measure_head_seconds(self, network: Any, pixels: NDArray[np.uint8]) -> float:
        """Measure the time to fit a head, per row, on the noisy features of one batch."""
        settings = self.settings
        if not settings.frozen and settings.head == "random" and settings.weights == "none":
            return 0.0
        features = predict_once(network.layers[1], pixels.astype("f4"))
        random = np.random.default_rng(settings.seed)
        X = np.resize(features, (_HEAD_ROWS, features.shape[1]))
        X = (X + random.normal(0, features.std(axis=0) + 1e-3, X.shape)).astype(np.float32)
        Y, folds = np.resize(self.targets, (_HEAD_ROWS, self.targets.shape[1])), np.arange(_HEAD_ROWS) % _HEAD_FOLDS
        kind: Any = partial(HiddenHead, settings) if settings.hidden else LinearHead
        head = kind(multiclass=self.multiclass)
        return _measure_seconds(lambda: head.fit(X, Y, folds)) / _HEAD_ROWS

    def _measure_phases(self, data_parallel: bool) -> tuple[PhaseSpeed, ...]:
        settings = self.settings
        if settings.frozen:
            return ()
        # Larger data sets are decoded in each epoch. Whether a store of decoded photos will help is not known yet.
        fits_in_memory = can_fit_in_memory(len(self.tables.train), settings.image_size)
        source: PhotoSource = self.photos
        if fits_in_memory:
            source = InMemoryPhotos.from_files(self.paths, settings.image_size, self.rule)
        fold_task = FoldTask(
            name=settings.backbone,
            settings=settings,
            multiclass=self.multiclass,
            photos=TrainingPhotos(source, self.targets),
            targets=self.targets,
            seed=settings.seed,
            build=self._build_network,
            evaluate=lambda _: {},
        )
        devices = Devices(data_parallel=data_parallel, batch_size=settings.batch_size, progress=SILENT)
        with tempfile.TemporaryDirectory() as place:
            # Each epoch ends with a checkpoint.
            trainer = Trainer(fold_task, devices, SILENT, Checkpoints(Path(place) / "checkpoint.npz"))
            return tuple(_measure_phase(trainer, number, settings.batch_size) for number in range(len(settings.phases)))


def _measure_phase(trainer: Trainer, number: int, batch_size: int) -> PhaseSpeed:
    """Measure epochs of different lengths. Their difference is the time of updates alone."""
    trainer.begin_phase(number)
    compiled = trainer.try_out(number, 1, SILENT.start("", 0))
    short = trainer.try_out(number, 1, SILENT.start("", 0))
    first = max(0.0, compiled - short)
    if short > _SLOW_UPDATE_SECONDS:
        return PhaseSpeed(photo=short / batch_size, epoch=0.0, first=first)
    more = min(MAX_UPDATES, max(3, round(_ENOUGH_SECONDS / short)))
    long = trainer.try_out(number, 1 + more, SILENT.start("", 0))
    # On a busy machine the longer epoch may take less time.
    update = max(0.0, long - short) / more or long / (1 + more)
    return PhaseSpeed(photo=update / batch_size, epoch=max(0.0, short - update), first=first)


def _measure_seconds(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
