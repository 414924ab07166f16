"""Writes photos turned upright. Whatever would lose more than the format itself is refused with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin

from ...errors import BadData
from ...storage import write_bytes, write_file_atomically
from ..conversion import find_deep_pixels
from .jpeg_tag import set_orientation
from .tags import ORIENTATION_TAG, UPRIGHT, combine_with_turn, read_tag

_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
_JPEGS = ("JPEG", "MPO")
# Options with which Pillow writes a format without loss.
_LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "BMP": {},
    "GIF": {},
    "PPM": {},
    "TIFF": {},
    "JPEG2000": {"irreversible": False},
    "WEBP": {"lossless": True, "exact": True},
}
_LOSSLESS_TIFFS = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd")
# Directory of EXIF with the width and height of the pixels.
_EXIF_DIRECTORY, _WIDTH, _HEIGHT = 0x8769, 0xA002, 0xA003


class CannotTurn(BadData):
    """A photo cannot be turned without losing something. The message is the reason as a phrase."""


def read_photo_tag(path: Path) -> int | None:
    """Return the orientation tag of a photo, None if it has none that a viewer follows."""
    with Image.open(path) as opened:
        return read_tag(opened)


def turn_photo(path: Path, to: Path, angle: int, *, by_tag: bool) -> bool:
    """Write a photo turned clockwise by 90, 180 or 270 degrees.

    Parameters
    ----------
    by_tag
        Whether to set only the orientation tag of a JPEG. Otherwise a JPEG is encoded again, with the quantization
        tables and the chroma subsampling that it has. Other formats are always encoded again, without loss.

    Returns
    -------
    bool
        Whether only the tag was set.

    Raises
    ------
    CannotTurn
        If the file has several pictures or more bits than Pillow keeps, its format cannot be written without loss, or
        its EXIF data are damaged.
    StorageError
        If writing fails.
    """
    try:
        with Image.open(path) as opened:
            if by_tag and opened.format in _JPEGS:
                write_bytes(to, set_orientation(path.read_bytes(), combine_with_turn(read_tag(opened), angle)))
                return True
            _refuse_losses(opened)
            _encode(opened, to, angle)
    except (ValueError, SyntaxError, KeyError) as error:
        raise CannotTurn(str(error)) from error
    return False


def _refuse_losses(opened: Image.Image) -> None:
    frames = getattr(opened, "n_frames", 1)
    if frames > 1:
        remedy = "; --exif turns all of them" if opened.format in _JPEGS else ""
        raise CannotTurn(f"it holds {frames} pictures, of which one would be left{remedy}")
    if (deep := find_deep_pixels(opened)) and deep.channels:
        raise CannotTurn("it has more than 8 bits in several channels, of which 8 would be left")
    if opened.format not in (*_JPEGS, *_LOSSLESS):
        raise CannotTurn(f"{opened.format} is not written here without loss")


def _encode(opened: Image.Image, to: Path, angle: int) -> None:
    options = _choose_options(opened)
    upright = ImageOps.exif_transpose(opened)
    turned = upright.transpose(_TURNS[angle])
    options |= _keep_metadata(opened, upright, turned)
    with write_file_atomically(to) as temporary:
        turned.save(temporary, opened.format, **options)
        if opened.format in _LOSSLESS:
            with Image.open(temporary) as written:
                if not _have_equal_pixels(written, turned):
                    raise CannotTurn(f"{opened.format} cannot hold its pixels without loss")


def _have_equal_pixels(one: Image.Image, other: Image.Image) -> bool:
    if one.mode == other.mode != "P":
        return np.array_equal(np.asarray(one), np.asarray(other))
    # The colours of a palette may be numbered otherwise.
    return np.array_equal(np.asarray(one.convert("RGBA")), np.asarray(other.convert("RGBA")))


def _choose_options(opened: Image.Image) -> dict[str, Any]:
    info = opened.info
    if isinstance(opened, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(opened)
        jpeg: dict[str, Any] = {name: info[name] for name in ("progressive", "comment") if name in info}
        if sampling >= 0:
            jpeg["subsampling"] = sampling
        return {**jpeg, "qtables": opened.quantization}
    options = dict(_LOSSLESS[str(opened.format)])
    if opened.format == "TIFF":
        compression = info.get("compression", "raw")
        options["compression"] = compression if compression in _LOSSLESS_TIFFS else "tiff_adobe_deflate"
    if isinstance(opened, PngImagePlugin.PngImageFile):
        texts = PngImagePlugin.PngInfo()
        for name, text in opened.text.items():
            texts.add_text(name, text)
        options["pnginfo"] = texts
    return options


def _keep_metadata(opened: Image.Image, upright: Image.Image, turned: Image.Image) -> dict[str, Any]:
    """Return the colour profile, resolution, XMP and EXIF data, which describe the turned pixels.

    A thumbnail within EXIF is dropped, since it shows the photo as it was.
    """
    kept = {name: upright.info[name] for name in ("icc_profile", "dpi", "xmp") if upright.info.get(name)}
    exif = upright.getexif()
    if not exif and read_tag(opened) is None:
        return kept
    exif[ORIENTATION_TAG] = UPRIGHT
    sizes = exif.get_ifd(_EXIF_DIRECTORY)
    if _WIDTH in sizes and _HEIGHT in sizes:
        sizes[_WIDTH], sizes[_HEIGHT] = turned.size
    return {**kept, "exif": exif}
