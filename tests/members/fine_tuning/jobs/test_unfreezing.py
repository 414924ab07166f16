from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.errors import BadChoice
from ensembler.members.fine_tuning.jobs.unfreezing import check_phases, compute_layer_rates, list_leaf_layers, unfreeze
from ensembler.options.phases import BatchNorm, Phase
from ensembler.options.resolve import choose_settings


@pytest.fixture(scope="module")
def backbone() -> Any:
    return build_backbone(find_backbone("mobilenetv2-0.35"), 32, "none", 0)


def trained(backbone: Any, what: str, batch_norm: BatchNorm = "frozen") -> list[str]:
    unfreeze(backbone, Phase(what, 1, 1e-3, batch_norm))
    return [layer.name for layer in list_leaf_layers(backbone) if layer.trainable_weights]


def kernels(backbone: Any) -> list[str]:
    return [
        layer.name
        for layer in list_leaf_layers(backbone)
        if layer.weights and not isinstance(layer, layers.BatchNormalization)
    ]


@pytest.mark.parametrize(
    ("what", "first"),
    [("all", "Conv1"), ("from:block14", "block_14_expand"), ("from:Conv_1", "Conv_1"), ("last:2", "block_16_project")],
)
def test_what_is_unfrozen_reaches_to_the_end(backbone: Any, what: str, first: str) -> None:
    names = kernels(backbone)
    assert trained(backbone, what) == names[names.index(first) :]


def test_nothing_is_unfrozen_by_none_and_no_more_than_there_is_by_last(backbone: Any) -> None:
    assert trained(backbone, "none") == []
    assert trained(backbone, "last:10000") == kernels(backbone)


@pytest.mark.parametrize("what", ["none", "from:block14", "all"])
def test_batch_norm_is_trained_everywhere_or_nowhere(backbone: Any, what: str) -> None:
    norms = {layer.name for layer in list_leaf_layers(backbone) if isinstance(layer, layers.BatchNormalization)}
    assert len(norms) == 52
    assert set(trained(backbone, what, "train")) >= norms
    assert not set(trained(backbone, what, "frozen")) & norms


def test_an_unknown_block_is_refused(backbone: Any) -> None:
    with pytest.raises(BadChoice, match=r"no block block17 .*block16"):
        trained(backbone, "from:block17")


def test_blocks_of_all_phases_are_checked_before_any_weights_are_loaded() -> None:
    def check(*named: str) -> None:
        phases = [f"{what} epochs=1 learning-rate=1e-3" for what in named]
        settings, _ = choose_settings(
            find_backbone("mobilenetv2-0.35"), {"weights": "none", "image_size": 32, "phases": phases}
        )
        check_phases(settings, "/nowhere")

    check("none", "from:block14")
    with pytest.raises(BadChoice, match=r"no block nope .*block16"):
        check("none", "from:block14", "from:nope")


def test_frozen_layers_do_not_move_in_training_and_others_do(backbone: Any) -> None:
    unfreeze(backbone, Phase("from:block14", 1, 1e-3, "frozen"))
    before = {layer.name: layer.get_weights() for layer in list_leaf_layers(backbone)}
    backbone.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", jit_compile=False)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    backbone.train_on_batch(pixels, np.ones((2, backbone.output_shape[-1])))
    moved = {
        layer.name
        for layer in list_leaf_layers(backbone)
        if any(not np.array_equal(*pair) for pair in zip(layer.get_weights(), before[layer.name], strict=True))
    }
    names = kernels(backbone)
    assert moved
    assert moved <= set(names[names.index("block_14_expand") :])


def test_rates_grow_from_the_first_block_to_the_last(backbone: Any) -> None:
    unfreeze(backbone, Phase("all", 1, 1e-3, "train"))
    rates = compute_layer_rates(backbone, 0.1)
    by_layer = [
        [rates[id(weight)] for weight in layer.weights] for layer in list_leaf_layers(backbone) if layer.weights
    ]
    firsts = [each[0] for each in by_layer]
    assert all(len(set(each)) == 1 for each in by_layer)
    assert firsts == sorted(firsts)
    assert (firsts[0], firsts[-1]) == (pytest.approx(0.1), 1)
    assert len(set(firsts)) == 17  # the stem and 16 blocks
    assert set(compute_layer_rates(backbone, 1.0).values()) == {1.0}
