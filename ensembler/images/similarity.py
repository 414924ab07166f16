"""Similarity of two thumbnails, one of which may be compressed, scaled, brightened or cropped a little."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .perceptual_hash import GREY_SIDE

Photos = NDArray[np.float32]
Correlations = NDArray[np.float32]
# Rows and columns that may have been cut off at a border: of 32, so up to a tenth.
_CUTS = tuple(product(range(4), repeat=2))
# Cosines along a line below which a photo is a mere gradient of light, without detail.
_GRADIENT_COSINES = 4
# Pixels whose channels differ by less, root mean square, are nearly grey: their hue is noise.
_MIN_CHROMA = 6.0
# Height and width of coloured thumbnails: colours need no detail.
COLOUR_SIDE = 8


class Thumbnail(NamedTuple):
    """A photo as 32 x 32 grey and 8 x 8 coloured pixels, values 0 to 255, whatever its shape was."""

    grey: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def make_thumbnail(photo: Image.Image) -> Thumbnail | None:
    """Return a photo's thumbnail; None if the photo is smaller, and so has too little detail to compare."""
    if min(photo.size) < GREY_SIDE:
        return None
    # Whole pixels are averaged first, which is many times faster on large photos.
    small = photo.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    colour = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    return Thumbnail(np.asarray(small.convert("L")), np.asarray(colour))


def normalise(photos: Photos) -> Photos:
    """Scale each photo, shape (photos, 32, 32), to mean 0 and norm 1."""
    centred = photos - photos.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(lengths, 1e-6), dtype=np.float32)


def compute_similarity(one: Photos, other: Photos) -> tuple[Correlations, Correlations]:
    """Compare grey photos of shape (pairs, 32, 32) pixel by pixel.

    Returns the correlation of the pixels, and of what is left of them without gradients of light, from -1 to 1. Blank
    skies and dark rooms are alike by the first alone.
    """
    details = normalise(remove_gradients(one)), normalise(remove_gradients(other))
    return _correlate(normalise(one), normalise(other)), _correlate(*details)


def align_cut(whole: Photos, cut: Photos) -> Photos:
    """Crop each photo as its partner may have been cropped, where it then fits best.

    Grey photos have the shape (pairs, 32, 32); those of ``whole`` are returned, cropped and stretched.
    """
    target = normalise(cut)
    return _fit_cut(_fit_cut(whole, target, axis=2), target, axis=1)


def _correlate(one: Photos, other: Photos) -> Correlations:
    return np.asarray(np.einsum("pij,pij->p", one, other), dtype=np.float32)


def compute_colour_similarity(one: Photos, other: Photos) -> Correlations:
    """Compare hues: the cosine between the differences of the channels; 1 where a photo is nearly grey.

    Photos have the shape (pairs, height, width, 3) and values from 0 to 255.
    """
    first, second = _compute_chroma(one), _compute_chroma(other)
    lengths = np.sqrt(np.square(first).mean(axis=1)), np.sqrt(np.square(second).mean(axis=1))
    cosines = (first * second).mean(axis=1) / np.maximum(lengths[0] * lengths[1], 1e-6)
    return np.asarray(np.where(np.minimum(*lengths) < _MIN_CHROMA, 1.0, cosines), dtype=np.float32)


def _fit_cut(whole: Photos, target: Photos, axis: int) -> Photos:
    """Stretch the part between two lines of ``whole`` along one axis over all of it, where it correlates best."""
    best = np.full(len(whole), -2.0, np.float32)
    fitted = np.empty_like(whole)
    for before, after in _CUTS:
        lines = _build_stretch_matrix(before, after)
        candidate = whole @ lines.T if axis == 2 else lines @ whole
        fit = _correlate(normalise(candidate), target)
        better = fit > best
        best[better], fitted[better] = fit[better], candidate[better]
    return fitted


def _build_stretch_matrix(before: int, after: int) -> Photos:
    """Return the matrix that interpolates lines ``before`` to ``32 - after`` to 32 lines."""
    places = np.clip(
        (np.arange(GREY_SIDE) + 0.5) * (GREY_SIDE - before - after) / GREY_SIDE + before - 0.5, 0, GREY_SIDE - 1
    )
    below = np.minimum(places.astype(int), GREY_SIDE - 2)
    share = places - below
    matrix = np.zeros((GREY_SIDE, GREY_SIDE), np.float32)
    matrix[np.arange(GREY_SIDE), below] = 1 - share
    matrix[np.arange(GREY_SIDE), below + 1] = share
    return matrix


def remove_gradients(photos: Photos) -> Photos:
    """Remove slow changes of light from grey photos of shape (photos, 32, 32)."""
    lines = np.cos(np.pi * np.arange(_GRADIENT_COSINES)[:, None] * (np.arange(GREY_SIDE) + 0.5) / GREY_SIDE)
    lines /= np.sqrt(np.square(lines).sum(axis=1, keepdims=True))
    smooth = (lines.T @ lines).astype(np.float32)
    return np.asarray(photos - smooth @ photos @ smooth, dtype=np.float32)


def _compute_chroma(photos: Photos) -> Photos:
    differences = np.stack([photos[..., 0] - photos[..., 1], photos[..., 2] - photos[..., 1]], axis=-1)
    return np.asarray(differences.reshape(len(photos), -1), dtype=np.float32)
