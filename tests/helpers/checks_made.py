"""A small competition without doubts, and faults that tests plant in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ensembler.paths import Workspace
from ensembler.workflows.check import check
from ensembler.workflows.fetch.adopt import adopt

from .copies_made import scene

CLASSES = ("cats", "dogs")


def write_clean_photos(root: Path, each: int = 24, tests: int = 12, quality: int = 90) -> Path:
    """Write photos of two classes, ``each`` of each, and photos to predict, without any difference between them."""
    names = np.random.default_rng(0).permutation(1000)
    for place in range(2 * each + tests):
        name = f"{names[place]:04}.jpg"
        folder = f"train/{CLASSES[place % 2]}" if place < 2 * each else "test"
        save_photo(scene(place), root / folder / name, quality)
    return root


def save_photo(photo: Image.Image, path: Path, quality: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    photo.save(path, quality=quality)
    return path


def list_class(root: Path, name: str = "cats") -> list[Path]:
    """Return the photos of a class in their order."""
    return sorted((root / "train" / name).iterdir())


def list_tests(root: Path) -> list[Path]:
    return sorted((root / "test").iterdir())


def check_photos(root: Path, workspace: Workspace):
    """Adopt a folder and check it."""
    adopt(root, name="made", workspace=workspace)
    return check("made", workspace=workspace)
