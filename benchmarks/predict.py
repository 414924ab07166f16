"""Prediction with ``stack.keras`` against the bare forward passes of its members, in one process.

Each round takes the same photos through each member by itself, pixels decoded beforehand; through the stack, in the
same way; and through the stack from the files, decoding counted. Rounds follow each other, so that what else the
machine does falls on all three; the median of their ratios counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ensembler.competition.photo_files import PhotoFiles
from ensembler.images.batches import iterate_readable_batches
from ensembler.stacking.jobs.loaded_stack import LoadedStack, load_stack


def decoded(stack: LoadedStack, paths: list[Path], batch: int) -> list[list[Any]]:
    """Pixels of each batch, an array for each size of the stack's inputs."""
    batches = iterate_readable_batches(paths, stack.card.image_sizes, batch)
    return [[np.stack(of_size) for of_size in zip(*photos, strict=True)] for photos in batches]


def ways(stack: LoadedStack, paths: list[Path], batch: int) -> dict[str, Callable[[], Any]]:
    """Return what is timed, by its title; each has been compiled."""
    batches = decoded(stack, paths, batch)
    inputs = [pixels if len(pixels) > 1 else pixels[0] for pixels in batches]

    def member(layer: str, place: int) -> Callable[[], Any]:
        network = stack.network.get_layer(layer)
        network.compile(jit_compile=False)
        network.predict_on_batch(batches[0][place])
        return lambda: through(network, [pixels[place] for pixels in batches])

    found = {
        f"`{one.name}`": member(one.layer, stack.card.image_sizes.index(one.image_size)) for one in stack.card.members
    }
    stack.network.predict_on_batch(inputs[0])
    found["the stack, pixels decoded beforehand"] = lambda: through(stack.network, inputs)
    found["the stack, from the files"] = lambda: stack.predict_proba(paths, batch_size=batch)
    return found


def through(network: Any, batches: list[Any]) -> None:
    for pixels in batches:
        network.predict_on_batch(pixels)


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stack", type=Path, help="a stack.keras")
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument("--count", type=int, default=384, help="take so many photos")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def main() -> None:
    told = options()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    stack = load_stack(told.stack)
    # Whole batches only: one that is filled up would count for less than it costs.
    count = told.count // told.batch_size * told.batch_size
    paths = [told.photos / path for path in PhotoFiles.list_below(told.photos).paths[:count]]
    timed = ways(stack, paths, told.batch_size)
    rounds = [{title: seconds(work) for title, work in timed.items()} for _ in range(told.rounds)]
    members = [title for title in timed if title.startswith("`")]
    sums = [sum(one[title] for title in members) for one in rounds]
    print(f"{len(paths)} photos, {told.batch_size} a batch, medians of {told.rounds} rounds.\n")
    print("| | seconds | times the sum |\n|---|---:|---:|")
    for title in members:
        print(f"| {title} | {statistics.median(one[title] for one in rounds):.2f} | |")
    print(f"| sum of the members | {statistics.median(sums):.2f} | 1 |")
    for title in [title for title in timed if title not in members]:
        ratios = [one[title] / whole for one, whole in zip(rounds, sums, strict=True)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"| {title} | {statistics.median(one[title] for one in rounds):.2f} | {spread} |")


if __name__ == "__main__":
    main()
