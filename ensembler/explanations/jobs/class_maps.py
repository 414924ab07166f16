"""Class activation maps of feature maps and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def compute_grad_cam(features: Array, gradients: Array) -> Array:
    """Weight each channel by its mean gradient: Grad-CAM (Selvaraju et al., ICCV 2017).

    Parameters
    ----------
    features, gradients
        Feature maps and the gradient of the score with respect to them, shape (photos, rows, columns, channels).

    Returns
    -------
    array of shape (photos, rows, columns)
        Map, positive where the photo speaks for the class.
    """
    return np.asarray(np.einsum("nrkc,nc->nrk", features, gradients.mean(axis=(1, 2))))


def compute_grad_cam_plus_plus(features: Array, gradients: Array) -> Array:
    """Weight the positive gradients of each channel by their share: Grad-CAM++ (Chattopadhay et al., WACV 2018)."""
    squares, sums = gradients**2, features.sum(axis=(1, 2), keepdims=True)
    below = 2 * squares + sums * gradients**3
    shares = np.divide(squares, below, out=np.zeros_like(squares), where=below != 0)
    return np.asarray(np.einsum("nrkc,nc->nrk", features, (shares * np.maximum(gradients, 0)).sum(axis=(1, 2))))


def compute_hires_cam(features: Array, gradients: Array) -> Array:
    """Multiply each feature by its own gradient: HiResCAM (Draelos and Carin, 2020)."""
    return np.asarray((features * gradients).sum(axis=-1))


def compute_layer_cam(features: Array, gradients: Array) -> Array:
    """Multiply each feature by its own gradient where that is positive: LayerCAM (Jiang et al., 2021)."""
    return np.asarray((features * np.maximum(gradients, 0)).sum(axis=-1))


def compute_input_map(pixels: Array, gradients: Array) -> Array:
    """Multiply the difference of each pixel from the photo's mean colour by its gradient, for networks without maps."""
    return compute_hires_cam(pixels - pixels.mean(axis=(1, 2), keepdims=True), gradients)


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    "Grad-CAM": compute_grad_cam,
    "Grad-CAM++": compute_grad_cam_plus_plus,
    "HiResCAM": compute_hires_cam,
    "LayerCAM": compute_layer_cam,
    "gradient times input": compute_input_map,
}
