"""Small real photos, tables and archives that the tests make on the fly."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from ensembler.events import Event
from ensembler.progress import Progress, Task


def pixels(seed: int, size: tuple[int, int] = (20, 16)) -> np.ndarray:
    """Random pixels, smooth enough for JPEG; ``size`` is width and height."""
    width, height = size
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def photo_bytes(seed: int, suffix: str = ".jpg", size: tuple[int, int] = (20, 16)) -> bytes:
    """A photo's file, in the format of ``suffix``; the same seed gives the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels(seed, size)).save(buffer, Image.registered_extensions()[suffix])
    return buffer.getvalue()


def write_photo(path: Path, seed: int = 0, size: tuple[int, int] = (20, 16)) -> Path:
    """Write a photo in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo_bytes(seed, path.suffix, size))
    return path


def write_photos(root: Path, *names: str) -> Path:
    """Write photos of different content, one for each path below ``root``."""
    for seed, name in enumerate(names):
        write_photo(root / name, seed)
    return root


def truncate(path: Path) -> Path:
    """Cut off the second half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def zip_bytes(members: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of ``members``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return buffer.getvalue()


def write_csv(path: Path, text: str) -> Path:
    """Write a CSV given with ``;`` between its lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.strip() for line in text.split(";")) + "\n", "utf-8")
    return path


class Heard(Progress):
    """Remembers what work reported; ``steps`` are those of all tasks together."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.totals: list[int] = []
        self.steps = 0
        self.finished = 0
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.events: list[Event] = []

    def start(self, label: str, total: int) -> Task:
        self.labels.append(label)
        self.totals.append(total)
        return _HeardTask(self)

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class _HeardTask(Task):
    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    def advance(self, steps: int = 1) -> None:
        self.heard.steps += steps

    def finish(self) -> None:
        self.heard.finished += 1
