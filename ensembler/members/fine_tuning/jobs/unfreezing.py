"""Trainable layers of a backbone and their learning rates."""

from __future__ import annotations

from typing import Any

from keras import layers

from ....backbones.blocks import compute_depths, find_first_layer
from ....options.phases import Phase
from ....options.settings import MemberSettings
from ...features.jobs.compute import build_member_backbone


def list_leaf_layers(model: Any) -> list[Any]:
    """List the layers of a model at any depth, in the order of the data flow."""
    return [
        leaf for layer in model.layers for leaf in (list_leaf_layers(layer) if hasattr(layer, "layers") else [layer])
    ]


def unfreeze(backbone: Any, phase: Phase) -> None:
    """Set the trainable layers of a phase. The model must be compiled afterwards.

    BatchNormalization layers follow ``phase.batch_norm`` regardless of their block. Frozen ones run in inference mode.

    Raises
    ------
    BadChoice
        If the phase names an unknown block.
    """
    backbone.trainable = True
    leaf_layers = list_leaf_layers(backbone)
    first = _find_first_trained(leaf_layers, phase.unfreeze)
    for place, layer in enumerate(leaf_layers):
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = phase.batch_norm == "train"
        else:
            layer.trainable = place >= first


def check_phases(settings: MemberSettings, weights: str) -> None:
    """Check that the backbone has the blocks that phases name, before features are computed for its head.

    Parameters
    ----------
    weights
        Source of the weights. Those of the registry are not loaded, because names do not depend on them.

    Raises
    ------
    BadChoice
        If a phase names an unknown block.
    """
    named = [phase.unfreeze for phase in settings.phases if phase.unfreeze.startswith("from:")]
    if named:
        backbone = build_member_backbone(settings, weights if settings.builder else "none")
        leaf_layers = list_leaf_layers(backbone)
        for what in named:
            _find_first_trained(leaf_layers, what)


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
    """Compute the learning rate of each weight of the backbone, relative to the head's.

    The rate grows geometrically from ``first_block_rate`` in the first block to 1 in the last, as in discriminative
    fine-tuning (Howard & Ruder, Universal Language Model Fine-tuning for Text Classification, 2018).

    Returns
    -------
    dict
        Rate by the ``id`` of the variable.
    """
    leaf_layers = list_leaf_layers(backbone)
    rates: dict[int, float] = {}
    for layer, depth in zip(leaf_layers, compute_depths([layer.name for layer in leaf_layers]), strict=True):
        for weight in layer.weights:
            rates[id(weight)] = first_block_rate ** (1 - depth)
    return rates
