"""Speed of decoding and augmenting photos: one core, as many independent loops as cores, and ways to load them.

The loops share nothing and pass nothing on, so together they are the most that the machine can do, whatever else it is
doing. All ways take turns, in several rounds. Threads and processes are those of the package, and yield the batches of
an epoch; ``grain`` is measured if it is installed. CPU seconds are those of this process and of all that it started.

    python benchmarks/loading.py FOLDER_OF_JPEGS
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ensembler.images.augmentation import Augmentation
from ensembler.images.augmentation.photos import augment_photo
from ensembler.images.decoding import decode_photo
from ensembler.images.loading import pools
from ensembler.images.photo_source import FilePhotos
from ensembler.images.training_photos import TrainingPhotos, mix_rows

SIZE, BATCH = 224, 32
KINDS: tuple[Augmentation, ...] = ("none", "crops", "strong")
TICKS = os.sysconf("SC_CLK_TCK")
# Batches that each process of grain decodes ahead.
GRAIN_BUFFER = 2
HAS_GRAIN = importlib.util.find_spec("grain") is not None


@dataclass(frozen=True)
class Measured:
    """Photos a second, and CPU seconds per photo of this process and of all together."""

    rate: float
    own: float
    everything: float


def make_photo(path: Path, kind: Augmentation, row: int) -> np.ndarray:
    return augment_photo(decode_photo(path, SIZE), kind, np.random.default_rng([0, 0, 1, row]))


def make_targets(count: int) -> np.ndarray:
    return np.eye(2, dtype=np.float32)[np.arange(count) % 2]


def loop(paths: list[Path], kind: Augmentation) -> None:
    """Make all batches of an epoch, one photo after the other."""
    targets = make_targets(len(paths))
    for start in range(0, len(paths), BATCH):
        pixels = np.stack([make_photo(path, kind, row) for row, path in enumerate(paths[start : start + BATCH])])
        if kind == "strong":
            mix_rows(pixels, targets[start : start + BATCH], (0, 0, 2, start))


def serve_loops(folder: Path, count: int) -> None:
    """Run a loop for each line of standard input, which names the augmentation."""
    paths = list_photos(folder, count)
    loop(paths[:BATCH], "strong")
    print("ready", flush=True)
    for line in sys.stdin:
        loop(paths, cast("Augmentation", line.strip()))
        print("done", flush=True)


class Loops:
    """Independent processes that all make all photos."""

    def __init__(self, folder: Path, photos: int, count: int) -> None:
        words = [sys.executable, __file__, str(folder), "--photos", str(photos), "--loop"]
        self._processes = [
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        self._wait()

    def run(self, kind: Augmentation) -> None:
        """Make all photos in each process."""
        for process in self._processes:
            cast("Any", process.stdin).write(kind + "\n")
            cast("Any", process.stdin).flush()
        self._wait()

    def _wait(self) -> None:
        for process in self._processes:
            cast("Any", process.stdout).readline()

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.communicate()


def run_epoch(paths: list[Path], kind: Augmentation, *, least: int) -> None:
    """Make an epoch by the package. ``least`` is the least number of photos that processes decode."""
    pools.MIN_PHOTOS = least
    photos = TrainingPhotos(FilePhotos(paths, SIZE), make_targets(len(paths)))
    for _ in photos.iterate_epoch(0, batch_size=BATCH, seed=0, augmentation=kind):
        pass


class MadeByGrain:
    """Photos by their row, for grain."""

    def __init__(self, paths: list[Path], kind: Augmentation) -> None:
        self.paths, self.kind = paths, kind

    def __call__(self, row: int) -> np.ndarray:
        """Return a photo."""
        return make_photo(self.paths[row], self.kind, row)


def iterate_grain(paths: list[Path], kind: Augmentation, workers: int) -> Iterator[np.ndarray]:
    """Yield batches without end, because grain starts its processes anew for each iterator. Nothing is mixed."""
    import grain

    photos = grain.MapDataset.range(len(paths)).repeat().map(MadeByGrain(paths, kind)).batch(BATCH).to_iter_dataset()
    return iter(
        photos.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=GRAIN_BUFFER))
    )


def list_photos(folder: Path, count: int) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    return [found[place % len(found)] for place in range(count)]


def read_cpu_seconds() -> float:
    """Return the CPU seconds of this process and of all living processes that it started."""
    parents, seconds = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(place.name)] = int(fields[1])
        seconds[int(place.name)] = (int(fields[11]) + int(fields[12])) / TICKS
    total = 0.0
    for process, own in seconds.items():
        above = process
        while above in parents and above != os.getpid():
            above = parents[above]
        total += own if above == os.getpid() else 0.0
    return total


def measure(work: Callable[[], Any], photos: int) -> Measured:
    everything = read_cpu_seconds()
    own, began = time.process_time(), time.perf_counter()
    work()
    wall, own = time.perf_counter() - began, time.process_time() - own
    return Measured(photos / wall, own / photos, (read_cpu_seconds() - everything) / photos)


def take(batches: Iterator[Any], count: int) -> None:
    for _ in range(count):
        next(batches)


def measure_kind(paths: list[Path], kind: Augmentation, loops: Loops, cores: int, rounds: int) -> None:
    """Print a line per way."""
    count = len(paths)
    ways: dict[str, tuple[Callable[[], Any], int]] = {
        "one core": (lambda: loop(paths, kind), count),
        f"{cores} independent loops": (lambda: loops.run(kind), cores * count),
        "threads": (lambda: run_epoch(paths, kind, least=10**9), count),
        "processes": (lambda: run_epoch(paths, kind, least=0), count),
    }
    batches = iterate_grain(paths, kind, cores) if HAS_GRAIN else iter(())
    if HAS_GRAIN:
        # The first batches include the start of the processes.
        take(batches, 8)
        ways["grain"] = (lambda: take(batches, count // BATCH), count // BATCH * BATCH)
    run_epoch(paths[: 2 * BATCH], kind, least=0)
    found: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (work, photos) in ways.items():
            if name == "grain":
                # What it decoded ahead during the turns of the others would count as decoded in its own.
                take(batches, 2 * cores * GRAIN_BUFFER)
            found[name].append(measure(work, photos))
    alone, together = (found[name] for name in list(ways)[:2])
    for name, rows in found.items():
        rate = statistics.median(row.rate for row in rows)
        to_one = statistics.median(row.rate / one.rate for row, one in zip(rows, alone, strict=True))
        to_loops = statistics.median(row.rate / most.rate for row, most in zip(rows, together, strict=True))
        own = 1e6 * statistics.median(row.own for row in rows)
        everything = 1e3 * statistics.median(row.everything for row in rows)
        print(
            f"| {kind} | {name} | {rate:,.0f} | {to_one:.2f} | {to_loops:.2f} | {everything:.2f} | {own:,.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with JPEGs")
    parser.add_argument("--photos", type=int, default=640, help="photos per epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.loop:
        serve_loops(asked.folder, asked.photos)
        return
    paths, cores = list_photos(asked.folder, asked.photos), pools.count_processors()
    loops = Loops(asked.folder, asked.photos, cores)
    print(f"{len(paths)} photos at {SIZE} pixels in batches of {BATCH}, {cores} cores, {asked.rounds} rounds\n")
    print("| augmentation | way | photos/s | over one core | over the loops | CPU ms/photo | µs/photo here |")
    print("|---|---|---:|---:|---:|---:|---:|", flush=True)
    for kind in asked.kinds:
        measure_kind(paths, kind, loops, cores, asked.rounds)
    loops.close()


if __name__ == "__main__":
    main()
