"""Custom networks: built by the user's function or loaded from the user's file, and checked before use."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import keras

from ...errors import BadChoice
from ..custom import FILE_BUILDER
from ..registry import Backbone
from .build_errors import extract_first_line


def load_custom_network(backbone: Backbone, image_size: int, weights: str | Path) -> Any:
    """Return the user's network without its top.

    Parameters
    ----------
    backbone
        Entry made by :func:`ensembler.backbones.custom.make_custom_backbone`.
    image_size
        Height and width of the photos in pixels.
    weights
        Path of the ``.keras`` file. Ignored for a function.

    Returns
    -------
    keras.Model
        Model from photos to feature maps of shape (batch, rows, columns, width) or features of shape (batch, width).

    Raises
    ------
    BadChoice
        If the network cannot be loaded, does not accept photos of this size, or has another output shape.
    """
    network = (
        _load_file(Path(weights)) if backbone.builder == FILE_BUILDER else _call_builder(backbone.builder, image_size)
    )
    source = str(weights) if backbone.builder == FILE_BUILDER else backbone.builder
    if not isinstance(network, keras.Model):
        raise BadChoice(f"{source} must return a Keras model. Received: {type(network).__name__}")
    input_shape, output_shape = network.input_shape, network.output_shape
    if not _can_take(input_shape, image_size):
        raise BadChoice(
            f"The network of {source} must accept photos of shape ({image_size}, {image_size}, 3). "
            f"Received: {input_shape}"
        )
    if not isinstance(output_shape, tuple) or len(output_shape) not in (2, 4) or output_shape[-1] is None:
        raise BadChoice(
            f"The network of {source} must return feature maps (batch, rows, columns, width) or features "
            f"(batch, width): remove its top. Received: {output_shape}"
        )
    return network


def _can_take(shape: Any, size: int) -> bool:
    if not isinstance(shape, tuple) or len(shape) != 4:
        return False
    return all(there in (None, wanted) for there, wanted in zip(shape, (None, size, size, 3), strict=True))


def _load_file(file: Path) -> Any:
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise BadChoice(
            f"Cannot load {file} ({extract_first_line(error)}): the file must contain no custom layers and no Lambda; "
            "pass such a network as module:function."
        ) from error


def _call_builder(builder: str, image_size: int) -> Any:
    module, function = builder.split(":")
    try:
        build = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BadChoice(
            f"Cannot import {builder} ({extract_first_line(error)}): the module must be installed or lie in the "
            "current folder."
        ) from error
    try:
        return build(input_shape=(image_size, image_size, 3))
    except Exception as error:
        raise BadChoice(
            f"{builder}(input_shape=({image_size}, {image_size}, 3)) failed ({type(error).__name__}: "
            f"{extract_first_line(error)}): correct the function."
        ) from error
