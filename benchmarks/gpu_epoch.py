"""An epoch of training on a GPU with decoding of photos included, against the same network fed from the GPU's memory.

Photos are the files of a folder, each as often as needed. The network is compiled in a first short epoch; epochs of the
kinds of feeding then take turns, and the median of each is told.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
from throughput import CLASSES, Setting, facts, network, photos_and_targets

from ensembler.images.augmentation import Augmentation
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos
from ensembler.images.training_photos import TrainingPhotos

Feeding = Callable[[int], Iterator[tuple[Any, ...]]]


def from_memory(batch: int, size: int) -> Feeding:
    """Give the one batch that lies in the device's memory again and again."""
    photos, targets = photos_and_targets(batch, size)
    on_device = tuple(map(keras.ops.convert_to_tensor, (photos, targets, np.ones(batch, np.float32))))

    def feed(steps: int) -> Iterator[tuple[Any, ...]]:
        for _ in range(steps):
            yield on_device

    return feed


def from_files(paths: list[Path], batch: int, size: int, augmentation: Augmentation, *, keep: bool) -> Feeding:
    """Give decoded photos as fine-tuning does."""
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(len(paths)) % CLASSES]
    photos = TrainingPhotos((InMemoryPhotos.from_files if keep else FilePhotos)(paths, size), targets)

    def feed(steps: int) -> Iterator[tuple[Any, ...]]:
        yield from islice(photos.iterate_epoch(0, batch_size=batch, seed=0, augmentation=augmentation), steps)

    return feed


def seconds_of(model: Any, feed: Feeding, steps: int) -> float:
    began = time.perf_counter()
    fitted = model.fit(feed(steps), steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
    if not math.isfinite(fitted.history["loss"][0]):
        sys.exit("The loss is no number.")
    return time.perf_counter() - began


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with photos as .jpg, in any depth")
    parser.add_argument("--backbone", default="b0")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--photos", default=20_000, type=int)
    parser.add_argument("--size", default=224, type=int)
    parser.add_argument("--batch", default=128, type=int)
    parser.add_argument("--from-memory", action="store_true", help="leave out the kinds that decode, which take long")
    parser.add_argument("--repeats", default=2, type=int, help="epochs of each kind")
    return parser.parse_args()


def main() -> None:
    told = options()
    found = sorted(told.folder.rglob("*.jpg"))
    if not found:
        sys.exit(f"There is no .jpg in {told.folder}.")
    paths = list(islice((path for _ in range(told.photos) for path in found), told.photos))
    setting = Setting(told.backbone, told.precision, True, "training", (told.batch,), told.size, 0, 0)
    model = network(setting)
    files = (paths, told.batch, told.size)
    feedings = {
        "the device's memory": from_memory(told.batch, told.size),
        "memory, photos decoded once": from_files(*files, "none", keep=True),
        "files, decoded anew": from_files(*files, "none", keep=False),
        "files, decoded anew, `crops`": from_files(*files, "crops", keep=False),
        "memory, decoded once, `strong`": from_files(*files, "strong", keep=True),
    }
    if told.from_memory:
        feedings = dict(islice(feedings.items(), 2))
    steps = math.ceil(told.photos / told.batch)
    for feed in feedings.values():
        seconds_of(model, feed, 2)
    taken: dict[str, list[float]] = {name: [] for name in feedings}
    for _ in range(told.repeats):
        for name, feed in feedings.items():
            taken[name].append(seconds_of(model, feed, steps))
            print(f"{name}: {taken[name][-1]:.2f} s", file=sys.stderr)
    known = facts()
    print(
        f"Seconds an epoch of {told.photos:,} photos at {told.size} pixels, {told.backbone} in {told.precision}, "
        f"{told.batch} a step, from {len(found)} files; {known['device']}; Keras on {known['backend']}; "
        f"{known['versions']}.\n"
    )
    print("| photos come from | seconds an epoch | photos a second | share of the device's own speed |")
    print("|---|---:|---:|---:|")
    best = statistics.median(taken["the device's memory"])
    for name, each in taken.items():
        middle = statistics.median(each)
        print(f"| {name} | {middle:.1f} | {told.photos / middle:,.0f} | {best / middle:.2f} |")


if __name__ == "__main__":
    main()
