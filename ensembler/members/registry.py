"""The registry of backbones: every model of ``keras.applications``, other widths, and the demo's small networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..errors import BadChoice

# What keras.applications' own ``preprocess_input`` does to pixels for the family:
# inside: nothing, the network does it itself; tf: to -1..1; torch: to 0..1, then ImageNet's mean and deviation;
# caffe: BGR less ImageNet's mean.
Preprocessing = Literal["inside", "tf", "torch", "caffe"]


@dataclass(frozen=True)
class Backbone:
    """How to build one network without top.

    Attributes
    ----------
    name
        What a person types.
    builder
        ``module:function`` that takes ``input_shape``, ``include_top``, ``weights`` and the arguments.
    image_size
        Height and width in pixels that it was trained on.
    preprocessing
        What is done to pixels from 0 to 255 before they enter.
    arguments
        Further arguments of the builder.
    tiny
        Trained within seconds, so that its folds share one process.
    """

    name: str
    builder: str
    image_size: int
    preprocessing: Preprocessing
    arguments: dict[str, float | bool] = field(default_factory=dict)
    tiny: bool = False


def _keras(name: str, function: str, size: int, preprocessing: Preprocessing, **arguments: float | bool) -> Backbone:
    return Backbone(name, f"keras.applications:{function}", size, preprocessing, arguments)


def _demo(name: str, function: str) -> Backbone:
    return Backbone(name, f"ensembler.members.demo_networks:{function}", 8, "tf", tiny=True)


_EFFICIENTNET_SIZES = (224, 240, 260, 300, 380, 456, 528, 600)

_ALL = (
    *(_keras(f"b{n}", f"EfficientNetB{n}", size, "inside") for n, size in enumerate(_EFFICIENTNET_SIZES)),
    *(_keras(f"v2b{n}", f"EfficientNetV2B{n}", _EFFICIENTNET_SIZES[n], "inside") for n in range(4)),
    _keras("v2s", "EfficientNetV2S", 384, "inside"),
    _keras("v2m", "EfficientNetV2M", 480, "inside"),
    _keras("v2l", "EfficientNetV2L", 480, "inside"),
    _keras("mobilenet", "MobileNet", 224, "tf"),
    _keras("mobilenet-0.75", "MobileNet", 192, "tf", alpha=0.75),
    _keras("mobilenet-0.5", "MobileNet", 160, "tf", alpha=0.5),
    _keras("mobilenet-0.25", "MobileNet", 128, "tf", alpha=0.25),
    _keras("mobilenetv2", "MobileNetV2", 224, "tf"),
    *(_keras(f"mobilenetv2-{a}", "MobileNetV2", 224, "tf", alpha=a) for a in (0.35, 0.5, 0.75, 1.3, 1.4)),
    _keras("mobilenetv3s", "MobileNetV3Small", 224, "inside"),
    _keras("mobilenetv3s-0.75", "MobileNetV3Small", 224, "inside", alpha=0.75),
    _keras("mobilenetv3l", "MobileNetV3Large", 224, "inside"),
    _keras("mobilenetv3l-0.75", "MobileNetV3Large", 224, "inside", alpha=0.75),
    _keras("inceptionv3", "InceptionV3", 299, "tf"),
    _keras("inceptionresnetv2", "InceptionResNetV2", 299, "tf"),
    _keras("xception", "Xception", 299, "tf"),
    *(_keras(f"resnet{n}", f"ResNet{n}", 224, "caffe") for n in (50, 101, 152)),
    *(_keras(f"resnet{n}v2", f"ResNet{n}V2", 224, "tf") for n in (50, 101, 152)),
    *(_keras(f"densenet{n}", f"DenseNet{n}", 224, "torch") for n in (121, 169, 201)),
    _keras("nasnetmobile", "NASNetMobile", 224, "tf"),
    _keras("nasnetlarge", "NASNetLarge", 331, "tf"),
    _keras("vgg16", "VGG16", 224, "caffe"),
    _keras("vgg19", "VGG19", 224, "caffe"),
    *(
        _keras(f"convnext{letter}", f"ConvNeXt{size}", 224, "inside")
        for letter, size in (("t", "Tiny"), ("s", "Small"), ("b", "Base"), ("l", "Large"), ("xl", "XLarge"))
    ),
    _demo("demo-dense", "dense_network"),
    _demo("demo-conv", "conv_network"),
    _demo("demo-separable", "separable_network"),
)

BACKBONES: dict[str, Backbone] = {backbone.name: backbone for backbone in _ALL}


def find_backbone(name: str) -> Backbone:
    """Return the backbone that a person named.

    Raises
    ------
    BadChoice
        If there is none of that name; the nearest are suggested.
    """
    if name not in BACKBONES:
        raise BadChoice.unknown("backbone", name, BACKBONES)
    return BACKBONES[name]
