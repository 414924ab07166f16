from __future__ import annotations

import math

import keras
import pytest

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import BACKBONES, Backbone, find_backbone
from ensembler.members.fine_tuning.jobs.unfreezing import list_leaf_layers
from ensembler.options.batch_size import DEFAULT_BATCH_SIZE, MAX_BATCH_SIZE, choose_batch_size

GB = 10**9


@pytest.mark.parametrize(
    ("name", "size", "memory", "expected"),
    [
        ("b0", 224, 16 * GB, 64),
        ("b0", 224, 8 * GB, 32),
        ("b5", 456, 16 * GB, 4),
        ("b5", 456, 80 * GB, 16),
        ("mobilenetv2", 224, 4 * GB, 16),
        ("b7", 600, 1 * GB, 4),
        ("vgg16", 224, 16 * GB, 64),
    ],
)
def test_a_batch_fits_into_half_of_the_memory(name: str, size: int, memory: int, expected: int) -> None:
    assert choose_batch_size(find_backbone(name), size, memory) == expected


def test_more_memory_or_smaller_photos_never_make_it_smaller() -> None:
    for backbone in BACKBONES.values():
        by_memory = [choose_batch_size(backbone, backbone.image_size, n * GB) for n in (1, 4, 16, 80)]
        by_size = [choose_batch_size(backbone, size, 8 * GB) for size in (600, 300, 100, 32)]
        assert by_memory == sorted(by_memory)
        assert by_size == sorted(by_size)
        assert by_memory[-1] <= MAX_BATCH_SIZE


def test_of_an_unknown_backbone_nothing_is_assumed() -> None:
    assert (
        choose_batch_size(Backbone("own", "nets:build", 96, "inside", is_custom=True), 96, 80 * GB)
        == DEFAULT_BATCH_SIZE
    )


@pytest.mark.parametrize("name", ["mobilenetv2-0.35", "b0", "mobilenetv3s"])
def test_the_registry_counts_as_keras_does(name: str) -> None:
    backbone = find_backbone(name)
    with keras.StatelessScope() as scope:
        scope.initialize_variables = False
        model = build_backbone(backbone, 224, "none", 0)
    network = next(layer for layer in model.layers if hasattr(layer, "layers"))
    assert sum(math.prod(weight.shape) for weight in network.weights) == backbone.parameters
    outputs = [
        tensor for layer in list_leaf_layers(network) for node in layer._inbound_nodes for tensor in node.output_tensors
    ]
    counted = 4 * sum(math.prod(tensor.shape[1:]) for tensor in outputs) / 224**2
    assert backbone.activations == pytest.approx(counted, rel=0.02)
