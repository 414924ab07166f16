"""Peak memory of each command on a hundred thousand small generated photos.

The commands are ``adopt``, ``train-members`` with a frozen backbone, ``train-members`` with full fine-tuning, with a
store of decoded photos (if it saves time) and without one, and ``stack``. The peak is that of the largest process of
each command.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 72
CLASSES = "ab"


def make(row: int, folder: Path) -> None:
    label = CLASSES[row % len(CLASSES)]
    path = folder / label / f"{row:06}.jpg"
    if path.exists():
        return
    random = np.random.default_rng(row)
    coarse = random.integers(0, 200, (6, 6, 3)) + 20 * (label == "b")
    photo = Image.fromarray(coarse.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    photo.save(path, quality=85)


def run(work: Path, *words: str) -> tuple[float, float]:
    """Return the seconds of a command, and the gigabytes of its largest process."""
    start = [sys.executable, "-m", "ensembler", "--quiet", "--data", str(work / "data")]
    began = time.perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [*start, "--submissions", str(work / "submissions"), *words],
        os.environ,
        # The output is not needed.
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0o600)],
    )
    # Usage includes the processes that the command waited for.
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed.")
    return time.perf_counter() - began, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="working folder")
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=96, help="height and width of the networks' input")
    arguments = parser.parse_args()
    photos = arguments.work / "photos"
    for label in CLASSES:
        (photos / label).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda row: make(row, photos), range(arguments.photos)))
    size, none = ["--image-size", str(arguments.size)], ["--weights", "none"]
    whole = ["--unfreeze", "all", "--epochs", "1", "--folds", "2"]
    commands = {
        "`adopt`": ["adopt", str(photos), "--name", "many"],
        "`train-members`, frozen, 1,280 features": [
            *("train-members", "--members", "mobilenetv2-0.35", *none, "--unfreeze", "none"),
            *("--image-size", "32", "--folds", "2"),
        ],
        "`train-members`, fine-tuned, from files": [
            *("train-members", "--members", "demo-dense@files", *none, *size, *whole, "--cache-limit", "0"),
        ],
        "`train-members`, fine-tuned, from a store": [
            *("train-members", "--members", "demo-dense@store", *none, *size, *whole),
        ],
        "`stack`": ["stack"],
    }
    print(f"| {arguments.photos:,} photos | seconds | peak GB |\n|---|---:|---:|")
    for name, words in commands.items():
        seconds, peak = run(arguments.work, *words)
        print(f"| {name} | {seconds:.0f} | {peak:.2f} |", flush=True)


if __name__ == "__main__":
    main()
