"""How alike two small photos are, though one may have been compressed, scaled, brightened or cut a little."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from .perceptual_hash import SIDE

Photos = NDArray[np.float32]
Figures = NDArray[np.float32]
# Rows and columns that may have been cut off at a border: of 32, so up to a tenth.
_CUT = tuple(product(range(4), repeat=2))
# Cosines along a line below which a photo is a mere gradient of light, without detail.
_GRADIENT = 4
# Pixels whose channels differ by less, root mean square, are nearly grey: their hue is noise.
_NEARLY_GREY = 6.0


def normalised(photos: Photos) -> Photos:
    """Bring each photo, shape (photos, 32, 32), to mean 0 and length 1."""
    centred = photos - photos.mean(axis=(1, 2), keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(lengths, 1e-6), dtype=np.float32)


def likeness(one: Photos, other: Photos) -> tuple[Figures, Figures]:
    """Compare grey photos pixel by pixel.

    Parameters
    ----------
    one, other
        Shape (pairs, 32, 32).

    Returns
    -------
    tuple
        Correlation of the pixels, and of what is left of them without gradients of light, from -1 to 1. Blank skies and
        dark rooms are alike by the first alone.
    """
    details = normalised(without_gradients(one)), normalised(without_gradients(other))
    return _products(normalised(one), normalised(other)), _products(*details)


def laid_over(whole: Photos, cut: Photos) -> Photos:
    """Cut each photo as its partner may have been cut, at any of its borders, where it then fits best.

    Parameters
    ----------
    whole, cut
        Grey photos of shape (pairs, 32, 32).

    Returns
    -------
    array of shape (pairs, 32, 32)
        Photos of ``whole``, stretched again after the cut.
    """
    target = normalised(cut)
    return _best_fit(_best_fit(whole, target, axis=2), target, axis=1)


def _products(one: Photos, other: Photos) -> Figures:
    return np.asarray(np.einsum("pij,pij->p", one, other), dtype=np.float32)


def colour_likeness(one: Photos, other: Photos) -> Figures:
    """Compare hues: the cosine between the differences of the channels; 1 where a photo is nearly grey.

    Parameters
    ----------
    one, other
        Coloured photos of shape (pairs, height, width, 3), values 0 to 255.
    """
    first, second = _chroma(one), _chroma(other)
    lengths = np.sqrt(np.square(first).mean(axis=1)), np.sqrt(np.square(second).mean(axis=1))
    cosines = (first * second).mean(axis=1) / np.maximum(lengths[0] * lengths[1], 1e-6)
    return np.asarray(np.where(np.minimum(*lengths) < _NEARLY_GREY, 1.0, cosines), dtype=np.float32)


def _best_fit(whole: Photos, target: Photos, axis: int) -> Photos:
    """Stretch what lies between two lines of ``whole`` along one axis over all of it, where it correlates best."""
    best = np.full(len(whole), -2.0, np.float32)
    laid = np.empty_like(whole)
    for before, after in _CUT:
        lines = _stretching(before, after)
        tried = whole @ lines.T if axis == 2 else lines @ whole
        fit = _products(normalised(tried), target)
        better = fit > best
        best[better], laid[better] = fit[better], tried[better]
    return laid


def _stretching(before: int, after: int) -> Photos:
    """Return the matrix that interpolates lines ``before`` to ``32 - after`` to 32 lines."""
    places = np.clip((np.arange(SIDE) + 0.5) * (SIDE - before - after) / SIDE + before - 0.5, 0, SIDE - 1)
    below = np.minimum(places.astype(int), SIDE - 2)
    share = places - below
    matrix = np.zeros((SIDE, SIDE), np.float32)
    matrix[np.arange(SIDE), below] = 1 - share
    matrix[np.arange(SIDE), below + 1] = share
    return matrix


def without_gradients(photos: Photos) -> Photos:
    """Take slow changes of light away from grey photos of shape (photos, 32, 32)."""
    lines = np.cos(np.pi * np.arange(_GRADIENT)[:, None] * (np.arange(SIDE) + 0.5) / SIDE)
    lines /= np.sqrt(np.square(lines).sum(axis=1, keepdims=True))
    smooth = (lines.T @ lines).astype(np.float32)
    return np.asarray(photos - smooth @ photos @ smooth, dtype=np.float32)


def _chroma(photos: Photos) -> Photos:
    differences = np.stack([photos[..., 0] - photos[..., 1], photos[..., 2] - photos[..., 1]], axis=-1)
    return np.asarray(differences.reshape(len(photos), -1), dtype=np.float32)
