"""Decodes photos to pixels, everywhere in the same way.

The same in a few lines::

    photo = Image.open(path)
    photo.draft(None, (2 * size, 2 * size))
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    photo = photo.resize((size, size), Image.Resampling.BILINEAR)
    pixels = numpy.asarray(photo)

A JPEG that is several times larger than asked for is decoded at a half, a quarter or an eighth of its size, of which a
transform of fewer coefficients is part of the format, and never at less than twice the size asked for. That takes a
third of the time for 2000 x 1500 pixels at 224, and changes pixels less than a filter of another kind would. Pillow's
bilinear filter widens with the scale, so it is antialiased; the EXIF orientation is honoured.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import UnreadablePhoto

# A JPEG is decoded at this multiple of the requested size, or more.
# :data:`ensembler.competition.samples.PIXELS_VERSION` counts the changes of what happens here.
MIN_DECODE_SCALE = 2

# Broken EXIF entries and large photos need no warning: the pixels are read all the same.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode_photo(path: Path, size: int) -> NDArray[np.uint8]:
    """Read a photo as RGB pixels of shape (size, size, 3), values 0 to 255.

    Photos of 16 bits a channel are scaled to 8, transparency is dropped, an animation gives its first frame.

    Raises
    ------
    UnreadablePhoto
        If the file is missing, truncated or no photo.
    """
    return np.asarray(resize_photo(open_photo(path, size), size))


def decode_at_sizes(path: Path, sizes: Sequence[int]) -> tuple[NDArray[np.uint8], ...]:
    """Read a photo, as :func:`decode_photo` does, and return its pixels at each of ``sizes``.

    It is decoded once for all sizes, or once for each scale of a large JPEG.
    """
    photos: dict[tuple[int, int], Image.Image] = {}
    pixels = []
    for size in sizes:
        with _open_at_scale(path, size) as opened:
            if opened.size not in photos:
                photos[opened.size] = _as_rgb(ImageOps.exif_transpose(opened))
            pixels.append(np.asarray(resize_photo(photos[opened.size], size)))
    return tuple(pixels)


def resize_photo(photo: Image.Image, size: int) -> Image.Image:
    """Scale a decoded photo to ``size`` pixels in height and width."""
    return photo if photo.size == (size, size) else photo.resize((size, size), Image.Resampling.BILINEAR)


def open_photo(path: Path, size: int) -> Image.Image:
    """Decode a photo, as RGB and upright, for use at ``size`` pixels; see :func:`decode_photo`."""
    with _open_at_scale(path, size) as opened:
        return _as_rgb(ImageOps.exif_transpose(opened))


@contextlib.contextmanager
def _open_at_scale(path: Path, size: int) -> Iterator[Image.Image]:
    """Open a photo at the scale in which it is decoded for ``size``; errors become ``UnreadablePhoto``."""
    try:
        with Image.open(path) as opened:
            # This affects only JPEGs.
            opened.draft(None, (MIN_DECODE_SCALE * size, MIN_DECODE_SCALE * size))
            yield opened
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow reports a broken PNG by a SyntaxError, a truncated file by an OSError.
        raise UnreadablePhoto(f"{path} cannot be read as a photo ({error}): replace or remove it.") from error


def _as_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith(("I;16", "I", "F")):
        values = np.asarray(photo, dtype=np.float32)
        scale = 255 / 65535 if values.max(initial=0) > 255 else 1.0
        photo = Image.fromarray(np.clip(np.round(values * scale), 0, 255).astype(np.uint8))
    elif photo.mode == "P" and "transparency" in photo.info:
        photo = photo.convert("RGBA")
    return photo.convert("RGB")
