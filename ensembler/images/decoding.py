"""Decoding of photos to pixels, identical in training and in prediction.

In essence::

    photo = Image.open(path)
    photo.draft(None, (2 * size, 2 * size))
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    photo = photo.resize((size, size), Image.Resampling.BILINEAR)
    pixels = numpy.asarray(photo)

A large JPEG is decoded at a half, a quarter or an eighth of its size, which the format supports, but never at less than
twice the requested size. That takes a third of the time for 2000 x 1500 pixels at 224, and changes pixels less than
another filter would. Pillow's bilinear filter is antialiased. The EXIF orientation is applied. Photos with
transparency or more than 8 bits per channel are converted as :mod:`.conversion` describes.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..competition.pixels import PLAIN, PixelRule
from ..errors import UnreadablePhoto
from .conversion import BEYOND_RANGE, convert_to_rgb

# A JPEG is decoded at least at this multiple of the requested size.
# :data:`ensembler.competition.samples.PIXELS_VERSION` counts the changes of decoding.
MIN_DECODE_SCALE = 2

# Broken EXIF entries and large photos do not affect the pixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode_photo(path: Path, size: int, rule: PixelRule = PLAIN) -> NDArray[np.uint8]:
    """Read a photo as RGB pixels of shape (size, size, 3) from 0 to 255.

    Transparency and more than 8 bits per channel are converted by the competition's rule. An animation yields its
    first frame.

    Raises
    ------
    UnknownPixels
        If the photo has transparent pixels or more than 8 bits, and the rule has no key for it.
    UnreadablePhoto
        If the file is missing, truncated or not a photo.
    """
    return np.asarray(resize_photo(open_photo(path, size, rule), size))


def decode_at_sizes(
    path: Path, sizes: Sequence[int], rule: PixelRule = PLAIN, beyond: set[Path] | None = None
) -> tuple[NDArray[np.uint8], ...]:
    """Read a photo like :func:`decode_photo`, and return its pixels at each size.

    The photo is decoded once for all sizes, or a large JPEG once per scale. If many of its numbers are beyond the
    rule's range, its path is added to ``beyond``.
    """
    photos: dict[tuple[int, int], Image.Image] = {}
    pixels = []
    for size in sizes:
        with open_at_scale(path, size) as opened:
            if opened.size not in photos:
                photo = photos[opened.size] = convert_to_rgb(opened, path, rule)
                if beyond is not None and photo.info.get(BEYOND_RANGE):
                    beyond.add(path)
            pixels.append(np.asarray(resize_photo(photos[opened.size], size)))
    return tuple(pixels)


def resize_photo(photo: Image.Image, size: int) -> Image.Image:
    """Resize a decoded photo to ``size`` pixels in height and width."""
    return photo if photo.size == (size, size) else photo.resize((size, size), Image.Resampling.BILINEAR)


def open_photo(path: Path, size: int, rule: PixelRule = PLAIN) -> Image.Image:
    """Decode a photo as upright RGB for use at ``size`` pixels, see :func:`decode_photo`."""
    with open_at_scale(path, size) as opened:
        return convert_to_rgb(opened, path, rule)


@contextlib.contextmanager
def open_at_scale(path: Path, size: int) -> Iterator[Image.Image]:
    """Open a photo at the scale of its decoding for ``size``. Errors become ``UnreadablePhoto``."""
    try:
        with Image.open(path) as opened:
            # This affects only JPEGs.
            opened.draft(None, (MIN_DECODE_SCALE * size, MIN_DECODE_SCALE * size))
            yield opened
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow raises a SyntaxError for a broken PNG and an OSError for a truncated file.
        raise UnreadablePhoto(f"{path} cannot be read as a photo ({error}): replace or remove it.") from error
