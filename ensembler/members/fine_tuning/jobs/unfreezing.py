"""What is trained of a backbone, how fast, and what stays as it was pretrained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keras import layers

from ....backbones.blocks import compute_depths, find_first_layer
from ....options.phases import Phase


def list_leaf_layers(model: Any) -> list[Any]:
    """Layers of a model at any depth, in the order in which pixels pass them."""
    return list(_iterate_leaf_layers(model))


def _iterate_leaf_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _iterate_leaf_layers(layer)
        else:
            yield layer


def unfreeze(backbone: Any, phase: Phase) -> None:
    """Set what a phase trains of the backbone; the model has to be compiled after it.

    BatchNormalization follows ``phase.batch_norm`` alone, whatever block it is in: a frozen one is in inference mode.

    Raises
    ------
    BadChoice
        If there is no such block.
    """
    backbone.trainable = True
    leaf_layers = list_leaf_layers(backbone)
    first = _find_first_trained(leaf_layers, phase.unfreeze)
    for place, layer in enumerate(leaf_layers):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = phase.batch_norm == "train"
        else:
            layer.trainable = place >= first


def _find_first_trained(leaf_layers: list[Any], what: str) -> int:
    kind, _, detail = what.partition(":")
    if kind == "all":
        return 0
    if kind == "none":
        return len(leaf_layers)
    if kind == "from":
        return find_first_layer([layer.name for layer in leaf_layers], detail)
    weighted = [place for place, layer in enumerate(leaf_layers) if _has_kernel(layer)]
    return weighted[max(0, len(weighted) - int(detail))]


def _has_kernel(layer: Any) -> bool:
    return bool(layer.weights) and not isinstance(layer, layers.BatchNormalization | layers.Normalization)


def compute_layer_rates(backbone: Any, first_block_rate: float) -> dict[int, float]:
    """Learning rate of each of the backbone's weights, as a share of the head's.

    It grows geometrically from the first block's to 1 in the last, as in discriminative fine-tuning (Howard & Ruder,
    Universal Language Model Fine-tuning for Text Classification, 2018).

    Returns
    -------
    dict
        From the variable's ``id`` to its rate.
    """
    leaf_layers = list_leaf_layers(backbone)
    rates: dict[int, float] = {}
    for layer, depth in zip(leaf_layers, compute_depths([layer.name for layer in leaf_layers]), strict=True):
        for weight in layer.weights:
            rates[id(weight)] = first_block_rate ** (1 - depth)
    return rates
