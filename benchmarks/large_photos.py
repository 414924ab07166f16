"""Decoding of photos that are much larger than a network's input: at full scale, at a smaller JPEG scale, from a store.

The first part measures speeds on photos of a zip that are enlarged to 2000 x 1500 pixels: decoding in threads, filling
a store, and epochs from the store. The second part measures the effect of the smaller scale on pixels, and on the
out-of-fold log loss of linear heads on frozen features, paired by photo. Enlarged photos have no fine detail, so the
original photos are compared too, at small sizes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
from labelled_photos import competition_of
from PIL import Image
from sklearn.model_selection import StratifiedKFold

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.tables import load_tables
from ensembler.heads.linear import LinearHead
from ensembler.images import decoding
from ensembler.images.batches import iterate_pixel_batches
from ensembler.images.photo_source import FilePhotos, PhotoSource
from ensembler.images.photo_store import PhotoStore
from ensembler.images.training_photos import TrainingPhotos
from ensembler.progress import SILENT
from ensembler.storage import remove_folder

LARGE, SIZE, BATCH = (2000, 1500), 224, 32
SMALL_SIZES = (48, 64, 96)


@contextmanager
def decoded_whole() -> Iterator[None]:
    usual, decoding.MIN_DECODE_SCALE = decoding.MIN_DECODE_SCALE, 10**6
    yield
    decoding.MIN_DECODE_SCALE = usual


def enlarged(paths: list[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / f"{number}.jpg" for number in range(len(paths))]
    for source, path in zip(paths, made, strict=True):
        if not path.exists():
            photo = Image.open(source).convert("RGB").resize(LARGE, Image.Resampling.LANCZOS)
            photo.save(path, quality=90)
    return made


def epoch(photos: PhotoSource) -> None:
    training = TrainingPhotos(photos, np.zeros((len(photos), 1), np.float32))
    for _ in training.iterate_epoch(0, batch_size=BATCH, seed=0, augmentation="none"):
        pass


def photos_a_second(work: Any, photos: int) -> float:
    began = time.perf_counter()
    work()
    return photos / (time.perf_counter() - began)


def speeds(paths: list[Path], place: Path) -> None:
    files = FilePhotos(paths, SIZE)
    with decoded_whole():
        whole = photos_a_second(lambda: epoch(files), len(paths))
    smaller = photos_a_second(lambda: epoch(files), len(paths))
    remove_folder(place)
    store = PhotoStore(place, paths)
    made = photos_a_second(lambda: store.fill([SIZE], SILENT), len(paths))
    stored = store.open_photos(SIZE)
    again = max(photos_a_second(lambda: epoch(stored), len(paths)) for _ in range(5))
    print(f"| {len(paths)} photos of {LARGE[0]} x {LARGE[1]} at {SIZE} pixels | photos per second |\n|---|---:|")
    print(f"| an epoch from the files, decoded at full scale | {whole:.0f} |")
    print(f"| an epoch from the files, decoded at a smaller scale | {smaller:.0f} |")
    print(f"| filling the store | {made:.0f} |")
    print(f"| an epoch from the store | {again:,.0f} |\n")


def features(network: Any, paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return features and pixels."""
    pixels = list(iterate_pixel_batches(FilePhotos(paths, network.input_shape[1]), BATCH))
    return np.concatenate([network.predict_on_batch(batch) for batch in pixels]), np.concatenate(pixels)


def losses(X: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the out-of-fold log loss of each photo."""
    folds = np.empty(len(X), int)
    for number, (_, rows) in enumerate(StratifiedKFold(5, shuffle=True, random_state=0).split(X, targets[:, 0])):
        folds[rows] = number
    predicted = np.empty(len(X))
    for number in range(5):
        learned = folds != number
        head = LinearHead(multiclass=False).fit(X[learned], targets[learned], folds[learned])
        predicted[~learned] = np.asarray(head.predict_proba(X[~learned]), float).reshape(-1)
    predicted = np.clip(predicted, 1e-15, 1 - 1e-15)
    return -np.log(np.where(targets[:, 0] > 0, predicted, 1 - predicted))


def compare(name: str, paths: list[Path], targets: np.ndarray, size: int, backbone: str, weights: Path) -> None:
    source = weights / f"{backbone}.weights.h5"
    network = build_backbone(find_backbone(backbone), size, source, 0)
    with decoded_whole():
        X, whole = features(network, paths)
    Z, smaller = features(network, paths)
    changed = np.sqrt(np.mean((whole.astype(float) - smaller) ** 2, axis=(1, 2, 3)))
    one, other = losses(X, targets), losses(Z, targets)
    error = np.std(one, ddof=1) / np.sqrt(len(one))
    moved, moved_error = np.mean(other - one), np.std(other - one, ddof=1) / np.sqrt(len(one))
    print(
        f"| {name} | {size} | {np.mean(changed > 0):.0%} | {changed[changed > 0].mean():.1f} | {one.mean():.4f} ± "
        f"{error:.4f} | {other.mean():.4f} | {moved:+.4f} ± {moved_error:.4f} |",
        flush=True,
    )
    keras.backend.clear_session()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="zip of a binary competition, named after its slug")
    parser.add_argument("weights", type=Path, help="folder of NAME.weights.h5")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos and the store")
    parser.add_argument("--photos", type=int, default=400, help="number of enlarged photos")
    parser.add_argument("--backbone", default="mobilenetv2")
    arguments = parser.parse_args()
    tables = load_tables(competition_of(arguments.archive, None, arguments.work, SILENT))
    chosen = np.random.default_rng(0).permutation(len(tables.train))[: arguments.photos]
    large = enlarged([tables.train_paths[row] for row in chosen], arguments.work / "large")
    speeds(large, arguments.work / "store")
    print("| photos | pixels | changed | change, of 255 | log loss at full scale | at a smaller scale | difference |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    compare("enlarged", large, tables.targets[chosen], SIZE, arguments.backbone, arguments.weights)
    for size in SMALL_SIZES:
        compare("original", tables.train_paths, tables.targets, size, arguments.backbone, arguments.weights)


if __name__ == "__main__":
    main()
