"""Networks of a person's own: built by their function, or read from their file, and looked at before they are used."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import keras

from ...errors import BadChoice
from ..custom import FILE_BUILDER
from ..registry import Backbone


def load_custom_network(backbone: Backbone, image_size: int, weights: str | Path) -> Any:
    """Return a person's own network without top.

    Parameters
    ----------
    backbone
        Its entry, see :func:`ensembler.backbones.custom.make_custom_backbone`.
    image_size
        Height and width of the photos in pixels.
    weights
        The ``.keras`` file where it is one.

    Returns
    -------
    keras.Model
        From photos to maps of shape (batch, rows, columns, width), or to features of shape (batch, width).

    Raises
    ------
    BadChoice
        If it cannot be had, or does not take photos of this size, or gives something else.
    """
    network = (
        _load_file(Path(weights)) if backbone.builder == FILE_BUILDER else _call_builder(backbone.builder, image_size)
    )
    source = str(weights) if backbone.builder == FILE_BUILDER else backbone.builder
    if not isinstance(network, keras.Model):
        raise BadChoice(f"{source} must give a Keras model. Received: {type(network).__name__}")
    input_shape, output_shape = network.input_shape, network.output_shape
    if not _can_take(input_shape, image_size):
        raise BadChoice(
            f"The network of {source} must take photos of shape ({image_size}, {image_size}, 3). "
            f"Received: {input_shape}"
        )
    if not isinstance(output_shape, tuple) or len(output_shape) not in (2, 4) or output_shape[-1] is None:
        raise BadChoice(
            f"The network of {source} must give maps (batch, rows, columns, width) or features (batch, width): leave "
            f"out its top. Received: {output_shape}"
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
            f"Cannot load {file} ({_extract_first_line(error)}): it must be a .keras file without layers of "
            "your own and "
            "without Lambda; give such a network as module:function."
        ) from error


def _call_builder(builder: str, image_size: int) -> Any:
    module, function = builder.split(":")
    try:
        build = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise BadChoice(
            f"Cannot import {builder} ({_extract_first_line(error)}): the module must lie in the folder in "
            "which you type the "
            "command, or be installed."
        ) from error
    try:
        return build(input_shape=(image_size, image_size, 3))
    except Exception as error:
        raise BadChoice(
            f"{builder}(input_shape=({image_size}, {image_size}, 3)) failed ({type(error).__name__}: "
            f"{_extract_first_line(error)}): correct the function."
        ) from error


def _extract_first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
