"""Views inside a network: mirrored photos and corner crops, built of layers that plain Keras can load."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from ...competition.orientation.rotations import LEAST_PROBABILITY
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
    outputs = [model(flow) for flow in rotate_pixels(pixels)]
    return keras.Model(pixels, average_aligned(outputs), name=model.name)


def rotate_pixels(pixels: Any) -> list[Any]:
    """Return square photos, rotated by 0 to 3 quarter turns counter-clockwise."""
    transposed = ops.transpose(pixels, (0, 2, 1, 3))
    return [pixels, ops.flip(transposed, axis=1), ops.flip(pixels, axis=(1, 2)), ops.flip(transposed, axis=2)]


def average_aligned(predicted: list[Any]) -> Any:
    """Return the geometric mean of the probabilities of four rotations, as :func:`.align_angles` computes it.

    Parameters
    ----------
    predicted
        Keras tensors of the photos of :func:`rotate_pixels`, shape (photos, 4) each.
    """
    logarithms = [ops.log(ops.maximum(each, LEAST_PROBABILITY)) for each in predicted]
    aligned = [ops.roll(each, -turns, axis=1) if turns else each for turns, each in enumerate(logarithms)]
    return layers.Softmax(dtype="float32")(layers.Average(dtype="float32")(aligned))


def average_tensors(tensors: list[Any]) -> Any:
    """Return the mean of Keras tensors of the same shape."""
    return layers.Average(name="mean", dtype="float32")(tensors) if len(tensors) > 1 else tensors[0]
