"""The registry of backbones: all models of ``keras.applications``, other widths, and the demo's small networks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import BadChoice

# Preprocessing by the ``preprocess_input`` of each family in keras.applications. inside: none, the network contains it;
# tf: scaled to -1..1; torch: scaled to 0..1, then standardised by ImageNet's mean and deviation; caffe: BGR minus
# ImageNet's mean.
Preprocessing = Literal["inside", "tf", "torch", "caffe"]
Pooling = Literal["average", "max"]
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Backbone:
    """Description of how to build one network without its top.

    Attributes
    ----------
    name
        Name that the user types.
    builder
        ``module:function`` that accepts ``input_shape``, ``include_top``, ``weights`` and ``arguments``.
    image_size
        Height and width in pixels at which the network was trained.
    preprocessing
        Preprocessing of pixels (0 to 255) before the network.
    arguments
        Additional arguments of the builder.
    tiny
        Whether training takes seconds, so that all folds share one process.
    pools_itself
        Whether the builder pools over positions, because a layer of the network follows the pooling.
    is_custom
        Whether the user provides the network. The builder is then ``file``, or a ``module:function`` that accepts only
        ``input_shape``.
    parameters
        Number of weights. 0 if unknown.
    activations
        Bytes of float32 activations that backpropagation keeps for each pixel of a photo. 0 if unknown.
    file
        Path of the ``.keras`` file of a custom network. None for a function.
    """

    name: str
    builder: str
    image_size: int
    preprocessing: Preprocessing
    arguments: dict[str, float | bool] = field(default_factory=dict)
    tiny: bool = False
    pools_itself: bool = False
    is_custom: bool = False
    parameters: int = 0
    activations: int = 0
    file: Path | None = None


# Parameters without the top, and bytes of activations per pixel: all outputs of all layers at the network's own size.
_COSTS = {
    "b0": (4_049_571, 2_002),
    "b1": (6_575_239, 2_788),
    "b2": (7_768_569, 3_012),
    "b3": (10_783_535, 3_889),
    "b4": (17_673_823, 4_988),
    "b5": (28_513_527, 6_892),
    "b6": (40_960_143, 8_690),
    "b7": (64_097_687, 11_623),
    "v2b0": (5_919_312, 1_289),
    "v2b1": (6_931_124, 1_749),
    "v2b2": (8_769_374, 2_000),
    "v2b3": (12_930_622, 2_399),
    "v2s": (20_331_360, 3_341),
    "v2m": (53_150_388, 5_419),
    "v2l": (117_746_848, 9_547),
    "mobilenet": (3_228_864, 1_343),
    "mobilenet-0.75": (1_832_976, 1_011),
    "mobilenet-0.5": (829_536, 678),
    "mobilenet-0.25": (218_544, 346),
    "mobilenetv2": (2_257_984, 1_739),
    "mobilenetv2-0.35": (410_208, 755),
    "mobilenetv2-0.5": (706_224, 953),
    "mobilenetv2-0.75": (1_382_064, 1_538),
    "mobilenetv2-1.3": (3_766_048, 2_346),
    "mobilenetv2-1.4": (4_363_712, 2_491),
    "mobilenetv3s": (939_120, 427),
    "mobilenetv3s-0.75": (583_160, 395),
    "mobilenetv3l": (2_996_352, 1_230),
    "mobilenetv3l-0.75": (1_808_736, 1_118),
    "inceptionv3": (21_802_784, 1_456),
    "inceptionresnetv2": (54_336_736, 3_633),
    "xception": (20_861_480, 2_818),
    "resnet50": (23_587_712, 2_959),
    "resnet101": (42_658_176, 4_455),
    "resnet152": (58_370_944, 6_303),
    "resnet50v2": (23_564_800, 2_501),
    "resnet101v2": (42_626_560, 4_086),
    "resnet152v2": (58_331_648, 6_039),
    "densenet121": (7_037_504, 3_980),
    "densenet169": (12_642_880, 4_790),
    "densenet201": (18_321_984, 6_161),
    "nasnetmobile": (4_269_716, 2_207),
    "nasnetlarge": (84_916_818, 10_608),
    "vgg16": (14_714_688, 1_214),
    "vgg19": (20_024_384, 1_318),
    "convnextt": (27_820_128, 2_361),
    "convnexts": (49_454_688, 3_765),
    "convnextb": (87_566_464, 5_012),
    "convnextl": (196_230_336, 7_506),
    "convnextxl": (348_147_968, 10_000),
}


def _make_keras(
    name: str, function: str, size: int, preprocessing: Preprocessing, **arguments: float | bool
) -> Backbone:
    parameters, activations = _COSTS[name]
    return Backbone(
        name,
        f"keras.applications:{function}",
        size,
        preprocessing,
        arguments,
        # Keras places ConvNeXt's last normalization after the pooling.
        pools_itself=function.startswith("ConvNeXt"),
        parameters=parameters,
        activations=activations,
    )


def _make_demo(name: str, function: str) -> Backbone:
    return Backbone(name, f"ensembler.backbones.jobs.demo_networks:{function}", 8, "tf", tiny=True)


_EFFICIENTNET_SIZES = (224, 240, 260, 300, 380, 456, 528, 600)

_ALL = (
    *(_make_keras(f"b{n}", f"EfficientNetB{n}", size, "inside") for n, size in enumerate(_EFFICIENTNET_SIZES)),
    *(_make_keras(f"v2b{n}", f"EfficientNetV2B{n}", _EFFICIENTNET_SIZES[n], "inside") for n in range(4)),
    _make_keras("v2s", "EfficientNetV2S", 384, "inside"),
    _make_keras("v2m", "EfficientNetV2M", 480, "inside"),
    _make_keras("v2l", "EfficientNetV2L", 480, "inside"),
    _make_keras("mobilenet", "MobileNet", 224, "tf"),
    _make_keras("mobilenet-0.75", "MobileNet", 192, "tf", alpha=0.75),
    _make_keras("mobilenet-0.5", "MobileNet", 160, "tf", alpha=0.5),
    _make_keras("mobilenet-0.25", "MobileNet", 128, "tf", alpha=0.25),
    _make_keras("mobilenetv2", "MobileNetV2", 224, "tf"),
    *(_make_keras(f"mobilenetv2-{a}", "MobileNetV2", 224, "tf", alpha=a) for a in (0.35, 0.5, 0.75, 1.3, 1.4)),
    _make_keras("mobilenetv3s", "MobileNetV3Small", 224, "inside"),
    _make_keras("mobilenetv3s-0.75", "MobileNetV3Small", 224, "inside", alpha=0.75),
    _make_keras("mobilenetv3l", "MobileNetV3Large", 224, "inside"),
    _make_keras("mobilenetv3l-0.75", "MobileNetV3Large", 224, "inside", alpha=0.75),
    _make_keras("inceptionv3", "InceptionV3", 299, "tf"),
    _make_keras("inceptionresnetv2", "InceptionResNetV2", 299, "tf"),
    _make_keras("xception", "Xception", 299, "tf"),
    *(_make_keras(f"resnet{n}", f"ResNet{n}", 224, "caffe") for n in (50, 101, 152)),
    *(_make_keras(f"resnet{n}v2", f"ResNet{n}V2", 224, "tf") for n in (50, 101, 152)),
    *(_make_keras(f"densenet{n}", f"DenseNet{n}", 224, "torch") for n in (121, 169, 201)),
    _make_keras("nasnetmobile", "NASNetMobile", 224, "tf"),
    _make_keras("nasnetlarge", "NASNetLarge", 331, "tf"),
    _make_keras("vgg16", "VGG16", 224, "caffe"),
    _make_keras("vgg19", "VGG19", 224, "caffe"),
    *(
        _make_keras(f"convnext{letter}", f"ConvNeXt{size}", 224, "inside")
        for letter, size in (("t", "Tiny"), ("s", "Small"), ("b", "Base"), ("l", "Large"), ("xl", "XLarge"))
    ),
    _make_demo("demo-dense", "dense_network"),
    _make_demo("demo-conv", "conv_network"),
    _make_demo("demo-separable", "separable_network"),
)

# Smallest photos that Keras accepts, by the beginning of the function's name.
_MIN_SIZES = {"Inception": 75, "Xception": 71}
_DEFAULT_MIN_SIZE = 32

BACKBONES: dict[str, Backbone] = {backbone.name: backbone for backbone in _ALL}


def simplify_name(name: str) -> str:
    """Remove case and separators: ``EfficientNet-B0`` becomes ``efficientnetb0``. Text in brackets is kept."""
    return re.sub(r"[-_ ](?![^\[]*\])", "", name.lower())


def list_spellings(backbone: Backbone) -> tuple[str, ...]:
    """List the simplified names of a backbone: its own, and the name of Keras's function followed by any width."""
    if backbone.tiny:
        return (simplify_name(backbone.name),)
    function = backbone.builder.partition(":")[2]
    width = f"{backbone.arguments['alpha']:g}" if "alpha" in backbone.arguments else ""
    return simplify_name(backbone.name), simplify_name(function) + width


_NAMES = {spelling: backbone.name for backbone in _ALL for spelling in list_spellings(backbone)}


def resolve_backbone_name(name: str) -> str:
    """Return the registry's name of a backbone: ``b0`` for ``EfficientNetB0`` or ``efficientnet-b0``.

    Keras's names are accepted in any case, with or without hyphens and underscores. Any other name is returned
    unchanged.

    Examples
    --------
    >>> resolve_backbone_name("EfficientNetB0"), resolve_backbone_name("resnet50-v2"), resolve_backbone_name("mine")
    ('b0', 'resnet50v2', 'mine')
    """
    return name if name in BACKBONES else _NAMES.get(simplify_name(name), name)


def find_backbone(name: str) -> Backbone:
    """Return the backbone of a name in any spelling; see :func:`resolve_backbone_name`.

    Raises
    ------
    BadChoice
        If the name is unknown. The message suggests the nearest names.
    """
    name = resolve_backbone_name(name)
    if name not in BACKBONES:
        raise BadChoice.from_unknown_name("backbone", name, BACKBONES)
    return BACKBONES[name]


def find_min_size(backbone: Backbone) -> int:
    """Return the smallest height and width in pixels for which a backbone of the registry can be built."""
    if backbone.tiny:
        return backbone.image_size
    function = backbone.builder.partition(":")[2]
    return next((size for name, size in _MIN_SIZES.items() if function.startswith(name)), _DEFAULT_MIN_SIZE)
