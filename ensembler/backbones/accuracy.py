"""Top-1 accuracy on ImageNet's validation photos, as documented by Keras.

The figures come from the table of https://keras.io/api/applications/ and, for MobileNetV3, from its docstring. They
hold for the default image size and the weights that ``weights="imagenet"`` loads. Keras documents no figures for other
widths of MobileNet and MobileNetV2.
"""

from __future__ import annotations

_TOP1_PERCENT = {
    "b0": 77.1,
    "b1": 79.1,
    "b2": 80.1,
    "b3": 81.6,
    "b4": 82.9,
    "b5": 83.6,
    "b6": 84.0,
    "b7": 84.3,
    "v2b0": 78.7,
    "v2b1": 79.8,
    "v2b2": 80.5,
    "v2b3": 82.0,
    "v2s": 83.9,
    "v2m": 85.3,
    "v2l": 85.7,
    "mobilenet": 70.4,
    "mobilenetv2": 71.3,
    "mobilenetv3s": 68.1,
    "mobilenetv3s-0.75": 65.4,
    "mobilenetv3l": 75.6,
    "mobilenetv3l-0.75": 73.3,
    "inceptionv3": 77.9,
    "inceptionresnetv2": 80.3,
    "xception": 79.0,
    "resnet50": 74.9,
    "resnet101": 76.4,
    "resnet152": 76.6,
    "resnet50v2": 76.0,
    "resnet101v2": 77.2,
    "resnet152v2": 78.0,
    "densenet121": 75.0,
    "densenet169": 76.2,
    "densenet201": 77.3,
    "nasnetmobile": 74.4,
    "nasnetlarge": 82.5,
    "vgg16": 71.3,
    "vgg19": 71.3,
    "convnextt": 81.3,
    "convnexts": 82.3,
    "convnextb": 85.3,
    "convnextl": 86.3,
    "convnextxl": 86.7,
}


def find_published_accuracy(backbone: str) -> float | None:
    """Return the top-1 accuracy of a backbone in the range 0 to 1, or None if Keras documents none."""
    percent = _TOP1_PERCENT.get(backbone)
    return None if percent is None else round(percent / 100, 3)
