"""Similarity of two thumbnails, one of which may be compressed, scaled, brightened or slightly cropped."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .perceptual_hash import GREY_SIDE

Photos = NDArray[np.float32]
Correlations = NDArray[np.float32]
# Rows or columns, out of 32, that may have been cropped at both borders.
_CUTS = tuple(product(range(4), repeat=2))
# Number of cosines per line that form gradients of light, without detail.
_GRADIENT_COSINES = 4
# Root mean square of the differences of channels below which a photo is nearly grey, and its hue is noise.
_MIN_CHROMA = 6.0
# Height and width of coloured thumbnails, which need less detail.
COLOUR_SIDE = 8


class Thumbnail(NamedTuple):
    """Square thumbnail of 32 x 32 grey and 8 x 8 coloured pixels from 0 to 255."""

    grey: NDArray[np.uint8]
    colour: NDArray[np.uint8]


def make_thumbnail(photo: Image.Image) -> Thumbnail | None:
    """Return a photo's thumbnail, or None if the photo is smaller than one."""
    if min(photo.size) < GREY_SIDE:
        return None
    # Averaging whole pixels first is many times faster on large photos.
    small = photo.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    colour = small.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX)
    return Thumbnail(np.asarray(small.convert("L")), np.asarray(colour))


def normalise(photos: Photos) -> Photos:
    """Scale each photo of an array of shape (photos, 32, 32) to mean 0 and norm 1."""
    centred = photos - photos.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(lengths, 1e-6), dtype=np.float32)


def compute_similarity(one: Photos, other: Photos) -> tuple[Correlations, Correlations]:
    """Compare grey photos of shape (pairs, 32, 32) pixel by pixel.

    Returns
    -------
    tuple
        Correlation of the pixels, and correlation without gradients of light, each from -1 to 1. Only the second one
        distinguishes blank skies and dark rooms.
    """
    details = normalise(remove_gradients(one)), normalise(remove_gradients(other))
    return _correlate(normalise(one), normalise(other)), _correlate(*details)


def align_cut(whole: Photos, cut: Photos) -> Photos:
    """Crop and stretch each photo of ``whole`` so that it fits its partner in ``cut`` best.

    Both arrays contain grey photos of shape (pairs, 32, 32).
    """
    target = normalise(cut)
    return _fit_cut(_fit_cut(whole, target, axis=2), target, axis=1)


def _correlate(one: Photos, other: Photos) -> Correlations:
    return np.asarray(np.einsum("pij,pij->p", one, other), dtype=np.float32)


def compute_colour_similarity(one: Photos, other: Photos) -> Correlations:
    """Compare hues by the cosine between the differences of channels. The result is 1 if a photo is nearly grey.

    Photos have the shape (pairs, height, width, 3) and values from 0 to 255.
    """
    first, second = _compute_chroma(one), _compute_chroma(other)
    lengths = np.sqrt(np.square(first).mean(axis=1)), np.sqrt(np.square(second).mean(axis=1))
    cosines = (first * second).mean(axis=1) / np.maximum(lengths[0] * lengths[1], 1e-6)
    return np.asarray(np.where(np.minimum(*lengths) < _MIN_CHROMA, 1.0, cosines), dtype=np.float32)


def _fit_cut(whole: Photos, target: Photos, axis: int) -> Photos:
    """Crop and stretch ``whole`` along one axis so that it correlates best with ``target``."""
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
    """Return the matrix that interpolates the lines from ``before`` to ``32 - after`` to 32 lines."""
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
    """Remove gradients of light from grey photos of shape (photos, 32, 32)."""
    lines = np.cos(np.pi * np.arange(_GRADIENT_COSINES)[:, None] * (np.arange(GREY_SIDE) + 0.5) / GREY_SIDE)
    lines /= np.sqrt(np.square(lines).sum(axis=1, keepdims=True))
    smooth = (lines.T @ lines).astype(np.float32)
    return np.asarray(photos - smooth @ photos @ smooth, dtype=np.float32)


def _compute_chroma(photos: Photos) -> Photos:
    differences = np.stack([photos[..., 0] - photos[..., 1], photos[..., 2] - photos[..., 1]], axis=-1)
    return np.asarray(differences.reshape(len(photos), -1), dtype=np.float32)
