from __future__ import annotations

import pytest

from ensembler.backbones.blocks import compute_depths, find_block, find_first_layer, list_blocks
from ensembler.errors import BadChoice


@pytest.mark.parametrize(
    ("layer", "block"),
    [
        ("block5a_expand_conv", "block5"),  # EfficientNet
        ("block_16_project_BN", "block16"),  # MobileNetV2
        ("conv_dw_13_relu", "block13"),  # MobileNet
        ("conv_pw_1", "block1"),
        ("expanded_conv_10_depthwise", "block10"),  # MobileNetV3
        ("conv4_block23_3_conv", "conv4"),  # ResNet, DenseNet
        ("convnext_tiny_stage_2_block_0_layer_scale", "stage2"),
        ("block3_conv2", "block3"),  # VGG
        ("block14_sepconv1_bn", "block14"),  # Xception
        ("mixed7", "mixed7"),  # Inception
        ("mixed_5b", "mixed5b"),
        ("block17_4_mixed", "block17"),
        ("stem_conv", None),
        ("conv1_conv", None),
        ("Conv1", None),
        ("conv2d_12", None),
        ("conv_1", None),
        ("conv_1_bn", None),
        ("Conv_1_bn", None),
        ("expanded_conv_project", None),
        ("top_activation", None),
    ],
)
def test_the_block_is_told_by_the_layers_name(layer: str, block: str | None) -> None:
    assert find_block(layer) == block


LAYERS = ["stem_conv", "block1a_dwconv", "block1a_add", "block2a_conv", "block2b_conv", "block3a_conv", "top_conv"]


def test_a_layer_without_a_block_belongs_to_the_one_before() -> None:
    assert list_blocks(LAYERS) == ["stem", "block1", "block1", "block2", "block2", "block3", "block3"]


@pytest.mark.parametrize(
    ("block", "place"),
    [("block2", 3), ("Block_2", 3), ("stem", 0), ("block3", 5), ("top_conv", 6), ("block2b-conv", 4)],
)
def test_a_block_begins_with_its_first_layer(block: str, place: int) -> None:
    assert find_first_layer(LAYERS, block) == place


def test_an_unknown_block_is_told_with_those_there_are() -> None:
    with pytest.raises(BadChoice, match=r"no block block7 .*stem, block1, block2, block3"):
        find_first_layer(LAYERS, "block7")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (LAYERS, [0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1]),
        (["a", "b", "c", "d", "e"], [0, 0.25, 0.5, 0.75, 1]),
        (["a"], [0]),
    ],
)
def test_depth_grows_from_block_to_block(layers: list[str], expected: list[float]) -> None:
    assert compute_depths(layers) == pytest.approx(expected)
