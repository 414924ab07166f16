"""The dialect of a text table: encoding, separator, header, and a column that only counts its rows."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, cast

from ...errors import format_count
from ..photo_names import extract_suffix
from ..pictures.file_kinds import list_photo_suffixes

# Enough to judge separator and header.
_HEAD_BYTES = 1 << 18
_BLOCK = 1 << 20
_HEAD_LINES = 200
# The first separator that splits nearly all lines into the same number of cells wins.
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
_BLANKS = r"\s+"
_MIN_ALIKE = 0.95
_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
UTF_8, WINDOWS = "utf-8-sig", "cp1252"
_NO_ROW = re.compile(r"#|sep=.$", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How to read a text table.

    ``columns`` are the names of the columns, those of a table without a header being ``column 1`` and so on.
    ``has_counter`` tells of a first column that only counts the rows, as pandas writes it. ``skipped`` counts the lines
    at the top that are no rows: comments (``#``), and ``sep=;`` of Excel. The last of them may name the columns.
    """

    encoding: str
    separator: str
    has_header: bool
    has_counter: bool
    columns: tuple[str, ...]
    skipped: int = 0

    def describe(self) -> str:
        """Return what is unusual about the dialect as a phrase; an empty string for a plain CSV."""
        words = {**_SEPARATORS, _BLANKS: "blanks"}
        parts = [f"separated by {words[self.separator]}"] if self.separator != "," else []
        parts += [f"encoded in {self.encoding}"] if self.encoding != UTF_8 else []
        parts += ["without a header"] if not self.has_header and not self.skipped else []
        parts += [f"below {format_count(range(self.skipped), 'line')} of comments"] if self.skipped else []
        parts += ["without its column of row numbers"] if self.has_counter else []
        return ", ".join(parts)


def detect_dialect(path: Path) -> Dialect:
    """Detect the dialect of a text table. An ``OSError`` of the file is passed on."""
    status = path.stat()
    return _detect(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _detect(path: Path, size: int, time: int) -> Dialect:
    del size, time  # a changed file is examined again
    with _open(path) as stream:
        head = stream.read(_HEAD_BYTES)
    encoding = _choose_encoding(path, head)
    # The last character may be cut.
    lines = [line for line in head.decode(encoding, errors="ignore").splitlines() if line.strip()]
    if len(head) == _HEAD_BYTES and len(lines) > 1:
        lines.pop()  # its end is missing
    skipped = next((place for place, line in enumerate(lines) if not _NO_ROW.match(line)), 0)
    above, lines = lines[:skipped], lines[skipped : skipped + _HEAD_LINES]
    separator = _choose_separator(lines, path)
    rows = _split_lines(lines, separator)
    named = _split_lines([above[-1].lstrip("# ")], separator)[0] if above and above[-1].startswith("#") else []
    if rows and len(named) == len(rows[0]) > 1 and _is_row_of_values(rows):
        return Dialect(encoding, separator, has_header=False, has_counter=False, columns=tuple(named), skipped=skipped)
    has_header = bool(rows) and not _is_row_of_values(rows)
    names = _name_columns(rows, has_header=has_header)
    has_counter = has_header and _counts_rows(names, rows[1:])
    return Dialect(encoding, separator, has_header, has_counter, tuple(names), skipped)


def _open(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if extract_suffix(path.name).lower() == ".gz" else path.open("rb")


def _choose_encoding(path: Path, head: bytes) -> str:
    if marked := next((encoding for mark, encoding in _BYTE_ORDER_MARKS if head.startswith(mark)), None):
        return marked
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # The first letter outside ASCII may come late in the file.
        with _open(path) as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return WINDOWS
    return UTF_8


def _choose_separator(lines: list[str], path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    tried = [*_SEPARATORS, _BLANKS] if name.endswith(".txt") else list(_SEPARATORS)
    if name.endswith(".tsv"):
        tried.insert(0, tried.pop(tried.index("\t")))
    for separator in tried:
        rows = _split_lines(lines, separator)
        widths = Counter(map(len, rows))
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        # The names of columns rarely contain another separator, unlike labels such as "Corn, sweet".
        if width > 1 and count >= _MIN_ALIKE * widths.total() and len(rows[0]) == width:
            return separator
    return ","


def _split_lines(lines: list[str], separator: str) -> list[list[str]]:
    if separator == _BLANKS:
        return [line.split() for line in lines]
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    try:
        return [[cell.strip() for cell in row] for row in rows]
    except csv.Error:  # an unclosed quote; pandas tells it better
        return [line.split(separator) for line in lines]


def _is_row_of_values(rows: list[list[str]]) -> bool:
    """Return whether the first row is data: it repeats a cell, names a photo, or begins with a number as all do."""
    first = rows[0]
    named = [cell for cell in first if cell]
    if len(set(named)) < len(named) or any(extract_suffix(cell).lower() in list_photo_suffixes() for cell in first):
        return True
    below = [row[0] for row in rows[1:] if row]
    return bool(first and below and all(_NUMBER.fullmatch(cell) for cell in (first[0], *below)))


def _name_columns(rows: list[list[str]], *, has_header: bool) -> list[str]:
    if not rows:
        return []
    if not has_header:
        return [f"column {number}" for number in range(1, max(map(len, rows)) + 1)]
    return rows[0]


def _counts_rows(names: list[str], rows: list[list[str]]) -> bool:
    """Return whether the first column has no name of its own and only counts rows, from 0 or 1."""
    if len(names) < 3 or names[0].lower() not in ("", "unnamed: 0", "index") or not rows:
        return False
    cells = [row[0] for row in rows if row]
    return any(cells == [str(number) for number in range(first, first + len(cells))] for first in (0, 1))
