"""Contact sheet of the worst photos of each kind of doubt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
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
SIDE, GAP, BORDER, LINE, TITLE, HEADING = 160, 16, 24, 17, 56, 46
FONT_SIZE, HEADING_SIZE, TITLE_SIZE = 12, 17, 23
# Lines below a thumbnail, beside the name of the file.
CAPTION_LINES = 7
# Photos with fewer pixels on both sides show their pixels.
_SHOWN_PIXELS = 64
# Captions of photos without a label.
_UNLABELLED = {"train": "training photo", "test": "to predict"}
_INK, _QUIET, _BOX, _RULE = "#1a1c1f", "#5b6270", "#eceef1", "#d5d9df"


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of charts, DejaVu Sans of Matplotlib. Pillow's own has no letters beyond ASCII."""
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise ImportError("The contact sheet needs the fonts of Matplotlib.")
    return ImageFont.truetype(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def choose_pictures(found: Found) -> dict[str, tuple[Picture, ...]]:
    """Return the photos to draw of each kind, in the order of the findings."""
    pictures = {}
    for kind in dict.fromkeys(finding.kind for finding in found.findings):
        doubts = [each for each in found.doubts if each.kind == kind and each.path]
        shown = found.pictures.get(kind) or [
            Picture(each.path, f"{each.label or _UNLABELLED[each.set]}\n{each.reason}") for each in doubts[:COLUMNS]
        ]
        if shown:
            pictures[kind] = tuple(shown[:COLUMNS])
    return pictures


def draw_contact_sheet(
    pictures: Mapping[str, Sequence[Picture]],
    root: Path,
    rule: PixelRule,
    headings: Mapping[str, str],
    title: str,
    pairs: Collection[str] = (),
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
    headings
        Number of photos or pairs of each kind in words, such as ``3 pairs``.
    title
        Title of the sheet.
    pairs
        Kinds whose photos are pairs, which are drawn together.

    Returns
    -------
    PIL.Image.Image
        A sheet with a heading above each line, and the name and caption below each photo, which is shown whole.
    """
    captions = {kind: [wrap_text(picture.caption) for picture in shown] for kind, shown in pictures.items()}
    heights = {kind: SIDE + 10 + (1 + max(map(len, lines))) * LINE for kind, lines in captions.items()}
    width = 2 * BORDER + COLUMNS * SIDE + (COLUMNS - 1) * GAP
    sheet = Image.new(
        "RGB", (width, 2 * BORDER + TITLE + sum(HEADING + GAP + each for each in heights.values())), "white"
    )
    pen = ImageDraw.Draw(sheet)
    pen.text((BORDER, BORDER + TITLE // 2), title, _INK, load_font(TITLE_SIZE), anchor="ls")
    top = BORDER + TITLE
    for kind, shown in pictures.items():
        _draw_heading(pen, top, kind, headings.get(kind, ""))
        for column, (picture, lines) in enumerate(zip(shown, captions[kind], strict=True)):
            left = BORDER + column * (SIDE + GAP)
            if kind in pairs and column % 2 == 0:
                pen.rectangle((left, top + HEADING, left + 2 * SIDE + GAP - 1, top + HEADING + SIDE - 1), _BOX)
            _draw_photo(sheet, pen, (left, top + HEADING), root / picture.path, rule)
            _draw_caption(pen, (left, top + HEADING + SIDE + 10), [extract_name(picture.path), *lines])
        top += HEADING + heights[kind] + GAP
    return sheet


def _draw_heading(pen: ImageDraw.ImageDraw, top: int, kind: str, number: str) -> None:
    pen.line((BORDER, top, BORDER + COLUMNS * (SIDE + GAP) - GAP, top), _RULE)
    font, quiet = load_font(HEADING_SIZE), load_font(FONT_SIZE + 1)
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
        font = load_font(FONT_SIZE)
        pen.text((left + SIDE // 2, top + SIDE // 2), "not decodable", _QUIET, font, anchor="mm")
        return
    is_small = max(photo.size) <= _SHOWN_PIXELS
    small = ImageOps.contain(photo, (SIDE, SIDE), Image.Resampling.NEAREST if is_small else Image.Resampling.LANCZOS)
    sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))


def _draw_caption(pen: ImageDraw.ImageDraw, corner: tuple[int, int], lines: Sequence[str]) -> None:
    font, (left, top) = load_font(FONT_SIZE), corner
    for number, line in enumerate(lines):
        text = line if number else shorten_middle(line)
        pen.text((left, top + number * LINE), text, _QUIET if number else _INK, font)


def _measure_width(text: str) -> float:
    return load_font(FONT_SIZE).getlength(text)


def shorten_middle(text: str) -> str:
    """Shorten a text in its middle to the width of a thumbnail, because names differ at their ends."""
    kept, half = text, len(text) // 2
    while half and _measure_width(kept) > SIDE:
        half -= 1
        kept = f"{text[:half]}...{text[-half:] if half else ''}"
    return kept


def wrap_text(text: str) -> list[str]:
    """Break a text into lines of the width of a thumbnail. Dots stand for what does not fit."""
    lines = [line for part in text.split("\n") for line in _wrap_line(part)]
    if len(lines) <= CAPTION_LINES:
        return lines
    last = lines[CAPTION_LINES - 1]
    while last and _measure_width(f"{last}...") > SIDE:
        last = last[:-1]
    return [*lines[: CAPTION_LINES - 1], f"{last.rstrip(' ,;.')}..."]


def _wrap_line(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _measure_width(longer) <= SIDE:
            lines[-1] = longer
        else:
            lines.append(shorten_middle(word))
    return [line for line in lines if line]
