"""Speed of augmentation by threads with Pillow and NumPy, compared with Keras's layers.

Each kind of augmentation is applied by the package's own training batches, and by corresponding Keras layers in three
places: on photos in tf.data, on batches in tf.data, and on batches compiled for the device. The work differs a little.
Keras has no layers for gamma, dropout of pixels and JPEG, but changes every photo, and computes all operations of
RandAugment before it chooses.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from PIL import Image

from ensembler.images.augmentation import Augmentation
from ensembler.images.photo_source import InMemoryPhotos
from ensembler.images.training_photos import TrainingPhotos
from ensembler.images.views import CROP_SHARE

SIZE, BATCH = 224, 32
KINDS: tuple[Augmentation, ...] = ("crops", "pixels", "strong")


def layers_of_photos(kind: Augmentation) -> list[Any]:
    """Return the Keras layers that are most similar to the package's augmentation of each photo."""
    kept = round(CROP_SHARE * SIZE)
    return {
        "crops": lambda: [layers.RandomCrop(kept, kept), layers.Resizing(SIZE, SIZE), layers.RandomFlip("horizontal")],
        "pixels": lambda: [
            layers.RandomBrightness(0.3),
            layers.RandomContrast(0.3),
            layers.RandomSaturation(0.4),
            layers.RandomHue(0.05),
            layers.RandomGaussianBlur(0.2, 5, 1.0),
        ],
        "strong": lambda: [layers.RandomFlip("horizontal"), layers.RandAugment(), layers.RandomErasing(0.25)],
    }[kind]()


def layers_of_batches(kind: Augmentation) -> list[Any]:
    return [layers.MixUp(), layers.CutMix()] if kind == "strong" else []


def changed_by(some: list[Any]) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return a function that applies layers to pixels and targets."""

    def change(pixels: Any, targets: Any) -> tuple[Any, Any]:
        flow = {"images": tf.cast(pixels, tf.float32), "labels": targets}
        for layer in some:
            flow = layer(flow, training=True)
        return flow["images"], flow["labels"]

    return change


def keras_on_photos(kind: Augmentation, source: Any) -> Iterator[Any]:
    flow = source.map(changed_by(layers_of_photos(kind)), num_parallel_calls=os.cpu_count()).batch(BATCH)
    yield from flow.map(changed_by(layers_of_batches(kind)), num_parallel_calls=os.cpu_count()).prefetch(3).repeat()


def keras_on_batches(kind: Augmentation, source: Any) -> Iterator[Any]:
    change = changed_by(layers_of_photos(kind) + layers_of_batches(kind))
    yield from source.batch(BATCH).map(change, num_parallel_calls=os.cpu_count()).prefetch(3).repeat()


def keras_on_device(kind: Augmentation, source: Any, *, xla: bool = False) -> Iterator[Any]:
    change = tf.function(changed_by(layers_of_photos(kind) + layers_of_batches(kind)), jit_compile=xla)
    for pixels, targets in source.batch(BATCH).repeat():
        yield change(pixels, targets)[0].numpy()


def keras_on_device_by_xla(kind: Augmentation, source: Any) -> Iterator[Any]:
    return keras_on_device(kind, source, xla=True)


def photos_a_second(batches: Iterator[Any], seconds: float) -> float:
    """Return the rate after a first batch, which may include compilation."""
    next(batches)
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        next(batches)
        count += BATCH
    return count / (time.monotonic() - began)


def measured(ways: dict[str, Callable[[], Iterator[Any]]], seconds: float) -> dict[str, str]:
    rates = {}
    for name, way in ways.items():
        try:
            rates[name] = f"{photos_a_second(way(), seconds):,.0f}"
        except (ValueError, TypeError, tf.errors.OpError) as error:
            rates[name] = f"fails: {type(error).__name__}"
            print(f"{name}: {str(error).splitlines()[0]}", file=sys.stderr)
    return rates


def without_end(photos: TrainingPhotos, kind: Augmentation) -> Iterator[Any]:
    number = 0
    while True:
        yield from photos.iterate_epoch(number, batch_size=BATCH, seed=0, augmentation=kind)
        number += 1


def made_photos(folder: Path, count: int) -> list[Path]:
    """Generate photos with large and small shapes at the network's size, so that decoding is cheap."""
    paths = []
    for number in range(count):
        random = np.random.default_rng(number)
        coarse, fine = (random.integers(0, 128, (cells, cells, 3), dtype=np.uint8) for cells in (5, 56))
        large = [np.asarray(Image.fromarray(some).resize((SIZE, SIZE)), np.uint8) for some in (coarse, fine)]
        paths.append(folder / f"{number}.png")
        Image.fromarray(large[0] + large[1]).save(paths[-1])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds per measurement")
    parser.add_argument("--photos", type=int, default=256)
    asked = parser.parse_args()
    targets = np.eye(2, dtype=np.float32)[np.arange(asked.photos) % 2]
    with tempfile.TemporaryDirectory() as folder:
        paths = made_photos(Path(folder), asked.photos)
        photos = TrainingPhotos(InMemoryPhotos.from_files(paths, SIZE), targets)
        pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    source = tf.data.Dataset.from_tensor_slices((pixels, targets))
    print(f"Photos per second, {SIZE} pixels, {os.cpu_count()} cores, Keras {keras.__version__}, TF {tf.__version__}\n")
    print("| augmentation | threads | tf.data, photos | tf.data, batches | device | device, XLA |")
    print("|---|---|---|---|---|---|", flush=True)
    for kind in KINDS:
        ways: dict[str, Callable[[], Iterator[Any]]] = {
            "threads": lambda kind=kind: without_end(photos, kind),
            "photos": lambda kind=kind: keras_on_photos(kind, source),
            "batches": lambda kind=kind: keras_on_batches(kind, source),
            "device": lambda kind=kind: keras_on_device(kind, source),
            "XLA": lambda kind=kind: keras_on_device_by_xla(kind, source),
        }
        print(f"| {kind} | " + " | ".join(measured(ways, asked.seconds).values()) + " |", flush=True)


if __name__ == "__main__":
    main()
