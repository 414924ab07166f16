"""Conversion of CSVs with a row of pixels per photo into PNG files, which all later stages read."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ...errors import BadData
from ...progress import Progress
from ..csv_tables import read_header, read_table, write_table
from ..photo_files import has_photos
from ..sample_submission import looks_like_sample
from ..table_files.listing import list_table_files
from ..table_files.reading import read_table_file

_PIXEL = re.compile(r"pixel[ _-]?(\d+)", re.IGNORECASE)
_ID = re.compile(r"id|(?:.*[ _-]id)|(?:.*[a-z]Id)|(?:.*ID)")
_FILE_NAME = r"[\w-][\w.-]*"
# Rows read at a time: 16 MB of integers for photos of 28 x 28 pixels.
_CHUNK_ROWS = 5000


@dataclass(frozen=True)
class PixelTable:
    """A CSV with a photo in each row.

    ``pixel_columns`` are the columns of the pixels, row by row from the top left. A pixel of a colour photo has three
    consecutive columns: red, green, blue. ``other_columns`` are the other columns.
    """

    path: Path
    pixel_columns: tuple[str, ...]
    other_columns: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> PixelTable | None:
        """Return a table whose columns pixel0, pixel1, ... (or from 1 on) fill a square; None for other tables."""
        try:
            header = read_header(path)
        except BadData:  # the code that needs the table reports it
            return None
        numbers = {name: int(match[1]) for name in header if (match := _PIXEL.fullmatch(name))}
        pixels = tuple(sorted(numbers, key=lambda name: numbers[name]))
        first = min(numbers.values(), default=0)
        in_a_row = first in (0, 1) and [numbers[name] for name in pixels] == list(range(first, first + len(pixels)))
        table = cls(path, pixels, tuple(name for name in header if name not in numbers))
        return table if in_a_row and len(pixels) > 1 and table.shape else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and, for colour photos, 3. Empty if the pixels do not fill a square."""
        for channels, more in ((1, ()), (3, (3,))):
            side = math.isqrt(len(self.pixel_columns) // channels)
            if side * side * channels == len(self.pixel_columns):
                return (side, side, *more)
        return ()

    @property
    def folder(self) -> Path:
        """Folder of the photos: ``train/`` for ``train.csv``."""
        return self.path.with_suffix("")


def draw_pixel_tables(root: Path, progress: Progress) -> None:
    """Write the photos of all tables of pixels below ``root`` as PNG files, if there are no other photos.

    A photo is named after the id of its row. In a table without ids it is named after the number of its row, from 0 if
    the sample submission counts from 0, else from 1. The table keeps the id and its other columns.

    Raises
    ------
    BadData
        If pixels are not whole numbers from 0 to 255.
    """
    samples = [path for path in list_table_files(root) if looks_like_sample(path)]
    for table in find_pixel_tables(root):
        _draw_table(table, samples, progress)


def find_pixel_tables(root: Path) -> list[PixelTable]:
    """Return the tables of pixels below ``root``; none if there are other photos."""
    if has_photos(root):
        return []
    paths = [path for path in list_table_files(root) if path.suffix.lower() == ".csv"]
    return list(filter(None, map(PixelTable.read, paths)))


def _draw_table(table: PixelTable, samples: list[Path], progress: Progress) -> None:
    rest = _read_with_ids(table, samples)
    table.folder.mkdir(exist_ok=True)
    task = progress.start(f"draw {table.path.name}", len(rest))
    for names, photos in _iterate_chunks(table, rest.iloc[:, 0].tolist()):
        for name, photo in zip(names, photos, strict=True):
            (table.folder / f"{name}.png").write_bytes(encode_png(photo))
        task.advance(len(names))
    task.finish()
    write_table(table.path, rest)
    progress.note(f"The pixels of {table.path.name} were written as {len(rest)} photos to {table.folder.name}/.")


def _read_with_ids(table: PixelTable, samples: list[Path]) -> pd.DataFrame:
    """Read the columns other than pixels, with the id column first."""
    rest = read_table(table.path, columns=[*table.other_columns, table.pixel_columns[0]]).drop(
        columns=table.pixel_columns[0]
    )
    for name in filter(_ID.fullmatch, table.other_columns):
        if rest[name].is_unique and rest[name].str.fullmatch(_FILE_NAME).all():
            return rest[[name, *(other for other in table.other_columns if other != name)]]
    counted = [str(number) for number in range(len(rest))]
    first = 0 if any(read_table_file(path).iloc[:, 0].tolist() == counted for path in samples) else 1
    name = next(free for free in ("id", "row", "photo", "number of the row") if free not in table.other_columns)
    rest.insert(0, name, [str(number) for number in range(first, first + len(rest))])
    return rest


def _iterate_chunks(table: PixelTable, names: list[str]) -> Iterator[tuple[list[str], NDArray[np.uint8]]]:
    """Yield names and photos of shape (photos, height, width) or (photos, height, width, 3), in chunks."""
    try:
        with pd.read_csv(
            table.path,
            usecols=list(table.pixel_columns),
            dtype=np.int32,
            na_filter=False,
            encoding="utf-8-sig",
            chunksize=_CHUNK_ROWS,
        ) as reader:
            for chunk in reader:
                pixels = chunk[list(table.pixel_columns)].to_numpy()
                if pixels.min() < 0 or pixels.max() > 255:
                    raise ValueError("some are below 0 or above 255")  # noqa: TRY301 - reported like pandas' own errors
                start = int(chunk.index[0])
                yield names[start : start + len(chunk)], pixels.astype(np.uint8).reshape(-1, *table.shape)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise BadData(
            f"The pixels in {table.path} are not whole numbers from 0 to 255 ({reason}): correct them."
        ) from error


def encode_png(photo: NDArray[Any]) -> bytes:
    """Encode a photo, uint8 of shape (height, width) or (height, width, 3), as a PNG file."""
    # Pillow takes three times as long if it writes files itself, and threads do not help.
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, format="PNG")
    return buffer.getvalue()
