"""Contact sheet of a few training photos with their augmented versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ...competition.pixels import PLAIN, PixelRule
from ..photo_source import make_photo_source
from ..row_photos import RowPhotos
from ..training_photos import TrainingPhotos, shuffle_rows
from . import Augmentation

MAX_PHOTOS = 6
# Photos between these sizes in pixels are shown in their own size.
MIN_SHOWN_SIZE, MAX_SHOWN_SIZE = 128, 224
GAP, LINE_HEIGHT, FONT_SIZE = 6, 24, 13

# Pixels and targets of one column.
ShownPhotos = tuple[NDArray[np.uint8], NDArray[np.float32]]


def draw_contact_sheet(
    photos: RowPhotos,
    labels: Sequence[str],
    targets: NDArray[np.float32],
    size: int,
    augmentation: Augmentation,
    seed: int,
    views: int = 7,
    rule: PixelRule = PLAIN,
    versions: int = 1,
) -> Image.Image:
    """Draw some training photos and their augmented versions.

    Parameters
    ----------
    photos
        All training photos. A few of them are chosen at random, with as many different classes as possible.
    labels
        Names of the outputs. For a single output of two classes, the names of both classes, the output's own last.
    targets
        Targets of shape (photos, outputs).
    size
        Height and width of photos in training, in pixels.
    augmentation
        Kind of augmentation.
    seed
        Seed of the choice of photos and of the augmentation.
    views
        Number of augmented versions of each photo.
    rule
        The competition's rule of pixels.
    versions
        Number of consecutive rows that are versions of one photo. Each epoch draws one.

    Returns
    -------
    PIL.Image.Image
        One row per photo: the decoded photo, then its versions in the first epochs of a training on these photos. The
        label is below each, with shares if photos are mixed.

    Raises
    ------
    UnreadablePhoto
        If a photo cannot be decoded.
    """
    chosen = np.array(_choose_varied_rows(targets[::versions], seed))
    rows = (versions * chosen[:, np.newaxis] + np.arange(versions)).ravel()
    selected = photos.select(rows)
    source = selected.rotate(make_photo_source(selected.files, size, rule))
    training = TrainingPhotos(source, targets[rows], versions)
    shown = [_load_epoch(training, len(chosen), 0, seed, "none")]
    shown += [_load_epoch(training, len(chosen), number, seed, augmentation) for number in range(views)]
    headings = ["as decoded", *(f"{augmentation}, epoch {number + 1}" for number in range(views))]
    return _draw_sheet(shown, headings, labels)


def _choose_varied_rows(targets: NDArray[np.float32], seed: int) -> list[int]:
    """Choose a few random rows: first one of each class, then a second one of each, and so on."""
    times_chosen: Counter[bytes] = Counter()
    ranked_rows = []
    for row in np.random.default_rng(seed).permutation(len(targets)):
        ranked_rows.append((times_chosen[targets[row].tobytes()], int(row)))
        times_chosen[targets[row].tobytes()] += 1
    return [row for _, row in sorted(ranked_rows, key=lambda turn: turn[0])[:MAX_PHOTOS]]


def _load_epoch(photos: TrainingPhotos, count: int, number: int, seed: int, augmentation: Augmentation) -> ShownPhotos:
    """Return all photos of one epoch, in their original order."""
    pixels, targets, _ = next(photos.iterate_epoch(number, batch_size=count, seed=seed, augmentation=augmentation))
    places = np.argsort(shuffle_rows(count, number, seed))
    return pixels[places], targets[places]


def _draw_sheet(shown: Sequence[ShownPhotos], headings: Sequence[str], labels: Sequence[str]) -> Image.Image:
    rows, size = shown[0][0].shape[:2]
    side = min(max(size, MIN_SHOWN_SIZE), MAX_SHOWN_SIZE)
    sheet = Image.new(
        "RGB", (len(shown) * (side + GAP) + GAP, LINE_HEIGHT + rows * (side + LINE_HEIGHT) + GAP), "white"
    )
    pen = ImageDraw.Draw(sheet)
    for column, ((pixels, targets), heading) in enumerate(zip(shown, headings, strict=True)):
        left = GAP + column * (side + GAP)
        _draw_text(pen, (left, 0), heading, side)
        for row, (photo, target) in enumerate(zip(pixels, targets, strict=True)):
            top = LINE_HEIGHT + row * (side + LINE_HEIGHT)
            # Pixels of small photos stay visible, because the network sees them.
            resampling = Image.Resampling.NEAREST if size < side else Image.Resampling.LANCZOS
            sheet.paste(Image.fromarray(photo).resize((side, side), resampling), (left, top))
            _draw_text(pen, (left, top + side), format_caption(target, labels), side)
    return sheet


def _draw_text(pen: ImageDraw.ImageDraw, position: tuple[int, int], text: str, width: int) -> None:
    """Write a line of text, truncated to fit the width."""
    font = ImageFont.load_default(FONT_SIZE)
    kept = text
    while kept and pen.textlength(kept + "..." * (kept != text), font) > width:
        kept = kept[:-1]
    pen.text(position, kept + "..." * (kept != text), "black", font)


def format_caption(target: NDArray[np.float32], labels: Sequence[str]) -> str:
    """Format the labels of a photo, the largest share first, such as ``cat``, or ``cat 0.70 dog 0.30`` if mixed."""
    shares = np.array([1 - target[0], target[0]]) if len(labels) == 2 and len(target) == 1 else target
    order = [index for index in np.argsort(-shares, kind="stable") if shares[index] >= 0.005]
    words = (labels[index] + ("" if shares[index] >= 0.995 else f" {shares[index]:.2f}") for index in order)
    return " ".join(words) or "no label"
