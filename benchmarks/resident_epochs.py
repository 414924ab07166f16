"""Process in which ``gpu_job.py`` trains a member's network on photos that lie in the device's own memory.

It reads the member's settings as a line of JSON and writes the seconds of each epoch as another. Network, optimizer,
loss and training loop are those of ``train-members``; only the photos are noise, a few batches that repeat.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

# By default, JAX uses three quarters of a GPU's memory.
os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.95")

import keras
import numpy as np

from ensembler.competition.tables import load_tables
from ensembler.events import EpochEnded, Event
from ensembler.heads.jobs.keras_heads import build_random_head
from ensembler.images.batches import count_steps
from ensembler.images.training_photos import TrainingPhotos
from ensembler.inference.jobs.networks import join_head
from ensembler.members.features.jobs.compute import build_member_backbone
from ensembler.members.fine_tuning.fold_task import FoldTask
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.options.settings import MemberSettings
from ensembler.paths import CompetitionFolder
from ensembler.progress import Progress
from ensembler.serialization import make_record

# Distinct batches, too many for the caches of a GPU, within its memory.
BATCHES, MOST_BYTES = 16, 2 * 10**9


class ResidentPhotos:
    """Batches of noise in the device's memory, in place of a member's training photos."""

    def __init__(self, photos: int, batch_size: int, size: int, targets: np.ndarray) -> None:
        random = np.random.default_rng(0)
        kept = max(1, min(BATCHES, count_steps(photos, batch_size), MOST_BYTES // (3 * batch_size * size**2)))
        self._photos = photos
        self._batches = [
            tuple(
                keras.ops.convert_to_tensor(part)
                for part in (
                    random.integers(0, 256, (batch_size, size, size, 3), dtype=np.uint8),
                    targets[random.integers(0, len(targets), batch_size)],
                    np.ones(batch_size, np.float32),
                )
            )
            for _ in range(kept)
        ]

    def __len__(self) -> int:
        return self._photos

    def iterate_epoch(
        self, number: int, *, batch_size: int, accumulation_steps: int = 1, **_: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of an epoch in turn."""
        if accumulation_steps > 1:
            sys.exit("A batch does not fit into the device's memory: pass a smaller --batch-size.")
        for step in range(count_steps(self._photos, batch_size)):
            yield self._batches[(number + step) % len(self._batches)]


class Epochs(Progress):
    """Seconds of the epochs that ended."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def emit(self, event: Event) -> None:
        """Keep the seconds of an epoch."""
        if isinstance(event, EpochEnded):
            self.seconds.append(event.seconds)


def train(settings: MemberSettings, photos: int, targets: np.ndarray, *, multiclass: bool, epochs: int) -> list[float]:
    """Train a number of epochs on the device's memory, and return the seconds of each. The first one compiles."""
    phases = tuple(replace(phase, epochs=epochs) for phase in settings.phases[:1])
    settings = replace(settings, phases=phases, patience=0, augmentation="none", weights="none")
    outputs = targets.shape[1]

    def build() -> Any:
        backbone = build_member_backbone(settings, "none")
        shares = np.full(outputs, 1 / outputs if multiclass else 0.5)
        width = int(backbone.output_shape[-1])
        head = build_random_head(width, shares, settings.seed, multiclass=multiclass, hidden=settings.hidden)
        return join_head(backbone, head, "resident")

    resident = ResidentPhotos(photos, settings.batch_size, settings.image_size, targets)
    task = FoldTask(
        name="resident",
        settings=settings,
        multiclass=multiclass,
        photos=cast(TrainingPhotos, resident),
        targets=targets,
        seed=settings.seed,
        build=build,
        evaluate=lambda _: {},
    )
    progress = Epochs()
    Trainer(task, Devices(data_parallel=False, batch_size=settings.batch_size, progress=progress), progress).run()
    return progress.seconds


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # The output of libraries must not mix with the result.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings = make_record(asked.pop("settings"), MemberSettings, "the settings")
    tables = load_tables(CompetitionFolder(Path(asked["competition"])))
    multiclass = tables.manifest.task == "multiclass"
    seconds = train(settings, asked["photos"], tables.targets, multiclass=multiclass, epochs=asked["epochs"])
    results.write(json.dumps({"seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
