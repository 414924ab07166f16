"""Choice of the rule by which the unusual photos of a competition become pixels of 0 to 255.

The same number must be the same brightness in every photo, so all of them share one range, and a cut-out must not
disappear on its ground.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..competition.pixels import DEPTHS, Depth, Ground, PixelRule
from .conversion import Values, find_deep_pixels, is_transparent, may_be_transparent, read_values

# Grounds in the order of preference.
_GROUNDS: dict[Ground, int] = {"white": 255, "black": 0, "grey": 128}
# Height and width at which cut-outs are compared with grounds.
_CUT_OUT_SIDE = 64
# A cut-out whose visible pixels differ less from the ground, on average, is not seen. From 0 to 255.
_MIN_CONTRAST = 40.0
# Share of the cut-outs that must be seen on the first ground that is taken.
_MIN_SEEN = 0.9
# Pixels of each photo, and share of all pixels that may lie beyond the range at either end if this makes the range
# several times narrower, such as a few saturated pixels.
_SAMPLED_PIXELS, _RARE, _NARROWER = 256, 0.001, 8
# A range that the format suggests, such as 0 to 1, is taken if the photos use at least this share of it.
_MIN_USED = 1 / 8
# Share of the range below which all pixels of a faint photo lie, and share of faint photos that is told.
_FAINT, _MANY_FAINT = 1 / 16, 0.05
# Numbers beyond this stand for missing pixels.
_MAX_VALUE = 1e30


@dataclass(frozen=True)
class PixelFacts:
    """What is unusual about the pixels of one photo.

    Attributes
    ----------
    depth
        Kind of its numbers, None for 8 bits.
    low, high
        Least and greatest number, 0 for 8 bits.
    sample
        Some of its numbers.
    contrasts
        Average difference of its visible pixels from each ground. None if all pixels are opaque, empty if none is
        visible.
    """

    depth: Depth | None
    low: float
    high: float
    sample: NDArray[np.float64]
    contrasts: tuple[float, ...] | None


def measure_pixels(opened: Image.Image, path: Path) -> PixelFacts | None:
    """Measure what is unusual about a photo that is not loaded yet. Return None if nothing is."""
    deep = find_deep_pixels(opened)
    if deep is None:
        contrasts = _measure_contrasts(opened.convert("RGBA")) if may_be_transparent(opened) else None
        return None if contrasts is None else PixelFacts(None, 0, 0, np.empty(0), contrasts)
    photo = ImageOps.exif_transpose(opened)
    values = read_values(photo, path, deep, precise=False)
    present = values[np.isfinite(values) & (np.abs(values) < _MAX_VALUE)].astype(np.float64)
    if not len(present):
        present = np.zeros(1)
    # Rows of a photo are not sampled at regular distances, which could be the same column of each.
    sample = np.random.default_rng(0).choice(present, min(_SAMPLED_PIXELS, len(present)))
    high = float(present.max()) + (255 if deep.channels else 0)
    contrasts = _measure_contrasts(photo) if photo.mode == "RGBA" else None
    return PixelFacts(deep.depth, float(present.min()), high, sample, contrasts)


def choose_rule(photos: Collection[PixelFacts]) -> PixelRule:
    """Return the rule for photos of which something is unusual."""
    ranges = {}
    for depth in DEPTHS:
        if deep := [photo for photo in photos if photo.depth == depth]:
            low, high = min(photo.low for photo in deep), max(photo.high for photo in deep)
            ranges[depth] = choose_range(depth, low, high, np.concatenate([photo.sample for photo in deep]))
    contrasts = [photo.contrasts for photo in photos if photo.contrasts is not None]
    return PixelRule(choose_ground(contrasts) if contrasts else "", **ranges)


def choose_range(depth: Depth, low: float, high: float, sample: Values) -> tuple[float, float]:
    """Return the numbers that become 0 and 255.

    Parameters
    ----------
    depth
        Kind of the numbers.
    low, high
        Least and greatest number of all photos.
    sample
        Some numbers of all photos.
    """
    # A number such as -9999 or 65535 often stands for missing pixels, which may be many.
    for missing in (sample.min(), sample.max()):
        present = sample[sample != missing]
        if len(present) and 0 < _NARROWER * np.ptp(present) < high - low:
            sample, low, high = present, float(present.min()), float(present.max())
    usual_low, usual_high = (float(value) for value in np.quantile(sample, [_RARE, 1 - _RARE]))
    if 0 < _NARROWER * (usual_high - usual_low) < high - low:
        low, high = usual_low, usual_high
    if depth == "floats":
        for bounds in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
            if bounds[0] <= low and high <= bounds[1] and high >= _MIN_USED * bounds[1]:
                return bounds
        return _round_outward(low, high)
    if low >= 0:
        # Cameras and scanners count from 0 in some number of bits.
        return 0.0, float(max(255, 2 ** math.ceil(math.log2(high + 1)) - 1))
    return float(math.floor(low)), float(max(math.ceil(high), math.floor(low) + 1))


def choose_ground(contrasts: Collection[tuple[float, ...]]) -> Ground:
    """Return the ground on which cut-outs are seen. ``contrasts`` are those of :class:`PixelFacts`."""
    visible = [each for each in contrasts if each]
    if not visible:
        return "white"
    seen = (np.array(visible) >= _MIN_CONTRAST).mean(axis=0)
    good = np.flatnonzero(seen >= _MIN_SEEN)
    return list(_GROUNDS)[int(good[0] if len(good) else seen.argmax())]


def list_hidden_photos(photos: Mapping[str, PixelFacts], rule: PixelRule) -> list[str]:
    """Return the paths of cut-outs that can hardly be seen on the ground, if they are many."""
    if rule.ground not in _GROUNDS:
        return []
    place = list(_GROUNDS).index(rule.ground)
    cut_outs = {path: photo.contrasts for path, photo in photos.items() if photo.contrasts}
    hidden = [path for path, contrasts in cut_outs.items() if contrasts[place] < _MIN_CONTRAST]
    return hidden if len(hidden) > (1 - _MIN_SEEN) * len(cut_outs) else []


def list_faint_photos(photos: Mapping[str, PixelFacts], rule: PixelRule) -> list[str]:
    """Return the paths of photos that use so little of the range that they become almost black, if they are many."""
    faint = []
    for depth in DEPTHS:
        deep = {path: photo for path, photo in photos.items() if photo.depth == depth}
        if deep:
            low, high = rule.get_range(depth)
            dark = [path for path, photo in deep.items() if photo.high < low + _FAINT * (high - low)]
            faint += dark if len(dark) > _MANY_FAINT * len(deep) else []
    return faint


def _measure_contrasts(rgba: Image.Image) -> tuple[float, ...] | None:
    """Return the contrasts of a photo with transparent pixels, None if all are opaque."""
    if not is_transparent(rgba):
        return None
    small = rgba.resize((_CUT_OUT_SIDE, _CUT_OUT_SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    pixels = np.asarray(small, dtype=np.float64)
    colours, shares = pixels[..., :3], pixels[..., 3]
    if not shares.any():
        return ()
    differences = [np.abs(colours - level).max(axis=-1) for level in _GROUNDS.values()]
    return tuple(float((difference * shares).sum() / shares.sum()) for difference in differences)


def _round_outward(low: float, high: float) -> tuple[float, float]:
    """Round a range to three digits of its width, so that no number is lost."""
    if not low < high:
        return low, low + 1
    digits = 2 - math.floor(math.log10(high - low))
    step = 10.0**-digits
    return round(math.floor(low / step) * step, digits), round(math.ceil(high / step) * step, digits)
