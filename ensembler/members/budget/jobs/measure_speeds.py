"""The job that measures how fast members are on this machine, on the competition's own photos."""

from __future__ import annotations

import gc
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.custom import resolve_backbone
from ....backbones.jobs.build import build_backbone
from ....backbones.registry import find_backbone
from ....backbones.weights import parse_weights_source
from ....competition.tables import Tables, compute_prior, load_tables
from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.keras_heads import build_random_head
from ....heads.linear import LinearHead
from ....images.batches import iterate_pixel_batches
from ....images.photo_source import FilePhotos, InMemoryPhotos, Pixels, can_fit_in_memory
from ....images.training_photos import TrainingPhotos
from ....inference.jobs.networks import join_head, predict
from ....inference.jobs.speed import describe_device
from ....inference.speeds import NetworkSpeed, PhaseSpeed, TrainingSpeed
from ....options.settings import MemberSettings
from ....paths import CompetitionFolder
from ....progress import SILENT, Progress
from ....serialization import make_record
from ...fine_tuning.checkpoints import Checkpoints
from ...fine_tuning.fold_task import FoldTask
from ...fine_tuning.jobs.devices import Devices
from ...fine_tuning.jobs.trainer import Trainer

# Updates that are measured at most, once what is compiled is compiled; and seconds after which they suffice.
_MAX_UPDATES, _ENOUGH_SECONDS = 10, 2.0
# Seconds of one update that tell enough by themselves.
_SLOW_UPDATE_SECONDS = 10.0
# Rows that a head is fitted on, and parts that choose its penalty.
_HEAD_ROWS, _HEAD_FOLDS = 400, 4


def measure_speeds(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure members one after the other.

    Parameters
    ----------
    spec
        ``competition``: its folder; ``members``: of each ``settings`` and ``weights``; ``data_parallel``.

    Returns
    -------
    dict
        ``speeds`` of each member, their start-up 0; ``seconds`` that all took once the process had started up.
    """
    _warm_up()
    began = time.monotonic()
    tables = load_tables(CompetitionFolder(Path(spec["competition"])))
    speeds = []
    for member in progress.track(spec["members"], "measuring speeds", len(spec["members"])):
        settings = make_record(member["settings"], MemberSettings, "a job")
        speeds.append(asdict(_MemberTimer(tables, settings, member["weights"]).measure(spec["data_parallel"])))
        keras.backend.clear_session()
        gc.collect()
    return {"speeds": speeds, "seconds": time.monotonic() - began}


def _warm_up() -> None:
    """Let libraries do what they do once a process, which is start-up, not the first member's."""
    network = build_backbone(find_backbone("demo-dense"), 8, "none", 0)
    network.predict_on_batch(np.zeros((1, 8, 8, 3), np.uint8))


class _MemberTimer:
    """Times the pieces of one member's training."""

    def __init__(self, tables: Tables, settings: MemberSettings, weights: str) -> None:
        self.tables = tables
        self.settings = settings
        self.weights = weights
        wanted = settings.batch_size * (_MAX_UPDATES + 2)
        rows = np.linspace(0, len(tables.train) - 1, min(wanted, len(tables.train))).astype(int)
        # Few photos are taken several times.
        rows = np.resize(rows, wanted)
        self.paths = [tables.train_paths[row] for row in rows]
        self.photos = FilePhotos(self.paths, settings.image_size)
        self.targets = tables.targets[rows]

    def measure(self, data_parallel: bool) -> NetworkSpeed:
        """Measure everything."""
        began = time.monotonic()
        network = self._build_network()
        build = time.monotonic() - began
        network.compile(jit_compile=False)
        batch_size = self.settings.batch_size
        pixels = next(self._make_batches(batch_size))
        first = _measure_seconds(lambda: network.predict_on_batch(pixels))
        each = float(np.median([_measure_seconds(lambda: network.predict_on_batch(pixels)) for _ in range(3)]))
        # At least two batches: beyond those that are decoded ahead.
        photos = min(_MAX_UPDATES, max(2, round(_ENOUGH_SECONDS / max(each, 1e-3)))) * batch_size
        training = TrainingSpeed(
            start_up=0.0,
            build=build,
            save=_measure_seconds(lambda: _save(network)),
            compile=max(0.0, first - each),
            decode=_measure_seconds(lambda: deque(self._make_batches(photos), maxlen=0)) / photos,
            predict=_measure_seconds(
                lambda: predict(network, self._make_batches(photos), photos, batch_size, SILENT.start("", 0))
            )
            / photos,
            view=each / batch_size,
            head=self._measure_head_seconds(network, pixels),
            phases=self._measure_phases(data_parallel),
        )
        speed = replace(describe_device(batch_size), parameters=int(network.count_params()), training=training)
        return replace(speed, photos_per_second=batch_size / each)

    def _make_batches(self, photos: int) -> Iterator[Pixels]:
        return iterate_pixel_batches(self.photos, self.settings.batch_size, np.arange(photos))

    def _build_network(self) -> Any:
        """Build the whole network, its head random."""
        settings = self.settings
        backbone = build_backbone(
            resolve_backbone(settings.backbone, settings.builder, settings.preprocessing, settings.image_size),
            settings.image_size,
            parse_weights_source(self.weights),
            settings.seed,
            settings.pooling,
        )
        head = build_random_head(
            int(backbone.output_shape[-1]),
            compute_prior(self.tables.targets),
            settings.seed,
            multiclass=self.tables.manifest.sums_to_one,
            hidden=settings.hidden,
            dropout=settings.dropout,
        )
        return join_head(backbone, head, settings.backbone)

    def _measure_head_seconds(self, network: Any, pixels: NDArray[np.uint8]) -> float:
        """Seconds for each row that a head is fitted on; features are those of a batch, and noise."""
        settings = self.settings
        if not settings.frozen and settings.head == "random" and settings.weights == "none":
            return 0.0
        features = np.asarray(network.layers[1](pixels.astype("f4"), training=False), np.float32)
        random = np.random.default_rng(settings.seed)
        X = np.resize(features, (_HEAD_ROWS, features.shape[1]))
        X = (X + random.normal(0, features.std(axis=0) + 1e-3, X.shape)).astype(np.float32)
        Y, folds = np.resize(self.targets, (_HEAD_ROWS, self.targets.shape[1])), np.arange(_HEAD_ROWS) % _HEAD_FOLDS
        multiclass = self.tables.manifest.sums_to_one
        head: Any = (
            HiddenHead(settings, multiclass=multiclass) if settings.hidden else LinearHead(multiclass=multiclass)
        )
        return _measure_seconds(lambda: head.fit(X, Y, folds)) / _HEAD_ROWS

    def _measure_phases(self, data_parallel: bool) -> tuple[PhaseSpeed, ...]:
        settings = self.settings
        if settings.frozen:
            return ()
        # More are decoded again and again, unless a store pays, which nobody knows yet.
        fits_in_memory = can_fit_in_memory(len(self.tables.train), settings.image_size)
        source = InMemoryPhotos.from_files(self.paths, settings.image_size) if fits_in_memory else self.photos
        fold_task = FoldTask(
            name=settings.backbone,
            settings=settings,
            multiclass=self.tables.manifest.sums_to_one,
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
    """Time epochs of different lengths: the difference is that of their updates."""
    trainer.begin_phase(number)
    compiled = trainer.try_out(number, 1, SILENT.start("", 0))
    short = trainer.try_out(number, 1, SILENT.start("", 0))
    first = max(0.0, compiled - short)
    if short > _SLOW_UPDATE_SECONDS:
        return PhaseSpeed(photo=short / batch_size, epoch=0.0, first=first)
    more = min(_MAX_UPDATES, max(3, round(_ENOUGH_SECONDS / short)))
    long = trainer.try_out(number, 1 + more, SILENT.start("", 0))
    # A machine that was busy for a moment may make the long one the shorter.
    update = max(0.0, long - short) / more or long / (1 + more)
    return PhaseSpeed(photo=update / batch_size, epoch=max(0.0, short - update), first=first)


def _measure_seconds(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _save(network: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder) / "network.keras")
