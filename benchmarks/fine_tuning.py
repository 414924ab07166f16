"""Speed of an epoch of fine-tuning, compared with plain ``model.fit`` on the same photos in one array.

Both train the whole network except BatchNormalization, with AdamW and batches of 32, in one process. Each round runs
one epoch of each kind, so that other load affects all kinds. The result is the median of the ratios. The kinds of the
package are photos in memory, from a store of decoded photos, from files, and augmented. Its epochs end with a
checkpoint.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
from labelled_photos import competition_of

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.tables import compute_prior, load_tables
from ensembler.heads.jobs.keras_heads import build_random_head
from ensembler.images.augmentation import Augmentation
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos, PhotoSource
from ensembler.images.photo_store import PhotoStore
from ensembler.images.training_photos import TrainingPhotos
from ensembler.inference.jobs.networks import join_head
from ensembler.members.fine_tuning.checkpoints import Checkpoints
from ensembler.members.fine_tuning.fold_task import FoldTask
from ensembler.members.fine_tuning.jobs.devices import Devices
from ensembler.members.fine_tuning.jobs.trainer import Trainer
from ensembler.members.fine_tuning.jobs.unfreezing import unfreeze
from ensembler.options.phases import Phase
from ensembler.options.resolve import choose_settings
from ensembler.progress import SILENT

BATCH = 32


def network(arguments: argparse.Namespace, targets: np.ndarray) -> Any:
    backbone = build_backbone(
        find_backbone(arguments.backbone),
        arguments.size,
        arguments.weights / f"{arguments.backbone}.weights.h5",
        0,
        "average",
    )
    head = build_random_head(
        int(backbone.output_shape[-1]), compute_prior(targets), 0, multiclass=False, hidden=0, dropout=0.0
    )
    return join_head(backbone, head, "member")


def plain(arguments: argparse.Namespace, pixels: np.ndarray, targets: np.ndarray) -> Callable[[], None]:
    model = network(arguments, targets)
    unfreeze(model.layers[1], Phase("all", 1, 1e-4, "frozen"))
    model.compile(keras.optimizers.AdamW(1e-4, weight_decay=0.01), keras.losses.BinaryCrossentropy(), jit_compile=False)
    return lambda: model.fit(pixels, targets, batch_size=BATCH, epochs=1, verbose=0) and None


def ours(
    arguments: argparse.Namespace, source: PhotoSource, targets: np.ndarray, augmentation: Augmentation, place: Path
) -> Callable[[], None]:
    settings, _ = choose_settings(
        find_backbone(arguments.backbone),
        {"unfreeze": "all", "epochs": 1, "image_size": arguments.size, "batch_size": BATCH, "head": "random"},
    )
    lesson = FoldTask(
        name="member",
        settings=replace(settings, augmentation=augmentation),
        multiclass=False,
        photos=TrainingPhotos(source, targets),
        targets=targets,
        seed=0,
        build=lambda: network(arguments, targets),
        evaluate=lambda _: {},
    )
    devices = Devices(data_parallel=False, batch_size=BATCH, progress=SILENT)
    training = Trainer(lesson, devices, SILENT, Checkpoints(place / f"{augmentation}.npz"))
    training.begin_phase(0)
    updates = training.learner.steps
    return lambda: training.try_out(0, updates, SILENT.start("", 0)) and None


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a binary competition's zip, named after its slug")
    parser.add_argument("weights", type=Path, help="a folder of NAME.weights.h5")
    parser.add_argument("--work", type=Path, required=True, help="a folder")
    parser.add_argument("--backbone", default="mobilenetv2-0.35")
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--photos", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    tables = load_tables(competition_of(arguments.archive, None, arguments.work, SILENT))
    rows = np.random.default_rng(0).permutation(len(tables.train))[: arguments.photos]
    paths, targets = [tables.train_paths[row] for row in rows], tables.targets[rows]
    files, held = FilePhotos(paths, arguments.size), InMemoryPhotos.from_files(paths, arguments.size)
    pixels = held.gather(np.arange(len(paths)))
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        store = PhotoStore(place / "store", paths)
        store.fill([arguments.size], SILENT)
        kinds = {
            "`model.fit` on one array": plain(arguments, pixels, targets),
            "photos in memory": ours(arguments, held, targets, "none", place),
            "from a store": ours(arguments, store.open_photos(arguments.size), targets, "none", place),
            "from the files": ours(arguments, files, targets, "none", place),
            "in memory, `crops`": ours(arguments, held, targets, "crops", place),
            "in memory, `strong`": ours(arguments, held, targets, "strong", place),
        }
        for work in kinds.values():
            work()
        rounds = [{name: seconds(work) for name, work in kinds.items()} for _ in range(arguments.rounds)]
    usual = next(iter(kinds))
    print(f"| {arguments.backbone} at {arguments.size} pixels | photos per second | share of `model.fit`'s speed |")
    print("|---|---:|---:|")
    for name in kinds:
        shares = sorted(each[usual] / each[name] for each in rounds)
        speed = len(paths) / statistics.median(each[name] for each in rounds)
        spread = "" if name == usual else f" ({shares[0]:.2f} to {shares[-1]:.2f})"
        print(f"| {name} | {speed:.1f} | {statistics.median(shares):.2f}{spread} |")


if __name__ == "__main__":
    main()
