"""Conversion of an opened photo to upright RGB by the rule of its competition.

Pillow keeps 8 of the 16 bits of each channel in a photo of several channels. The others come from reading the file
again, as if its bytes had the opposite order.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..competition.pixels import PLAIN, Depth, PixelRule, describe_depth
from ..errors import UnknownPixels

Values = NDArray[np.floating]

# Pillow's names of 16-bit channels, without the order of their bytes.
_DEEP_CHANNELS = ("RGB;16", "RGBX;16", "RGBA;16", "RGBa;16", "LA;16")
_OPPOSITE_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# Formats whose photos of Pillow's signed mode "I" have no negative pixels.
_UNSIGNED_FORMATS = ("PNG", "PPM", "JPEG2000")
_TIFF_SAMPLE_FORMAT = 339
_SCAN_AGAIN = "repeat `ensembler fetch` or `ensembler adopt`, which scan photos of the competition for the rule"
# Name under which Pillow's ``info`` says whether more than this share of the pixels is beyond the rule's range.
BEYOND_RANGE, _MANY_BEYOND = "ensembler_beyond_range", 0.1
_FULL_RANGE = (0.0, 65535.0)


class DeepPixels(NamedTuple):
    """The numbers in a photo of more than 8 bits.

    ``channels`` is Pillow's name of several 16-bit channels, such as ``RGB;16B``. It is empty for a single channel.
    """

    depth: Depth
    channels: str = ""


def convert_to_rgb(opened: Image.Image, path: Path, rule: PixelRule = PLAIN) -> Image.Image:
    """Return an opened photo, which is not loaded yet, as upright RGB.

    If many of its numbers are beyond the rule's range, :data:`BEYOND_RANGE` in its ``info`` is true.

    Raises
    ------
    UnknownPixels
        If the photo has transparent pixels or more than 8 bits, and the rule has no key for it.
    """
    deep = find_deep_pixels(opened)
    photo = ImageOps.exif_transpose(opened)
    if deep is not None:
        return _convert_deep(photo, path, deep, rule)
    if may_be_transparent(photo):
        return _put_on_ground(photo.convert("RGBA"), path, rule)
    return photo.convert("RGB")


def find_deep_pixels(opened: Image.Image) -> DeepPixels | None:
    """Return the kind of numbers in a photo that is not loaded yet, None for 8 bits."""
    if opened.mode == "F":
        return DeepPixels("floats")
    if opened.mode == "I":
        unsigned = opened.format in _UNSIGNED_FORMATS or _read_sample_format(opened) == 1
        return DeepPixels("unsigned" if unsigned else "signed")
    if opened.mode.startswith("I;16"):
        return DeepPixels("unsigned")
    tiles: list[Any] = getattr(opened, "tile", None) or []
    arguments = tiles[0][3] if tiles else ""
    name = str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
    return DeepPixels("unsigned", name) if name[:-1] in _DEEP_CHANNELS else None


def may_be_transparent(photo: Image.Image) -> bool:
    """Return whether a photo can have transparent pixels. Its pixels are not read."""
    return "transparency" in photo.info or photo.mode in ("RGBA", "LA", "PA", "RGBa", "La")


def is_transparent(rgba: Image.Image) -> bool:
    """Return whether a pixel of an RGBA photo is not opaque."""
    return rgba.getchannel("A").getextrema()[0] != 255


def read_values(photo: Image.Image, path: Path, deep: DeepPixels, *, precise: bool = True) -> Values:
    """Return the pixels of an upright photo of more than 8 bits, shape (height, width) or (height, width, 3).

    Without ``precise``, the lower 8 bits of several channels are 0.
    """
    if deep.channels:
        high = np.asarray(photo.convert("RGB"), dtype=np.float32)
        return 256 * high + (_read_low_bytes(path, deep.channels, high) if precise else np.float32(0))
    values = np.asarray(photo)
    if values.dtype == np.int32 and deep.depth == "unsigned":
        values = values.view(np.uint32)
    # float32 does not represent all whole numbers of 32 bits.
    return values.astype(np.float64 if photo.mode == "I" else np.float32)


def _convert_deep(photo: Image.Image, path: Path, deep: DeepPixels, rule: PixelRule) -> Image.Image:
    bounds = rule.get_range(deep.depth)
    if not bounds:
        raise UnknownPixels(
            f"{path} contains {describe_depth(deep.depth)}, for which the competition's rule of pixels has no range: "
            f"convert it to 8 bits, or {_SCAN_AGAIN}."
        )
    if deep.channels and bounds == _FULL_RANGE:
        # Pillow has divided by 256.
        colours = photo.convert("RGB")
    else:
        values = read_values(photo, path, deep)
        colours = Image.fromarray(_scale(values, *bounds)).convert("RGB")
        colours.info[BEYOND_RANGE] = bool(((values < bounds[0]) | (values > bounds[1])).mean() > _MANY_BEYOND)
    if "A" not in photo.getbands():
        return colours
    colours.putalpha(photo.getchannel("A"))
    return _put_on_ground(colours, path, rule)


def _scale(values: Values, low: float, high: float) -> NDArray[np.uint8]:
    scaled = np.clip(np.round((values - low) * (255 / (high - low))), 0, 255)
    # A pixel without a value becomes black.
    levels: NDArray[np.uint8] = np.nan_to_num(scaled, nan=0).astype(np.uint8)
    return levels


def _put_on_ground(rgba: Image.Image, path: Path, rule: PixelRule) -> Image.Image:
    if rule.ground == "none" or not is_transparent(rgba):
        return rgba.convert("RGB")
    if not rule.ground:
        raise UnknownPixels(
            f"{path} has transparent pixels, for which the competition's rule of pixels has no ground: make it opaque, "
            f"or {_SCAN_AGAIN}."
        )
    return Image.alpha_composite(Image.new("RGBA", rgba.size, rule.ground), rgba).convert("RGB")


def _read_low_bytes(path: Path, channels: str, high: Values) -> Values:
    """Return the lower byte of each channel, or an approximation where Pillow has no name for the opposite order."""
    kind, order = channels[:-1], channels[-1]
    with Image.open(path) as opened:
        if kind == "RGBa;16":
            return high
        # The bytes of grey and transparency are read as if they were four channels of one byte each.
        name = "RGBA" if kind == "LA;16" else f"{kind}{_OPPOSITE_ORDER[order]}"
        tiles: Any = getattr(opened, "tile", [])
        swapped: Any = [_rename_tile(tile, name) for tile in tiles]
        opened.tile = swapped
        low = np.asarray(ImageOps.exif_transpose(opened), dtype=np.float32)
    return low[..., 1:2] if kind == "LA;16" else low[..., :3]


def _rename_tile(tile: Any, name: str) -> Any:
    """Replace the name of the channels in a part of a file, which is a plain tuple before Pillow 11."""
    arguments = (name, *tile[3][1:]) if isinstance(tile[3], tuple) else name
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)


def _read_sample_format(opened: Image.Image) -> int:
    """Return 1 for a TIFF of unsigned numbers, and 2 for any other photo."""
    tags = getattr(opened, "tag_v2", None)
    found = 2 if tags is None else tags.get(_TIFF_SAMPLE_FORMAT, 1)
    return int(found[0] if isinstance(found, tuple) else found)
