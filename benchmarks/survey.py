"""Time of a survey, compared with bare forward passes of the same networks, and its ranking.

The passes are a loop of compiled networks over decoded photos in memory. Then the survey runs from the command line,
with and without successive halving, each time with empty caches.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from labelled_photos import competition_of

from ensembler.competition.tables import load_tables
from ensembler.console import ConsoleProgress
from ensembler.paths import CompetitionFolder


def bare_passes(folder: CompetitionFolder, names: list[str], weights: Path) -> dict[str, float]:
    """Return the seconds of each network for all labelled photos, without the first batch, which compiles."""
    from ensembler.backbones.jobs.build import build_backbone
    from ensembler.backbones.registry import find_backbone
    from ensembler.backbones.weights import find_weights
    from ensembler.images.batches import iterate_pixel_batches
    from ensembler.images.photo_source import FilePhotos

    paths = load_tables(folder).train_paths
    taken = {}
    for name in names:
        backbone = find_backbone(name)
        size = backbone.image_size
        network = build_backbone(backbone, size, find_weights(weights, backbone, size), 0)
        network.compile(jit_compile=False)
        # Only whole batches are measured, and scaled to all photos.
        batches = [batch for batch in iterate_pixel_batches(FilePhotos(paths, size), 32) if len(batch) == 32]
        network.predict_on_batch(batches[0])
        began = time.perf_counter()
        for batch in batches:
            network.predict_on_batch(batch)
        taken[name] = (time.perf_counter() - began) * len(paths) / (32 * len(batches))
    return taken


def survey(folder: CompetitionFolder, names: list[str], weights: Path, *words: str) -> tuple[float, dict[str, Any]]:
    """Run ``ensembler survey`` with empty caches, and return its wall time and its output."""
    shutil.rmtree(folder.root / "cache", ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "ensembler",
        "--data",
        str(folder.root.parent),
        "survey",
        "-c",
        folder.name,
        "--json",
    ]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--members", ",".join(names), "--weights", str(weights), *words],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return time.perf_counter() - began, json.loads(done.stdout)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path, help="zip of the competition, named after its slug")
    parser.add_argument("weights", type=Path, help="folder of NAME.weights.h5")
    parser.add_argument("--work", type=Path, required=True, help="folder for photos and results, which is kept")
    parser.add_argument("--photos", type=int, help="number of labelled photos. Default: all")
    return parser.parse_args()


def main() -> None:
    arguments = options()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with ConsoleProgress() as progress:
        folder = competition_of(arguments.archive, arguments.photos, arguments.work.absolute(), progress)
    weights = arguments.weights.absolute()
    names = sorted(path.name.removesuffix(".weights.h5") for path in weights.glob("*.weights.h5"))
    passes = bare_passes(folder, names, weights)
    halved_seconds, halved = survey(folder, names, weights)
    full_seconds, full = survey(folder, names, weights, "--full")
    floor = sum(passes.values())
    print(f"{len(load_tables(folder).train)} photos. Bare passes of {', '.join(names)}.\n")
    print("| | seconds | times the bare passes | ranking by log loss |\n|---|---:|---:|---|")
    print(f"| bare passes | {floor:.1f} | 1 | |")
    for title, seconds, found in (("survey", halved_seconds, halved), ("survey --full", full_seconds, full)):
        ranked = sorted(found["candidates"], key=lambda one: (-one["photos"], one["log_loss"]))
        ranking = ", ".join(f"{one['name']} {one['log_loss']:.4f}" for one in ranked)
        print(f"| `{title}` | {seconds:.1f} | {seconds / floor:.2f} | {ranking} |")


if __name__ == "__main__":
    main()
