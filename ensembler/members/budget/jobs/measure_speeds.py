"""The job that measures how fast members are on this machine, on the competition's own photos."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ....backbones.custom import backbone_of
from ....backbones.jobs.build import build_backbone
from ....backbones.registry import find_backbone
from ....backbones.weights import weights_source
from ....competition.tables import Tables, load_tables, prior
from ....heads.jobs.hidden import HiddenHead
from ....heads.jobs.keras_heads import random_head
from ....heads.linear import LinearHead
from ....images.batches import pixel_batches
from ....images.photo_source import HeldPhotos, PhotoFiles, Pixels, in_memory
from ....images.training_photos import TrainingPhotos
from ....inference.jobs.networks import join, predict
from ....options.settings import MemberSettings
from ....paths import CompetitionFolder
from ....progress import SILENT, Progress, Task
from ...fine_tuning.checkpoints import Checkpoints
from ...fine_tuning.fold_task import Lesson
from ...fine_tuning.jobs.devices import Devices
from ...fine_tuning.jobs.trainer import Training
from ..costs import PhaseSpeed, Speeds

# Updates that are measured at most, once what is compiled is compiled; and seconds after which they suffice.
_MOST_UPDATES, _LONG_ENOUGH = 10, 2.0
# Seconds of one update that tell enough by themselves.
_TOO_LONG = 10.0
# Rows that a head is fitted on, and parts that choose its penalty.
_HEAD_ROWS, _PARTS = 400, 4


def measure_speeds(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure members one after the other.

    Parameters
    ----------
    told
        ``competition``: its folder; ``members``: of each ``settings``, ``weights`` and ``data_parallel``.

    Returns
    -------
    dict
        ``speeds`` of each member, their start-up 0; ``seconds`` that all took once the process had started up.
    """
    _warm_up()
    began = time.monotonic()
    tables = load_tables(CompetitionFolder(Path(told["competition"])))
    task = progress.start("measure speeds", len(told["members"]))
    speeds = []
    for member in told["members"]:
        progress.go_on("while speeds were measured, before anything was trained")
        settings = MemberSettings.from_json(member["settings"])
        measured = _Measured(tables, settings, member["weights"], data_parallel=member["data_parallel"])
        speeds.append(measured.speeds().to_json())
        keras.backend.clear_session()
        task.advance()
    task.finish()
    return {"speeds": speeds, "seconds": time.monotonic() - began}


def _warm_up() -> None:
    """Let libraries do what they do once a process, which is start-up, not the first member's."""
    network = build_backbone(find_backbone("demo-dense"), 8, "none", 0)
    network.predict_on_batch(np.zeros((1, 8, 8, 3), np.uint8))


class _Measured:
    """One member under the clock."""

    def __init__(self, tables: Tables, settings: MemberSettings, weights: str, *, data_parallel: bool) -> None:
        self.tables = tables
        self.settings = settings
        self.weights = weights
        self.data_parallel = data_parallel
        wanted = settings.batch_size * (_MOST_UPDATES + 2)
        rows = np.linspace(0, len(tables.train) - 1, min(wanted, len(tables.train))).astype(int)
        # Few photos are taken several times.
        self.rows = np.resize(rows, wanted)
        self.paths = [tables.train_paths[row] for row in self.rows]
        self.targets = tables.targets[self.rows]

    def speeds(self) -> Speeds:
        """Measure everything."""
        began = time.monotonic()
        network = self._network()
        build = time.monotonic() - began
        network.compile(jit_compile=False)
        pixels = next(self._batches(self.settings.batch_size))
        first = _seconds(lambda: network.predict_on_batch(pixels))
        each = float(np.median([_seconds(lambda: network.predict_on_batch(pixels)) for _ in range(3)]))
        photos = self._enough(each)
        return Speeds(
            start_up=0.0,
            build=build,
            save=_seconds(lambda: _save(network)),
            decode=_seconds(lambda: self._decode(photos)) / photos,
            predict=_seconds(lambda: self._predict(network, photos)) / photos,
            network=each / self.settings.batch_size,
            predict_first=max(0.0, first - each),
            head=self._head_seconds(network, pixels),
            phases=self._phases(),
        )

    def _enough(self, each: float) -> int:
        """Photos whose prediction takes a while, at least two batches: beyond those that are decoded ahead."""
        batches = min(_MOST_UPDATES, max(2, round(_LONG_ENOUGH / max(each, 1e-3))))
        return batches * self.settings.batch_size

    def _decode(self, photos: int) -> None:
        for _ in self._batches(photos):
            pass

    def _batches(self, photos: int) -> Iterator[Pixels]:
        return pixel_batches(PhotoFiles(self.paths[:photos], self.settings.image_size), self.settings.batch_size)

    def _predict(self, network: Any, photos: int) -> None:
        batch = self.settings.batch_size
        predict(network, self._batches(photos), photos, batch, Task())

    def _network(self) -> Any:
        """Build the whole network, its head random."""
        settings = self.settings
        backbone = build_backbone(
            backbone_of(settings.backbone, settings.builder, settings.preprocessing, settings.image_size),
            settings.image_size,
            weights_source(self.weights),
            settings.seed,
            settings.pooling,
        )
        head = random_head(
            int(backbone.output_shape[-1]),
            prior(self.tables.targets),
            settings.seed,
            exclusive=self.tables.manifest.sums_to_one,
            hidden=settings.hidden,
            dropout=settings.dropout,
        )
        return join(backbone, head, settings.backbone)

    def _head_seconds(self, network: Any, pixels: NDArray[np.uint8]) -> float:
        """Seconds for each row that a head is fitted on; features are those of a batch, and noise."""
        settings = self.settings
        if not settings.frozen and settings.head == "random":
            return 0.0
        features = np.asarray(network.layers[1](pixels.astype("f4"), training=False), np.float32)
        random = np.random.default_rng(settings.seed)
        X = np.resize(features, (_HEAD_ROWS, features.shape[1]))
        X = (X + random.normal(0, features.std(axis=0) + 1e-3, X.shape)).astype(np.float32)
        Y, folds = np.resize(self.targets, (_HEAD_ROWS, self.targets.shape[1])), np.arange(_HEAD_ROWS) % _PARTS
        exclusive = self.tables.manifest.sums_to_one
        head: Any = HiddenHead(settings, exclusive=exclusive) if settings.hidden else LinearHead(exclusive=exclusive)
        return _seconds(lambda: head.fit(X, Y, folds)) / _HEAD_ROWS

    def _phases(self) -> tuple[PhaseSpeed, ...]:
        settings = self.settings
        if settings.frozen:
            return ()
        # More are decoded again and again, unless a store pays, which nobody knows yet.
        held = in_memory(len(self.tables.train), settings.image_size)
        source = (HeldPhotos.decoded if held else PhotoFiles)(self.paths, settings.image_size)
        lesson = Lesson(
            name=settings.backbone,
            settings=settings,
            exclusive=self.tables.manifest.sums_to_one,
            photos=TrainingPhotos(source, self.targets),
            targets=self.targets,
            seed=settings.seed,
            build=self._network,
            judge=lambda _: {},
        )
        devices = Devices(spread=self.data_parallel, batch_size=settings.batch_size, progress=SILENT)
        with tempfile.TemporaryDirectory() as place:
            # Each epoch ends with a checkpoint.
            training = Training(lesson, devices, SILENT, Checkpoints(Path(place) / "checkpoint.npz"))
            return tuple(_phase_speed(training, number, settings.batch_size) for number in range(len(settings.phases)))


def _phase_speed(training: Training, number: int, batch_size: int) -> PhaseSpeed:
    """Time epochs of different lengths: the difference is that of their updates."""
    training.begin(number)
    compiled = training.try_out(number, 1, Task())
    short = training.try_out(number, 1, Task())
    first = max(0.0, compiled - short)
    if short > _TOO_LONG:
        return PhaseSpeed(photo=short / batch_size, epoch=0.0, first=first)
    more = min(_MOST_UPDATES, max(3, round(_LONG_ENOUGH / short)))
    long = training.try_out(number, 1 + more, Task())
    # A machine that was busy for a moment may make the long one the shorter.
    update = max(0.0, long - short) / more or long / (1 + more)
    return PhaseSpeed(photo=update / batch_size, epoch=max(0.0, short - update), first=first)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _save(network: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder) / "network.keras")
