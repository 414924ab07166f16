from __future__ import annotations

import pytest

from ensembler.backbones.registry import BACKBONES, find_backbone, list_spellings, resolve_backbone_name
from ensembler.errors import BadChoice


def test_every_model_of_keras_applications_is_there() -> None:
    import keras

    models = {name for name in dir(keras.applications) if name[0].isupper()}
    built = {backbone.builder.split(":")[1] for backbone in BACKBONES.values() if "keras" in backbone.builder}
    assert built == models


@pytest.mark.parametrize(
    ("name", "function", "size"),
    [
        ("b0", "EfficientNetB0", 224),
        ("b7", "EfficientNetB7", 600),
        ("v2b3", "EfficientNetV2B3", 300),
        ("v2l", "EfficientNetV2L", 480),
        ("resnet50v2", "ResNet50V2", 224),
        ("densenet201", "DenseNet201", 224),
        ("convnextxl", "ConvNeXtXLarge", 224),
        ("nasnetlarge", "NASNetLarge", 331),
        ("inceptionv3", "InceptionV3", 299),
        ("mobilenetv3l", "MobileNetV3Large", 224),
    ],
)
def test_names_mean_what_they_say(name: str, function: str, size: int) -> None:
    backbone = find_backbone(name)
    assert backbone.builder == f"keras.applications:{function}"
    assert backbone.image_size == size


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("b0", "b0"),
        ("B0", "b0"),
        ("EfficientNetB0", "b0"),
        ("efficientnetb0", "b0"),
        ("efficientnet-b0", "b0"),
        ("EfficientNetV2S", "v2s"),
        ("efficientnet_v2_b3", "v2b3"),
        ("ResNet50V2", "resnet50v2"),
        ("resnet50-v2", "resnet50v2"),
        ("MobileNet", "mobilenet"),
        ("MobileNetV2-0.35", "mobilenetv2-0.35"),
        ("MobileNetV3Large-0.75", "mobilenetv3l-0.75"),
        ("ConvNeXtXLarge", "convnextxl"),
        ("mine", "mine"),
        ("MobileNetV2-0.36", "MobileNetV2-0.36"),
    ],
)
def test_names_of_keras_are_understood_in_any_case(typed: str, name: str) -> None:
    assert resolve_backbone_name(typed) == name


def test_no_two_backbones_share_a_spelling() -> None:
    spellings = [spelling for backbone in BACKBONES.values() for spelling in set(list_spellings(backbone))]
    assert len(set(spellings)) == len(spellings)


def test_every_function_of_keras_is_a_name() -> None:
    for backbone in BACKBONES.values():
        if not backbone.arguments and not backbone.tiny:
            assert find_backbone(backbone.builder.partition(":")[2]) == backbone


@pytest.mark.parametrize(
    ("name", "width"), [("mobilenet-0.5", 0.5), ("mobilenetv2-0.35", 0.35), ("mobilenetv2-1.4", 1.4)]
)
def test_other_widths_are_members_of_their_own(name: str, width: float) -> None:
    assert find_backbone(name).arguments == {"alpha": width}


@pytest.mark.parametrize(
    ("name", "near"), [("mobilenetv22", "mobilenetv2"), ("resnet5", "resnet50"), ("vgg-17", "vgg16")]
)
def test_an_unknown_name_gets_the_nearest(name: str, near: str) -> None:
    with pytest.raises(BadChoice, match=near):
        find_backbone(name)
