"""Small real photos, tables and archives that the tests make on the fly."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from ensembler.events import Event, Noted, TaskAdvanced, TaskBegan, TaskEnded, Warned
from ensembler.progress import Progress

T = TypeVar("T", bound=Event)


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


def write_png_16(path: Path, values: np.ndarray) -> Path:
    """Write channels of 16 bits, which Pillow writes for grey photos only."""
    height, width, channels = values.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    kind = {2: 4, 3: 2, 4: 6}[channels]
    parts = {b"IHDR": struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0), b"IDAT": zlib.compress(lines)}
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in {**parts, b"IEND": b""}.items()
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


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
    """Remembers what work reported."""

    def __init__(self) -> None:
        self.all_events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.all_events.append(event)

    def of_kind(self, *kinds: type[T]) -> list[T]:
        return [event for event in self.all_events if isinstance(event, kinds)]

    @property
    def events(self) -> list[Event]:
        """All but tasks, notes and warnings."""
        others = (TaskBegan, TaskAdvanced, TaskEnded, Noted, Warned)
        return [event for event in self.all_events if not isinstance(event, others)]

    @property
    def labels(self) -> list[str]:
        return [event.label for event in self.of_kind(TaskBegan)]

    @property
    def totals(self) -> list[int]:
        return [event.total for event in self.of_kind(TaskBegan)]

    @property
    def steps(self) -> int:
        """Steps of all tasks together, those of an earlier run included."""
        return sum(e.steps for e in self.of_kind(TaskAdvanced)) + sum(e.done for e in self.of_kind(TaskBegan))

    @property
    def finished(self) -> int:
        return len(self.of_kind(TaskEnded))

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.of_kind(Noted)]

    @property
    def warnings(self) -> list[str]:
        return [event.text for event in self.of_kind(Warned)]

    @property
    def told(self) -> list[str]:
        """Notes and warnings as a person reads them, in order."""
        texts = self.of_kind(Noted, Warned)
        return [f"Warning: {event.text}" if isinstance(event, Warned) else event.text for event in texts]
