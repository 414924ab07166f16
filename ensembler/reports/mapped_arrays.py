"""Arrays of ``.npz`` files, mapped into memory so that only the rows that are used are read."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadData

# Fixed part of a local header in a zip, and the places of the lengths of the name and of the extra field.
_HEADER_BYTES, _LENGTHS = 30, struct.Struct("<HH")


def map_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of a file that :func:`~ensembler.serialization.write_arrays` wrote.

    Raises
    ------
    BadData
        If the file is missing, damaged, or contains an array that is compressed.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
            return {entry.filename.removesuffix(".npy"): _map_entry(path, stream, entry) for entry in archive.filelist}
    except Exception as error:
        raise BadData(f"Cannot read {path} ({error}): delete its folder and run again.") from error


def _map_entry(path: Path, stream: Any, entry: zipfile.ZipInfo) -> NDArray[Any]:
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{entry.filename} is compressed")
    stream.seek(entry.header_offset)
    header = stream.read(_HEADER_BYTES)
    name_length, extra_length = _LENGTHS.unpack(header[26:30])
    stream.seek(entry.header_offset + _HEADER_BYTES + name_length + extra_length)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, in_columns, dtype = read_header(stream)
    if dtype.hasobject:
        raise ValueError(f"{entry.filename} contains objects")
    if stream.tell() + int(np.prod(shape)) * dtype.itemsize > path.stat().st_size:
        raise ValueError(f"{entry.filename} is truncated")
    if not np.prod(shape):
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", stream.tell(), shape, "F" if in_columns else "C")
