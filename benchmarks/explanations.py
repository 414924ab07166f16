"""How much of a map lies on a planted patch that alone decides the class, for each method and member.

The photos of a zip get two patches each at random places: one of two patterns, which is the class, and another of the
same size and contrast, which is the same in both classes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from labelled_photos import competition_of
from PIL import Image

from ensembler.competition.tables import load_tables
from ensembler.console import ConsoleProgress
from ensembler.explanations.heat import MAP_SIZE
from ensembler.explanations.jobs.class_maps import METHODS
from ensembler.explanations.jobs.explained_network import DEFAULT_METHOD, PIXEL_METHOD, ExplainedNetwork
from ensembler.images.decoding import decode_at_sizes, open_photo, resize_photo
from ensembler.paths import Workspace
from ensembler.stacking.jobs.loaded_stack import load_stack
from ensembler.tables import Table
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

PHOTO_SIZE = 224
# Pixels of the photo around the patch that count as "near" it: half a position of feature maps of 7 x 7.
NEAR = 16
BATCH = 12


def draw_pattern(kind: str, size: int) -> np.ndarray:
    """Return a patch of a pattern, shape (size, size, 3)."""
    y, x = np.mgrid[:size, :size]
    colours = {
        "checks": ((x // 8 + y // 8) % 2, (230, 40, 40), (250, 230, 40)),
        "stripes": ((x + y) // 8 % 2, (40, 60, 220), (60, 230, 200)),
        "rows": (y // 8 % 2, (60, 200, 60), (240, 160, 240)),
    }
    mask, one, other = colours[kind]
    return np.where(mask[..., None], one, other).astype(np.uint8)


def plant(photos: Sequence[Path], root: Path, size: int, seed: int = 0) -> dict[str, Any]:
    """Write the photos with patches into a folder per class. Return the corners of both patches by path."""
    random, corners = np.random.default_rng(seed), {}
    for number, path in enumerate(photos):
        pixels = np.array(resize_photo(open_photo(path, PHOTO_SIZE), PHOTO_SIZE))
        while True:
            one, other = random.integers(0, PHOTO_SIZE - size + 1, (2, 2))
            if np.abs(one - other).max() >= size:
                break
        name = ("checks", "stripes")[number % 2]
        for (row, column), kind in ((one, name), (other, "rows")):
            pixels[row : row + size, column : column + size] = draw_pattern(kind, size)
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{number}.png")
        corners[f"{name}/{number}.png"] = one, other
    return corners


def measure(heat: np.ndarray, corners: Sequence[np.ndarray], size: int, margin: int) -> float:
    """Return the mean share of maps that lies within ``margin`` pixels of patches."""
    at = (np.arange(MAP_SIZE) + 0.5) / MAP_SIZE * PHOTO_SIZE
    masses = []
    for each, corner in zip(heat, corners, strict=True):
        rows, columns = ((at >= first - margin) & (at < first + size + margin) for first in corner)
        masses.append(each[np.ix_(rows, columns)].sum())
    return float(np.mean(masses))


def explain(network: ExplainedNetwork, pixels: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the maps of the stack and of its members."""
    parts = [
        network.explain([size[start : start + BATCH] for size in pixels]) for start in range(0, len(pixels[0]), BATCH)
    ]
    return np.concatenate([part.heat for part in parts]), np.concatenate([part.member_heat for part in parts])


def main() -> None:
    """Plant patches, train members, stack them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--members", default="mobilenet,mobilenetv2-0.35")
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    progress = ConsoleProgress()
    tables = load_tables(competition_of(options.archive, options.photos, options.work, progress))
    root, workspace = options.work / "planted", Workspace(options.work / "data", options.work / "submissions")
    corners = plant(tables.train_paths, root, options.patch)
    model = workspace.competition("planted").stack("all") / "stack.keras"
    # A second call measures what the first one trained.
    if not (model.parent / "stack.json").is_file():
        adopt(root, "planted", workspace=workspace, progress=progress)
        train_members(
            options.members.split(","),
            weights=str(options.weights),
            unfreeze="none",
            image_size=PHOTO_SIZE,
            folds=3,
            workspace=workspace,
            progress=progress,
        )
        stack(name="all", workspace=workspace, progress=progress)
    found = load_tables(workspace.competition("planted"))
    names = found.test["path"].tolist()
    opened = load_stack(model)
    decoded = [decode_at_sizes(path, opened.card.image_sizes) for path in found.test_paths]
    pixels = [np.stack(size) for size in zip(*decoded, strict=True)]
    layers = [member.layer for member in opened.card.members]
    rows = []
    for method in (*METHODS, DEFAULT_METHOD):
        if method == PIXEL_METHOD:
            continue
        began = time.monotonic()
        heat, of_members = explain(ExplainedNetwork(opened.network, layers, opened.card.task, method), pixels)
        seconds = (time.monotonic() - began) / len(names)
        for name, maps in (("stack", heat), *zip(layers, of_members.swapaxes(0, 1), strict=True)):
            figures = [
                measure(maps, [corners[photo][which] for photo in names], options.patch, margin)
                for which, margin in ((0, 0), (0, NEAR), (1, 0))
            ]
            rows.append([method, name, *(f"{figure:.3f}" for figure in figures), f"{1000 * seconds:.0f}"])
    area = (options.patch / PHOTO_SIZE) ** 2
    notes = [f"{len(names)} photos that nothing learned from; a patch covers {area:.1%} of the photo"]
    columns = ["method", "maps of", "on the patch", f"within {NEAR} pixels", "on the other patch", "ms a photo"]
    Table(columns, rows, text_columns=["maps of"], notes=notes).write()


if __name__ == "__main__":
    main()
