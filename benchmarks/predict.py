"""Speed of prediction with ``stack.keras``, compared with bare forward passes of its members.

Each round passes the same photos through each member and through the stack, both with pixels decoded beforehand, and
through the stack from files, including decoding. The kinds alternate in one process, so that other load affects all of
them. The result is the median of the ratios.
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
from ensembler.images.batches import Misfits, iterate_readable_batches
from ensembler.stacking.jobs.loaded_stack import LoadedStack, load_stack


def decoded(stack: LoadedStack, paths: list[Path], batch: int) -> list[list[Any]]:
    """Return the pixels of each batch, one array per size of the stack's inputs."""
    batches = iterate_readable_batches(paths, stack.card.image_sizes, batch, stack.card.pixel_rule, Misfits())
    return [[np.stack(of_size) for of_size in zip(*photos, strict=True)] for photos in batches]


def ways(stack: LoadedStack, paths: list[Path], batch: int) -> dict[str, Callable[[], Any]]:
    """Return the timed functions by their titles, after compilation."""
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
    parser.add_argument("stack", type=Path, help="path of stack.keras")
    parser.add_argument("photos", type=Path, help="folder of photos")
    parser.add_argument("--count", type=int, default=384, help="number of photos")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def main() -> None:
    arguments = options()
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    stack = load_stack(arguments.stack)
    # A padded batch would cost more than its photos count.
    count = arguments.count // arguments.batch_size * arguments.batch_size
    paths = [arguments.photos / path for path in PhotoFiles.list_below(arguments.photos).paths[:count]]
    timed = ways(stack, paths, arguments.batch_size)
    rounds = [{title: seconds(work) for title, work in timed.items()} for _ in range(arguments.rounds)]
    members = [title for title in timed if title.startswith("`")]
    sums = [sum(one[title] for title in members) for one in rounds]
    print(f"{len(paths)} photos, {arguments.batch_size} per batch, medians of {arguments.rounds} rounds.\n")
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
