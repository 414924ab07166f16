"""Keras networks: a backbone with its preprocessing inside takes pixels to features, a head those to probabilities."""

from __future__ import annotations

import importlib
import math
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from ..errors import BadChoice
from .registry import Backbone, Preprocessing

# Of ImageNet's photos, in RGB and from 0 to 1; keras.applications uses the same figures.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


def build_backbone(backbone: Backbone, image_size: int, weights: str | Path, seed: int) -> Any:
    """Build the network from pixels to pooled features.

    Parameters
    ----------
    backbone
        Its entry in the registry.
    image_size
        Height and width of the photos in pixels.
    weights
        ``imagenet`` (Keras downloads them), ``none`` (random), or a file without top.
    seed
        Of random weights.

    Returns
    -------
    keras.Model
        Takes pixels from 0 to 255 of shape (batch, size, size, 3), gives features of shape (batch, width).

    Raises
    ------
    BadChoice
        If the weights do not fit or cannot be had, or the network does not exist at this size.
    """
    keras.utils.set_random_seed(seed)
    network = _without_top(backbone, image_size, weights)
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    flow = network(preprocess(pixels, backbone.preprocessing))
    features = layers.GlobalAveragePooling2D(name="features")(flow)
    return keras.Model(pixels, features, name=backbone.name)


def preprocess(pixels: Any, kind: Preprocessing) -> Any:
    """Do what the family's ``preprocess_input`` does, in layers that any Keras can load."""
    if kind == "tf":
        return layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    if kind == "torch":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return layers.Rescaling(scale, offset=offset)(pixels)
    if kind == "caffe":
        return layers.Rescaling(1.0, offset=[-mean for mean in _CAFFE_MEAN_BGR])(keras.ops.flip(pixels, axis=-1))
    return pixels


def _without_top(backbone: Backbone, image_size: int, weights: str | Path) -> Any:
    module, function = backbone.builder.split(":")
    build = getattr(importlib.import_module(module), function)
    from_file = isinstance(weights, Path)
    try:
        network = build(
            input_shape=(image_size, image_size, 3),
            include_top=False,
            weights="imagenet" if weights == "imagenet" else None,
            **backbone.arguments,
        )
    except Exception as error:
        raise _not_built(backbone, image_size, error) from error
    if not from_file:
        return network
    if function.startswith("EfficientNetB"):
        network = _with_imagenet_rescaling(network)
    return _load(network, Path(weights), backbone.name)


def _not_built(backbone: Backbone, image_size: int, error: Exception) -> Exception:
    """Turn what Keras says into a sentence; hand back what is a bug of ours rather than a person's choice."""
    if "URL fetch failure" in str(error):
        return BadChoice(
            f"Cannot download the ImageNet weights of {backbone.name} ({error}): connect to the network, or give a "
            "folder of weights with --weights FOLDER, or train from nothing with --weights none."
        )
    if isinstance(error, ValueError):
        return BadChoice(f"{backbone.name} cannot be built for photos of {image_size} pixels: {_first_line(error)}")
    return error


def _with_imagenet_rescaling(network: Any) -> Any:
    """Rebuild EfficientNetB0-B7 as ``weights="imagenet"`` builds them.

    Keras adds a division by the square root of ImageNet's deviations after the Normalization layer for "imagenet"
    alone, though its published weights need it from a local file just as much.
    """

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        output = layer(*args, **kwargs)
        if isinstance(layer, layers.Normalization):
            return layers.Rescaling([1 / math.sqrt(deviation) for deviation in _DEVIATION])(output)
        return output

    return keras.models.clone_model(network, call_function=call)


def _load(network: Any, weights: Path, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Keras only warns where a file lacks a part of the network, and leaves that part random.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(weights)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise BadChoice(
            f"The weights in {weights} do not fit {name} without top ({_first_line(error)}): give a folder with "
            f"{name}.weights.h5 as saved by that network."
        ) from error
    return network


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def freeze_batch_norm(model: Any) -> None:
    """Keep BatchNormalization in inference mode, at any depth of ``model``."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
        elif hasattr(layer, "layers"):
            freeze_batch_norm(layer)


def build_head(kernel: NDArray[np.float32], bias: NDArray[np.float32], *, exclusive: bool, name: str = "head") -> Any:
    """Make a Keras head of a linear one.

    Parameters
    ----------
    kernel, bias
        Weights of shape (width, outputs) and (outputs,).
    exclusive
        Softmax over the outputs instead of a sigmoid for each.
    name
        Of the model.
    """
    features = keras.Input((kernel.shape[0],), name="features")
    activation = "softmax" if exclusive else "sigmoid"
    # float32 whatever the policy: probabilities near 0 and 1 decide the log loss.
    dense = layers.Dense(kernel.shape[1], activation=activation, name="probabilities", dtype="float32")
    model = keras.Model(features, dense(features), name=name)
    dense.set_weights([kernel, bias])
    return model


def join(backbone: Any, head: Any, name: str) -> Any:
    """Put a head on a backbone: pixels to probabilities."""
    pixels = keras.Input(backbone.input_shape[1:], name="pixels")
    return keras.Model(pixels, head(backbone(pixels)), name=name)


def predict(model: Any, batches: Any, rows: int, batch_size: int, task: Any) -> NDArray[np.float32]:
    """Run ``model`` over batches of pixels.

    Parameters
    ----------
    model
        Gives an array of shape (batch, width).
    batches
        Yields arrays of at most ``batch_size`` photos, ``rows`` in all.
    rows, batch_size
        Sizes; a smaller last batch is filled up, so that the network is compiled for one shape only.
    task
        Hears how many photos are done.

    Returns
    -------
    array of shape (rows, width)
    """
    model.compile(jit_compile=False)
    result = np.empty((rows, model.output_shape[-1]), dtype=np.float32)
    done = 0
    for batch in batches:
        filled = np.concatenate([batch, np.zeros((batch_size - len(batch), *batch.shape[1:]), batch.dtype)])
        result[done : done + len(batch)] = np.asarray(model.predict_on_batch(filled))[: len(batch)]
        done += len(batch)
        task.advance(len(batch))
    task.finish()
    return result
