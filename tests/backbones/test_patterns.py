from __future__ import annotations

import pytest

from ensembler.backbones.patterns import match_backbones
from ensembler.backbones.registry import BACKBONES, find_min_size
from ensembler.errors import BadChoice


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["b0"], ["b0"]),
        (["b[01]", "b0"], ["b0", "b1"]),
        (["mobilenet-*"], ["mobilenet-0.75", "mobilenet-0.5", "mobilenet-0.25"]),
        (["vgg??", "v2[sm]"], ["v2s", "v2m", "vgg16", "vgg19"]),
        (["demo-conv"], ["demo-conv"]),
        (["EfficientNetV2[SM]", "ResNet50V2"], ["v2s", "v2m", "resnet50v2"]),
        (["efficientnetb[01]", "B7"], ["b0", "b1", "b7"]),
        (["EfficientNet-B[0-2]"], ["b0", "b1", "b2"]),
        (["mobilenet"], ["mobilenet"]),
        (["MobileNetV3Small", "mobilenetv2"], ["mobilenetv2", "mobilenetv3s"]),
        (["*v2"], ["mobilenetv2", "inceptionresnetv2", "resnet50v2", "resnet101v2", "resnet152v2"]),
    ],
    ids=str,
)
def test_patterns_name_backbones_in_the_order_of_the_registry(patterns: list[str], names: list[str]) -> None:
    assert [backbone.name for backbone in match_backbones(patterns)] == names


def test_without_a_pattern_all_but_the_demos_are_named() -> None:
    assert [backbone.name for backbone in match_backbones([])] == [
        name for name, backbone in BACKBONES.items() if not backbone.tiny
    ]
    assert len(match_backbones(["*"])) == len(match_backbones([])) == 50


@pytest.mark.parametrize("pattern", ["b9", "demo-*", "resnext*"])
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(BadChoice, match="There is no backbone named"):
        match_backbones(["b0", pattern])


@pytest.mark.parametrize(
    ("name", "size"), [("b7", 32), ("xception", 71), ("inceptionv3", 75), ("inceptionresnetv2", 75), ("demo-conv", 8)]
)
def test_the_smallest_photos(name: str, size: int) -> None:
    assert find_min_size(BACKBONES[name]) == size
