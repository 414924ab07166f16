"""Backbones as Keras networks from pixels to pooled features, with preprocessing inside and published weights."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import math
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped] # h5py has no stubs
import keras
import numpy as np
from keras import layers

from ...errors import BadChoice
from ..registry import Backbone, Pooling, Preprocessing
from .build_errors import extract_first_line
from .custom_networks import load_custom_network

# Mean and standard deviation of ImageNet's photos (RGB, range 0 to 1), as keras.applications uses them.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


def build_backbone(
    backbone: Backbone, image_size: int, weights: str | Path, seed: int, pooling: Pooling = "average"
) -> Any:
    """Build the network from pixels to pooled features.

    Parameters
    ----------
    backbone
        Entry of the registry.
    image_size
        Height and width of the photos in pixels.
    weights
        ``imagenet`` (downloaded by Keras), ``none`` (random), or a file of weights without the top.
    seed
        Seed of the random weights.
    pooling
        Pooling over positions: ``average`` or ``max``.

    Returns
    -------
    keras.Model
        Model from pixels (0 to 255) of shape (batch, size, size, 3) to features of shape (batch, width).

    Raises
    ------
    BadChoice
        If the weights do not fit or cannot be downloaded, or the network cannot be built for this size.
    """
    keras.utils.set_random_seed(seed)
    network = (
        load_custom_network(backbone, image_size, weights)
        if backbone.is_custom
        else _build_without_top(backbone, image_size, weights, pooling)
    )
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    flow = network(preprocess(pixels, backbone.preprocessing))
    return keras.Model(pixels, _pool(flow, pooling), name=backbone.name)


def _pool(flow: Any, pooling: Pooling) -> Any:
    if len(flow.shape) == 2:
        # The network contains its own pooling.
        return layers.Identity(name="features")(flow)
    pool = layers.GlobalMaxPooling2D if pooling == "max" else layers.GlobalAveragePooling2D
    return pool(name="features")(flow)


def preprocess(pixels: Any, kind: Preprocessing) -> Any:
    """Apply the family's ``preprocess_input`` with layers that plain Keras can load."""
    if kind == "tf":
        return layers.Rescaling(1 / 127.5, offset=-1.0)(pixels)
    if kind == "torch":
        scale = [1 / (255 * deviation) for deviation in _DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)]
        return layers.Rescaling(scale, offset=offset)(pixels)
    if kind == "caffe":
        return layers.Rescaling(1.0, offset=[-mean for mean in _CAFFE_MEAN_BGR])(keras.ops.flip(pixels, axis=-1))
    return pixels


def _build_without_top(backbone: Backbone, image_size: int, weights: str | Path, pooling: Pooling) -> Any:
    module, function = backbone.builder.split(":")
    build = getattr(importlib.import_module(module), function)
    from_file = isinstance(weights, Path)
    try:
        network = build(
            input_shape=(image_size, image_size, 3),
            include_top=False,
            weights="imagenet" if weights == "imagenet" else None,
            pooling={"average": "avg", "max": "max"}[pooling] if backbone.pools_itself else None,
            **backbone.arguments,
        )
    except Exception as error:
        raise _explain_build_error(backbone, image_size, error) from error
    if not from_file:
        return network
    if function.startswith("EfficientNetB"):
        network = _add_imagenet_rescaling(network)
    return _load_weights(network, Path(weights), backbone.name)


def _explain_build_error(backbone: Backbone, image_size: int, error: Exception) -> Exception:
    """Turn an error of Keras into one sentence. An error that the user cannot cause is returned unchanged."""
    if "URL fetch failure" in str(error):
        return BadChoice(
            f"Cannot download the ImageNet weights of {backbone.name} ({error}): connect to the network, pass a folder "
            "of weights with --weights FOLDER, or train from scratch with `--weights none`."
        )
    if isinstance(error, ValueError):
        return BadChoice(
            f"{backbone.name} cannot be built for photos of {image_size} pixels: {extract_first_line(error)}"
        )
    return error


def _add_imagenet_rescaling(network: Any) -> Any:
    """Rebuild EfficientNetB0 to B7 as ``weights="imagenet"`` builds them.

    Keras divides by the square root of ImageNet's deviations after the Normalization layer only for "imagenet". The
    published weights need this division also when they are loaded from a local file.
    """

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        output = layer(*args, **kwargs)
        if isinstance(layer, layers.Normalization):
            return layers.Rescaling([1 / math.sqrt(deviation) for deviation in _DEVIATION])(output)
        return output

    return keras.models.clone_model(network, call_function=call)


def _load_weights(network: Any, weights: Path, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            # Keras only warns if the file lacks a part of the network, and leaves that part random.
            warnings.simplefilter("error", UserWarning)
            with _name_by_content(weights) as named:
                network.load_weights(named)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise BadChoice(
            f"The weights in {weights} do not fit {name} without its top ({extract_first_line(error)}): pass a folder "
            f"that contains {name}.weights.h5 as saved by that network."
        ) from error
    return network


@contextlib.contextmanager
def _name_by_content(weights: Path) -> Iterator[Path]:
    """Return a path of the file with the suffix by which Keras chooses the reader.

    Keras reads ``.weights.h5`` in its own format and any other ``.h5`` in the former one, whatever the file contains.
    """
    with h5py.File(weights) as file:
        is_former = "layer_names" in file.attrs or "model_weights" in file
    if weights.name.endswith(".h5") and is_former != weights.name.endswith(".weights.h5"):
        yield weights
        return
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / ("former.h5" if is_former else "own.weights.h5")
        shutil.copyfile(weights, named)
        yield named


def compute_model_digest(model: Any) -> str:
    """Compute a hash of all weights of a model, which identifies a network built by the user's function."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(str(weight.shape).encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
