"""Small upright copies of photos for pages, and the sizes of photos from their headers."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image, ImageOps

from ..competition.pixels import PLAIN, PixelRule
from ..errors import UnreadablePhoto
from .decoding import open_photo

# A picture in memory.
Picture = Image.Image
# Quality of WebP, from 0 to 100, and shares of the size that are tried.
QUALITY, _SHARES = 72, (1.0, 0.7, 0.5, 0.3)
# Number of the EXIF tag of the orientation, and its values that exchange width and height.
_ORIENTATION_TAG, _SIDEWAYS = 0x0112, range(5, 9)


def make_thumbnail(path: Path, size: int, rule: PixelRule = PLAIN, quarter_turns: int = 0) -> Image.Image:
    """Return a photo whose longest side is at most ``size`` pixels.

    Parameters
    ----------
    quarter_turns
        Rotation of the result counter-clockwise.

    Raises
    ------
    UnreadablePhoto
        If the photo cannot be decoded.
    """
    try:
        photo = ImageOps.contain(open_photo(path, size, rule), (size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError) as error:
        raise UnreadablePhoto(f"{path} cannot be read as a photo ({error}): replace or remove it.") from error
    return photo.rotate(90 * quarter_turns, expand=True) if quarter_turns % 4 else photo


def encode_data_address(photo: Image.Image, quality: int = QUALITY) -> str:
    """Return a photo as a ``data:`` address of a WebP."""
    content = io.BytesIO()
    photo.save(content, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def read_sizes(paths: Iterable[Path]) -> list[tuple[int, int]]:
    """Return width and height of each photo as shown upright, from its header. Unreadable photos are left out."""
    sizes = []
    for path in paths:
        try:
            with Image.open(path) as photo:
                width, height = photo.size
                sideways = photo.getexif().get(_ORIENTATION_TAG) in _SIDEWAYS
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        sizes.append((height, width) if sideways else (width, height))
    return sizes


def fit_pictures(pictures: Mapping[str, Image.Image], most: int) -> dict[str, str]:
    """Return pictures as ``data:`` addresses, as large as possible while all together have ``most`` characters.

    Parameters
    ----------
    pictures
        Pictures by name. Below the smallest size, nothing is made smaller.
    """
    encoded: dict[str, str] = {}
    for share in _SHARES:
        encoded = {name: encode_data_address(_shrink(picture, share)) for name, picture in pictures.items()}
        if sum(map(len, encoded.values())) <= most:
            break
    return encoded


def _shrink(picture: Image.Image, share: float) -> Image.Image:
    size = (max(1, round(share * picture.width)), max(1, round(share * picture.height)))
    return picture if share == 1 else picture.resize(size, Image.Resampling.LANCZOS)
