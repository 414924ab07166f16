"""Speed of a training epoch on a GPU including decoding, compared with the same network fed from the GPU's memory.

Photos are the files of a folder, repeated as often as necessary. The network is compiled in a first short epoch. Then
the kinds of feeding alternate, and the result is the median of each.
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
    """Return a feeding that repeats one batch in the device's memory."""
    photos, targets = photos_and_targets(batch, size)
    on_device = tuple(map(keras.ops.convert_to_tensor, (photos, targets, np.ones(batch, np.float32))))

    def feed(steps: int) -> Iterator[tuple[Any, ...]]:
        for _ in range(steps):
            yield on_device

    return feed


def from_files(paths: list[Path], batch: int, size: int, augmentation: Augmentation, *, keep: bool) -> Feeding:
    """Return a feeding that decodes photos as fine-tuning does."""
    targets = np.eye(CLASSES, dtype=np.float32)[np.arange(len(paths)) % CLASSES]
    photos = TrainingPhotos((InMemoryPhotos.from_files if keep else FilePhotos)(paths, size), targets)

    def feed(steps: int) -> Iterator[tuple[Any, ...]]:
        yield from islice(photos.iterate_epoch(0, batch_size=batch, seed=0, augmentation=augmentation), steps)

    return feed


def seconds_of(model: Any, feed: Feeding, steps: int) -> float:
    began = time.perf_counter()
    fitted = model.fit(feed(steps), steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
    if not math.isfinite(fitted.history["loss"][0]):
        sys.exit("The loss is not finite.")
    return time.perf_counter() - began


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with .jpg photos at any depth")
    parser.add_argument("--backbone", default="b0")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--photos", default=20_000, type=int)
    parser.add_argument("--size", default=224, type=int)
    parser.add_argument("--batch", default=128, type=int)
    parser.add_argument("--from-memory", action="store_true", help="skip the kinds that decode, which are slow")
    parser.add_argument("--repeats", default=2, type=int, help="number of epochs of each kind")
    return parser.parse_args()


def main() -> None:
    arguments = options()
    found = sorted(arguments.folder.rglob("*.jpg"))
    if not found:
        sys.exit(f"{arguments.folder} contains no .jpg: pass a folder with photos.")
    paths = list(islice((path for _ in range(arguments.photos) for path in found), arguments.photos))
    setting = Setting(
        arguments.backbone, arguments.precision, True, "training", (arguments.batch,), arguments.size, 0, 0
    )
    model = network(setting)
    files = (paths, arguments.batch, arguments.size)
    feedings = {
        "the device's memory": from_memory(arguments.batch, arguments.size),
        "memory, photos decoded once": from_files(*files, "none", keep=True),
        "files": from_files(*files, "none", keep=False),
        "files, `crops`": from_files(*files, "crops", keep=False),
        "memory, decoded once, `strong`": from_files(*files, "strong", keep=True),
    }
    if arguments.from_memory:
        feedings = dict(islice(feedings.items(), 2))
    steps = math.ceil(arguments.photos / arguments.batch)
    for feed in feedings.values():
        seconds_of(model, feed, 2)
    taken: dict[str, list[float]] = {name: [] for name in feedings}
    for _ in range(arguments.repeats):
        for name, feed in feedings.items():
            taken[name].append(seconds_of(model, feed, steps))
            print(f"{name}: {taken[name][-1]:.2f} s", file=sys.stderr)
    known = facts()
    print(
        f"Seconds per epoch of {arguments.photos:,} photos at {arguments.size} pixels, "
        f"{arguments.backbone} in {arguments.precision}, "
        f"{arguments.batch} per step, from {len(found)} files; {known['device']}; Keras on {known['backend']}; "
        f"{known['versions']}.\n"
    )
    print("| photos come from | seconds per epoch | photos per second | share of the device's own speed |")
    print("|---|---:|---:|---:|")
    best = statistics.median(taken["the device's memory"])
    for name, each in taken.items():
        middle = statistics.median(each)
        print(f"| {name} | {middle:.1f} | {arguments.photos / middle:,.0f} | {best / middle:.2f} |")


if __name__ == "__main__":
    main()
