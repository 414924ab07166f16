"""The one way in which a photo becomes pixels.

Anyone can repeat it in three lines::

    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    photo = photo.resize((size, size), Image.Resampling.BILINEAR)
    pixels = numpy.asarray(photo)

Pillow's bilinear filter widens with the scale, so it is antialiased; the EXIF orientation is honoured.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import UnreadablePhoto

# Of the way above; a stack's file tells under which its networks learned.
PIXELS_VERSION = 1

# Broken EXIF entries and large photos are no news to a person: the pixels are read all the same.
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
    return np.asarray(resized(open_photo(path), size))


def decode_at_sizes(path: Path, sizes: Sequence[int]) -> tuple[NDArray[np.uint8], ...]:
    """Read a photo once, as :func:`decode_photo` does, and give its pixels at each of ``sizes``.

    Raises
    ------
    UnreadablePhoto
        If the file is missing, truncated or no photo.
    """
    photo = open_photo(path)
    return tuple(np.asarray(resized(photo, size)) for size in sizes)


def resized(photo: Image.Image, size: int) -> Image.Image:
    """Scale a decoded photo to ``size`` pixels in height and width."""
    return photo if photo.size == (size, size) else photo.resize((size, size), Image.Resampling.BILINEAR)


def open_photo(path: Path) -> Image.Image:
    """Decode a photo at its full size, as RGB and upright.

    Raises
    ------
    UnreadablePhoto
        If the file is missing, truncated or no photo.
    """
    try:
        with Image.open(path) as opened:
            return _as_rgb(ImageOps.exif_transpose(opened))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow tells a broken PNG by a SyntaxError, a truncated file by an OSError.
        raise UnreadablePhoto(f"{path} cannot be read as a photo ({error}): replace or remove it.") from error


def _as_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode.startswith(("I;16", "I", "F")):
        values = np.asarray(photo, dtype=np.float32)
        scale = 255 / 65535 if values.max(initial=0) > 255 else 1.0
        photo = Image.fromarray(np.clip(np.round(values * scale), 0, 255).astype(np.uint8))
    elif photo.mode == "P" and "transparency" in photo.info:
        photo = photo.convert("RGBA")
    return photo.convert("RGB")
