"""Pictures of photos with the parts that speak for a class, drawn by Pillow."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..competition.pixels import ASSUMED, PLAIN, PixelRule
from ..errors import UnknownPixels
from ..images.decoding import open_photo
from .heat import Heat

# Anchors of matplotlib's colour map plasma, which is perceptually uniform and readable with colour-blindness.
_PLASMA = ("0d0887", "46039f", "7201a8", "9c179e", "bd3786", "d8576b", "ed7953", "fb9f3a", "fdca26", "f0f921")
# Opacity of the colours at the strongest place.
_MOST_OPAQUE = 0.75
# Share of grey in the photo below the colours, so that its own colours are not mistaken for those of the map.
_GREY = 0.65
# Longest edge of a photo in a picture, distances, height of the legend, and sizes of text, in pixels.
_PANEL, _MARGIN, _LEGEND, _TEXT, _TITLE = 336, 12, 12, 14, 16
_BACKGROUND, _INK, _FAINT = (255, 255, 255), (32, 32, 32), (96, 96, 96)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def open_upright(path: Path, size: int, rule: PixelRule = PLAIN, turns: int = 0) -> Image.Image:
    """Open a photo upright, whose longest edge is ``size`` pixels, rotated by quarter turns counter-clockwise.

    Raises
    ------
    UnreadablePhoto
        If the photo cannot be decoded.
    """
    try:
        photo = open_photo(path, size, rule)
    except UnknownPixels:
        photo = open_photo(path, size, rule.complete(ASSUMED))
    scale = size / max(photo.size)
    edges = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    # A photo of few pixels would blur into nothing that a person could recognise.
    resample = Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC
    return Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(photo.resize(edges, resample)), turns)))


def draw_overlay(path: Path, heat: Heat, rule: PixelRule = PLAIN, size: int = 160, turns: int = 0) -> Image.Image:
    """Draw a photo with a map over it.

    Parameters
    ----------
    path
        Path of the photo.
    heat
        Map of the whole photo, shape (rows, columns).
    rule
        The competition's rule of pixels.
    size
        Longest edge of the picture in pixels.
    turns
        Quarter turns counter-clockwise by which the photo is rotated first.

    Raises
    ------
    UnreadablePhoto
        If the photo cannot be decoded.
    """
    return lay_over(open_upright(path, size, rule, turns), heat)


def lay_over(photo: Image.Image, heat: Heat) -> Image.Image:
    """Lay the colours of a map over a photo. Their opacity grows with the map."""
    grey = Image.blend(photo, photo.convert("L").convert("RGB"), _GREY)
    strength = np.asarray(Image.fromarray(_scale(heat)).resize(photo.size, Image.Resampling.BICUBIC)).clip(0, 1)
    opacity = _MOST_OPAQUE * (strength**0.75)[..., None]
    mixed = np.asarray(grey, np.float32) * (1 - opacity) + _colour(strength) * opacity
    return Image.fromarray(mixed.round().astype(np.uint8))


def encode_picture(picture: Image.Image, form: str = "webp", quality: int = 75) -> bytes:
    """Return a picture as the bytes of a file: ``webp``, ``jpeg`` or ``png``."""
    buffer = io.BytesIO()
    picture.save(buffer, form.upper(), **({} if form == "png" else {"quality": quality}))
    return buffer.getvalue()


def draw_panels(
    photo: Image.Image, title: Sequence[str], panels: Sequence[tuple[Heat, Sequence[str]]], caption: Sequence[str]
) -> Image.Image:
    """Draw a photo beside its maps, with text.

    Parameters
    ----------
    photo
        Photo, whose longest edge is at most that of :data:`PANEL_SIZE`.
    title
        Lines above all.
    panels
        Maps, with the lines below each.
    caption
        Lines below the photo itself.
    """
    pictures = [(photo, caption), *((lay_over(photo, heat), lines) for heat, lines in panels)]
    line, top = round(1.35 * _TEXT), _MARGIN + round(1.5 * _TITLE) * len(title)
    width = max(photo.width, _PANEL)
    most_lines = max(len(lines) for _, lines in pictures)
    below = top + photo.height + _MARGIN // 2 + most_lines * line
    size = (_MARGIN + (width + _MARGIN) * len(pictures), below + _MARGIN + _LEGEND + line + _MARGIN)
    canvas = Image.new("RGB", size, _BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    for number, text in enumerate(title):
        draw.text((_MARGIN, _MARGIN + number * 1.5 * _TITLE), text, _INK, _load_font(_TITLE))
    for number, (picture, lines) in enumerate(pictures):
        left = _MARGIN + number * (width + _MARGIN)
        canvas.paste(picture, (left, top))
        for row, text in enumerate(lines):
            place = (left, top + photo.height + _MARGIN // 2 + row * line)
            draw.text(place, _shorten(text, width), _INK if row == 0 else _FAINT, _load_font(_TEXT))
    _draw_legend(canvas, draw, _MARGIN + width + _MARGIN, below + _MARGIN // 2, width)
    return canvas


PANEL_SIZE = _PANEL


def _draw_legend(canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, width: int) -> None:
    colours = _colour(np.linspace(0, 1, width, dtype=np.float32)[None]).round().astype(np.uint8)
    canvas.paste(Image.fromarray(colours).resize((width, _LEGEND)), (left, top))
    font, below = _load_font(_TEXT), top + _LEGEND + 2
    draw.text((left, below), "no evidence for the class", _FAINT, font)
    draw.text((left + width, below), "strongest", _FAINT, font, anchor="ra")


def _scale(heat: Heat) -> Heat:
    """Divide a map by its largest value."""
    most = float(heat.max())
    return np.asarray(heat / most if most > 0 else heat, np.float32)


def _colour(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return colours from 0 to 255 of values from 0 to 1, with a last axis of red, green and blue."""
    anchors = np.array([list(bytes.fromhex(each)) for each in _PLASMA], np.float32)
    places = np.linspace(0, 1, len(anchors))
    return np.stack([np.interp(strength, places, anchors[:, channel]) for channel in range(3)], axis=-1)


def _shorten(text: str, width: int) -> str:
    """Return as much of a text as fits into a width in pixels."""
    font = _load_font(_TEXT)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


@functools.cache
def _load_font(size: int) -> Font:
    """Load a font with the letters of most alphabets, which matplotlib brings, or else Pillow's own."""
    spec = find_spec("matplotlib")
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)
