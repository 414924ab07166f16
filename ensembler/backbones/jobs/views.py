"""Views inside a network: mirrored photos and corner crops, built of layers that plain Keras can load."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from ...images.views import VIEWS, View, Views


def apply_view(pixels: Any, view: View) -> Any:
    """Apply one view to a batch of photos.

    Parameters
    ----------
    pixels
        Keras tensor of shape (batch, size, size, 3).
    view
        View to apply. It keeps the size of the photos.
    """
    size = int(pixels.shape[1])
    flow = pixels
    if view.corner is not None:
        left, upper, right, lower = view.compute_box(size)
        flow = layers.Cropping2D(((upper, size - lower), (left, size - right)))(flow)
        flow = layers.Resizing(size, size, interpolation="bilinear", dtype="float32")(flow)
    return ops.flip(flow, axis=2) if view.mirrored else flow


def add_view(model: Any, view: View) -> Any:
    """Return the model with a view applied to its input pixels."""
    if view == View():
        return model
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    return keras.Model(pixels, model(apply_view(pixels, view)), name=model.name)


def average_views(model: Any, views: Views) -> Any:
    """Average a network's predictions over views of each photo. The result contains the network once.

    Parameters
    ----------
    model
        Model from pixels to probabilities.
    views
        Name of the views, see :data:`ensembler.images.views.VIEWS`.
    """
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    outputs = [model(apply_view(pixels, view)) for view in VIEWS[views]]
    return keras.Model(pixels, average_tensors(outputs), name=model.name) if len(outputs) > 1 else model


def average_rotations(model: Any) -> Any:
    """Average a network's predictions of the four rotations of a photo. The result contains the network once.

    Parameters
    ----------
    model
        Model from pixels to the probabilities of the rotations by 0, 90, 180 and 270 degrees counter-clockwise. A photo
        that is rotated further by a quarter turn is of the next class.
    """
    pixels = keras.Input(model.input_shape[1:], name="pixels")
    outputs = [_roll(model(_rotate(pixels, turns)), -turns) for turns in range(4)]
    return keras.Model(pixels, average_tensors(outputs), name=model.name)


def _rotate(pixels: Any, turns: int) -> Any:
    """Rotate square photos by quarter turns counter-clockwise."""
    if turns in (1, 3):
        pixels = ops.transpose(pixels, (0, 2, 1, 3))
    axes = {0: (), 1: (1,), 2: (1, 2), 3: (2,)}[turns]
    for axis in axes:
        pixels = ops.flip(pixels, axis=axis)
    return pixels


def _roll(tensor: Any, shift: int) -> Any:
    return ops.roll(tensor, shift, axis=1) if shift else tensor


def average_tensors(tensors: list[Any]) -> Any:
    """Return the mean of Keras tensors of the same shape."""
    return layers.Average(name="mean", dtype="float32")(tensors) if len(tensors) > 1 else tensors[0]
