"""Contact sheet of the worst photos of each kind of doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from ..competition.photo_names import extract_name
from ..competition.pixels import PixelRule
from ..errors import UnreadablePhoto
from ..images.decoding import open_photo
from .finding import Found, Picture

# Photos of each kind, which fill one line.
COLUMNS = 8
# Pixels of a thumbnail's box, between boxes, around the sheet, and of lines of text.
SIDE, GAP, BORDER, LINE, HEADING = 160, 16, 24, 17, 44
FONT_SIZE, HEADING_SIZE = 13, 19
# Lines below a thumbnail: the name of the file, and the caption.
CAPTION_LINES = 4
_INK, _QUIET, _BOX, _RULE = "#1a1c1f", "#5b6270", "#eceef1", "#d5d9df"
_CELL = SIDE + 8 + (1 + CAPTION_LINES) * LINE


def choose_pictures(found: Found) -> dict[str, tuple[Picture, ...]]:
    """Return the photos to draw of each kind, in the order of the findings."""
    pictures = {}
    for kind in dict.fromkeys(finding.kind for finding in found.findings):
        doubts = [each for each in found.doubts if each.kind == kind and each.path]
        shown = found.pictures.get(kind) or [
            Picture(each.path, f"{each.label or each.set}: {each.reason}") for each in doubts[:COLUMNS]
        ]
        if shown:
            pictures[kind] = tuple(shown[:COLUMNS])
    return pictures


def draw_contact_sheet(
    pictures: Mapping[str, Sequence[Picture]], root: Path, rule: PixelRule, numbers: Mapping[str, str]
) -> Image.Image:
    """Draw a line of thumbnails for each kind of doubt.

    Parameters
    ----------
    pictures
        Photos of each kind.
    root
        Folder of the photos.
    rule
        The competition's rule of pixels.
    numbers
        Number of photos or pairs of each kind in words, such as ``3 pairs``.

    Returns
    -------
    PIL.Image.Image
        A sheet with a heading above each line, and the name and caption below each photo, which is shown whole.
    """
    width = 2 * BORDER + COLUMNS * SIDE + (COLUMNS - 1) * GAP
    height = 2 * BORDER + len(pictures) * (HEADING + _CELL + GAP) - GAP
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    top = BORDER
    for kind, shown in pictures.items():
        _draw_heading(pen, top, width, kind, numbers.get(kind, ""))
        for column, picture in enumerate(shown):
            left = BORDER + column * (SIDE + GAP)
            _draw_photo(sheet, pen, (left, top + HEADING), root / picture.path, rule)
            _draw_caption(pen, (left, top + HEADING + SIDE + 8), picture)
        top += HEADING + _CELL + GAP
    return sheet


def _draw_heading(pen: ImageDraw.ImageDraw, top: int, width: int, kind: str, number: str) -> None:
    pen.line((BORDER, top, width - BORDER, top), _RULE)
    font, quiet = ImageFont.load_default(HEADING_SIZE), ImageFont.load_default(FONT_SIZE + 1)
    baseline = top + 30
    title = kind[:1].upper() + kind[1:]
    pen.text((BORDER, baseline), title, _INK, font, anchor="ls")
    pen.text((BORDER + pen.textlength(title, font) + 12, baseline), number, _QUIET, quiet, anchor="ls")


def _draw_photo(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, corner: tuple[int, int], path: Path, rule: PixelRule
) -> None:
    left, top = corner
    pen.rectangle((left, top, left + SIDE - 1, top + SIDE - 1), _BOX)
    try:
        photo = open_photo(path, SIDE, rule)
    except UnreadablePhoto:
        font = ImageFont.load_default(FONT_SIZE)
        pen.text((left + SIDE // 2, top + SIDE // 2), "not decodable", _QUIET, font, anchor="mm")
        return
    # Pixels of tiny photos stay visible.
    resampling = Image.Resampling.NEAREST if max(photo.size) < SIDE else Image.Resampling.LANCZOS
    small = ImageOps.contain(photo, (SIDE, SIDE), resampling)
    sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))


def _draw_caption(pen: ImageDraw.ImageDraw, corner: tuple[int, int], picture: Picture) -> None:
    font, (left, top) = ImageFont.load_default(FONT_SIZE), corner
    pen.text((left, top), shorten_middle(pen, extract_name(picture.path), font), _INK, font)
    for number, line in enumerate(wrap_text(pen, picture.caption, font)):
        pen.text((left, top + (number + 1) * LINE), line, _QUIET, font)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def shorten_middle(pen: ImageDraw.ImageDraw, text: str, font: Font) -> str:
    """Shorten a text in its middle to the width of a thumbnail, because names differ at their ends."""
    kept = text
    half = len(text) // 2
    while half and pen.textlength(kept, font) > SIDE:
        half -= 1
        kept = f"{text[:half]}...{text[-half:] if half else ''}"
    return kept


def wrap_text(pen: ImageDraw.ImageDraw, text: str, font: Font) -> list[str]:
    """Break a text into lines of the width of a thumbnail. Dots stand for what does not fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pen.textlength(longer, font) <= SIDE:
            lines[-1] = longer
        else:
            lines.append(shorten_middle(pen, word, font))
    lines = [line for line in lines if line]
    if len(lines) <= CAPTION_LINES:
        return lines
    last = lines[CAPTION_LINES - 1]
    while last and pen.textlength(f"{last}...", font) > SIDE:
        last = last[:-1]
    return [*lines[: CAPTION_LINES - 1], f"{last.rstrip(' ,;.')}..."]
