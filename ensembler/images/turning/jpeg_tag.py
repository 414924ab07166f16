"""Sets the orientation tag in the bytes of a JPEG, of which everything else stays as it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from .tags import ORIENTATION_TAG

_EXIF = b"Exif\0\0"
_APP0, _APP1, _START_OF_SCAN = 0xE0, 0xE1, 0xDA
# Largest length of a segment, which counts its own two bytes.
_MAX_LENGTH = 0xFFFF
_ENTRY_BYTES = 12
_SHORT = 3


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int


def set_orientation(jpeg: bytes, tag: int) -> bytes:
    """Return a JPEG with another orientation tag.

    The tag is replaced in its place if there is one. Otherwise it is added to the EXIF segment, whose other entries
    keep their offsets, or with a new segment.

    Raises
    ------
    ValueError
        If the segments or the EXIF data are damaged, or the segment has no room for a tag.
    """
    after = 2
    try:
        for segment in _list_segments(jpeg):
            content = jpeg[segment.start + 4 : segment.end]
            if segment.marker == _APP1 and content.startswith(_EXIF):
                changed = _EXIF + _set_in_tiff(content.removeprefix(_EXIF), tag)
                return jpeg[: segment.start] + _build_segment(changed) + jpeg[segment.end :]
            if segment.marker == _APP0:
                after = segment.end
    except (struct.error, IndexError) as error:
        raise ValueError(f"its EXIF data are damaged: {error}") from error
    return jpeg[:after] + _build_segment(_EXIF + _build_tiff(tag)) + jpeg[after:]


def _list_segments(jpeg: bytes) -> Iterator[_Segment]:
    """Yield the segments before the first scan."""
    if not jpeg.startswith(b"\xff\xd8"):
        raise ValueError("it does not start like a JPEG")
    start = 2
    while True:
        # Any number of FF may precede a marker.
        while jpeg[start + 1] == 0xFF:
            start += 1
        marker = jpeg[start + 1]
        if jpeg[start] != 0xFF:
            raise ValueError(f"it has no marker at byte {start}")
        if marker == _START_OF_SCAN:
            return
        end = start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
        yield _Segment(marker, start, end)
        start = end


def _build_segment(content: bytes) -> bytes:
    length = len(content) + 2
    if length > _MAX_LENGTH:
        raise ValueError("its EXIF data have no room for an orientation tag")
    return bytes((0xFF, _APP1)) + length.to_bytes(2, "big") + content


def _build_tiff(tag: int) -> bytes:
    return b"MM\0*" + struct.pack(">IH", 8, 1) + _build_entry(">", tag) + bytes(4)


def _build_entry(order: str, tag: int) -> bytes:
    return struct.pack(f"{order}HHIHH", ORIENTATION_TAG, _SHORT, 1, tag, 0)


def _set_in_tiff(tiff: bytes, tag: int) -> bytes:
    orders = {b"II*\0": "<", b"MM\0*": ">"}
    if tiff[:4] not in orders:
        raise ValueError("its EXIF data are damaged: they do not start like a TIFF")
    order = orders[tiff[:4]]
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    first, end = at + 2, at + 2 + count * _ENTRY_BYTES
    if end > len(tiff):
        raise ValueError("its EXIF data are damaged: they end within an entry")
    entries = [tiff[place : place + _ENTRY_BYTES] for place in range(first, end, _ENTRY_BYTES)]
    names = [struct.unpack_from(f"{order}H", entry)[0] for entry in entries]
    if ORIENTATION_TAG in names:
        place = first + names.index(ORIENTATION_TAG) * _ENTRY_BYTES
        return tiff[:place] + _build_entry(order, tag) + tiff[place + _ENTRY_BYTES :]
    return _append_directory(tiff, order, [*entries, _build_entry(order, tag)], tiff[end : end + 4])


def _append_directory(tiff: bytes, order: str, entries: list[bytes], following: bytes) -> bytes:
    """Append a directory of sorted entries, and let the header refer to it. All other offsets stay valid."""
    body = tiff + bytes(len(tiff) % 2)
    entries = sorted(entries, key=lambda entry: int(struct.unpack_from(f"{order}H", entry)[0]))
    header = body[:4] + struct.pack(f"{order}I", len(body))
    return header + body[8:] + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + following.ljust(4, b"\0")
