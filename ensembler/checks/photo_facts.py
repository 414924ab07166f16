"""What the check reads of each photo: its header, its size on disk, and statistics of its colours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageStat

from ..competition.pixels import PixelRule
from ..errors import UnreadablePhoto
from ..images.conversion import convert_to_rgb, find_deep_pixels
from ..images.decoding import open_at_scale
from ..images.perceptual_hash import GREY_SIDE
from ..images.similarity import Thumbnail, make_thumbnail
from ..images.turning.tags import read_tag

# Least height and width in pixels at which photos are decoded, which is enough for thumbnails of 32 pixels.
_DECODED_SIZE = GREY_SIDE
_DATE_TAGS, _CAMERA_TAGS = (0x9003, 0x0132), (0x010F, 0x0110)
_EXIF_FOLDER = 0x8769
# Places of the 5th and 95th percentile among the sorted pixels of a thumbnail.
_DARKEST_AND_BRIGHTEST = (GREY_SIDE**2 // 20, GREY_SIDE**2 * 19 // 20)
# libjpeg fills what a JPEG lacks behind an early end of its data with this grey.
_FILLING = 128

COLOUR_NAMES = (
    *(f"mean of {name}" for name in ("red", "green", "blue")),
    *(f"spread of {name}" for name in ("red", "green", "blue")),
    "5th percentile of brightness",
    "95th percentile of brightness",
    "saturation",
    "horizontal detail",
    "vertical detail",
    "brightness of the border",
)


@dataclass(frozen=True)
class PhotoFacts:
    """Facts about one photo.

    Attributes
    ----------
    problem
        Reason why the photo cannot be decoded. Empty if it can.
    file_bytes
        Size of the file.
    width, height
        Size in pixels, as a viewer shows the photo.
    format, mode
        Pillow's names, such as ``JPEG`` and ``RGB``. Channels of 16 bits are named ``16 bit``.
    tag
        EXIF's orientation tag, 0 without one.
    taken, camera
        Time of EXIF in seconds since 1970, NaN without one, and camera.
    quantisation
        Sum of the first quantisation table of a JPEG: small for high quality. NaN for other formats.
    modified
        Time of the file's last change in seconds since 1970, NaN if it is unknown.
    spread
        Largest standard deviation of a channel, from 0 to 127.5.
    chroma
        Largest difference between two channels of the thumbnail, from 0 to 255.
    filled
        Share of the height that the decoder filled with grey at the lower border, because the data ended early.
    colours
        Statistics of :data:`COLOUR_NAMES`, from 0 to 255.
    digest, thumbnail
        Digest of the file and thumbnail for the search of copies, only where they were asked for.
    """

    problem: str = ""
    file_bytes: int = 0
    width: int = 0
    height: int = 0
    format: str = ""
    mode: str = ""
    tag: int = 0
    taken: float = float("nan")
    camera: str = ""
    quantisation: float = float("nan")
    modified: float = float("nan")
    spread: float = 0.0
    chroma: float = 0.0
    filled: float = 0.0
    colours: tuple[float, ...] = (0.0,) * len(COLOUR_NAMES)
    digest: str = ""
    thumbnail: Thumbnail | None = None


def read_photo_facts(path: Path, rule: PixelRule, *, compare: bool = False) -> PhotoFacts:
    """Read the facts about one photo. A photo that cannot be decoded has only its problem."""
    try:
        status = path.stat()
        with open_at_scale(path, _DECODED_SIZE) as opened:
            header = _read_header(path, opened)
            photo = convert_to_rgb(opened, path, rule)
    except (UnreadablePhoto, OSError) as error:
        return PhotoFacts(problem=str(error.__cause__ or error))
    statistics = ImageStat.Stat(photo)
    small = np.asarray(photo.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX)).astype(np.float32)
    return PhotoFacts(
        **header,
        file_bytes=status.st_size,
        modified=status.st_mtime,
        spread=max(statistics.stddev),
        chroma=float(_measure_chroma(small).max()),
        filled=_measure_filling(np.asarray(photo)) if header["format"] == "JPEG" else 0.0,
        colours=_measure_colours(statistics.mean, statistics.stddev, small),
        digest=hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() if compare else "",
        thumbnail=make_thumbnail(photo) if compare else None,
    )


def _read_header(path: Path, opened: Image.Image) -> dict[str, Any]:
    # The scale of the decoding has changed the size of a JPEG already.
    width, height = _read_size(path, opened)
    tag = read_tag(opened) or 0
    exif = opened.getexif()
    inner = exif.get_ifd(_EXIF_FOLDER)
    date = next((found for each in _DATE_TAGS if (found := inner.get(each) or exif.get(each))), None)
    tables: dict[int, Sequence[int]] = getattr(opened, "quantization", None) or {}
    return {
        "width": height if tag > 4 else width,
        "height": width if tag > 4 else height,
        "format": opened.format or "",
        "mode": "16 bit" if find_deep_pixels(opened) else opened.mode,
        "tag": tag,
        "taken": _parse_date(date),
        "camera": " ".join(str(exif[each]).strip(" \0") for each in _CAMERA_TAGS if each in exif),
        "quantisation": float(sum(tables[0])) if 0 in tables else float("nan"),
    }


def _read_size(path: Path, opened: Image.Image) -> tuple[int, int]:
    if opened.format != "JPEG":
        return opened.size
    with Image.open(path) as header:
        return header.size


def _parse_date(date: object) -> float:
    try:
        return datetime.strptime(str(date)[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return float("nan")


def _measure_filling(pixels: NDArray[np.uint8]) -> float:
    """Return the share of rows at the lower border that are filled with grey, 0 if the upper border is grey too."""
    if not (pixels[-1] == _FILLING).all() or (pixels[0] == _FILLING).all():
        return 0.0
    filled = (pixels == _FILLING).all(axis=(1, 2))
    return float(np.argmin(filled[::-1]) / len(filled))


def _measure_chroma(small: NDArray[np.float32]) -> NDArray[np.float32]:
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)


def _measure_colours(mean: Sequence[float], spread: Sequence[float], small: NDArray[np.float32]) -> tuple[float, ...]:
    brightness = (small[..., 0] + small[..., 1] + small[..., 2]) / 3
    inner = brightness[4:-4, 4:-4]
    border = (brightness.sum() - inner.sum()) / (brightness.size - inner.size)
    values = [
        *mean,
        *spread,
        *np.partition(brightness.ravel(), _DARKEST_AND_BRIGHTEST)[list(_DARKEST_AND_BRIGHTEST)],
        _measure_chroma(small).mean(),
        np.abs(np.diff(brightness, axis=1)).mean(),
        np.abs(np.diff(brightness, axis=0)).mean(),
        border,
    ]
    return tuple(round(float(value), 3) for value in values)
