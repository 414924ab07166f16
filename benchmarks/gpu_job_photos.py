"""Photos of ``gpu_job.py``: seeded crops of the photos of a competition's zip, in the layout of a competition."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from timed_work import Clock

from ensembler.paths import Workspace
from ensembler.progress import SILENT
from ensembler.storage import write_bytes, write_text
from ensembler.workflows.competition import open_competition
from ensembler.workflows.fetch.fetch import fetch

# Smallest share of a photo's height and width that a crop keeps, and the quality of its JPEG.
SMALLEST_SIDE, QUALITY = 0.7, 90
# Photos to predict are read as they are; a few are enough.
PHOTOS_PER_TEST_PHOTO = 25
# The clock is read between two parts.
PHOTOS_PER_PART = 250
# Table that keeps all crops of a photo in one fold. `scene` is one of the names that the package takes for groups.
GROUPS, GROUP_COLUMN = "groups.csv", "scene"


@dataclass(frozen=True)
class Crop:
    """A photo to write. ``number`` is the seed of the crop, and None copies the photo whole."""

    source: Path
    name: str
    number: int | None


def make_photos(archive: Path, work: Path, count: int, clock: Clock) -> Path:
    """Write the photos that are missing, and return their folder.

    The folder has a subfolder for each class with ``count`` photos in all, ``test`` with the photos to predict, and a
    table that says which photos are of the same scene.

    Raises
    ------
    OutOfTime
        If the clock runs out. Another call continues.
    """
    root = work / "photos"
    if (root / GROUPS).is_file():
        return root
    workspace = Workspace(work / "fetched", work / "submissions")
    fetch(archive.stem, archive=archive, workspace=workspace, progress=SILENT)
    _, tables = open_competition(archive.stem, workspace)
    labelled = list(zip(tables.train["label"].astype(str), tables.train_paths, strict=True))
    crops = plan_crops(labelled, count)
    for number, photo in enumerate(tables.test_paths[: count // PHOTOS_PER_TEST_PHOTO + 1]):
        crops.append(Crop(photo, f"test/{number:05}{photo.suffix}", None))
    parts = [crops[start : start + PHOTOS_PER_PART] for start in range(0, len(crops), PHOTOS_PER_PART)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        try:
            for _ in pool.map(partial(write_part, root), parts):
                clock.require(0)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    write_text(root / GROUPS, format_groups(crops))
    return root


def plan_crops(labelled: Sequence[tuple[str, Path]], count: int) -> list[Crop]:
    """Return ``count`` photos of the labelled ones, each used equally often: first whole, then as crops."""
    order = np.random.default_rng(0).permutation(len(labelled))
    crops = []
    for number in range(count):
        label, path = labelled[order[number % len(order)]]
        whole = number < len(order)
        suffix = path.suffix if whole else ".jpg"
        crops.append(Crop(path, f"{label}/{number:06}{suffix}", None if whole else number))
    return crops


def write_part(root: Path, crops: Sequence[Crop]) -> None:
    """Write photos that are missing."""
    for crop in crops:
        place = root / crop.name
        if not place.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(place, make_jpeg(crop))


def make_jpeg(crop: Crop) -> bytes:
    """Return the bytes of a photo's file."""
    if crop.number is None:
        return crop.source.read_bytes()
    random = np.random.default_rng([0, crop.number])
    with Image.open(crop.source) as opened:
        photo = opened.convert("RGB")
    file = io.BytesIO()
    photo.crop(draw_box(photo.size, random)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def draw_box(size: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw the left, upper, right and lower edge of a crop with the proportions of the photo."""
    scale = random.uniform(SMALLEST_SIDE, 1)
    width, height = (max(1, round(scale * side)) for side in size)
    left, upper = (int(random.integers(side - kept + 1)) for side, kept in zip(size, (width, height), strict=True))
    return left, upper, left + width, upper + height


def format_groups(crops: Sequence[Crop]) -> str:
    """Return the table of scenes of all labelled photos."""
    numbers: dict[Path, int] = {}
    file = io.StringIO()
    rows: Iterator[tuple[str, int]] = (
        (crop.name, numbers.setdefault(crop.source, len(numbers)))
        for crop in crops
        if not crop.name.startswith("test/")
    )
    csv.writer(file, lineterminator="\n").writerows([("photo", GROUP_COLUMN), *rows])
    return file.getvalue()
