"""Each family's saved network, fed raw pixels, against keras.applications and the family's own preprocess_input."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import BACKBONES, Backbone, find_backbone

WEIGHTS = Path(__file__).parents[4] / "shared" / "weights"
# The smallest member of each family, its module in keras.applications, and about its smallest size.
FAMILIES = {
    "b0": ("efficientnet", 32),
    "v2b0": ("efficientnet_v2", 32),
    "mobilenet-0.25": ("mobilenet", 32),
    "mobilenetv2-0.35": ("mobilenet_v2", 32),
    "mobilenetv3s-0.75": ("mobilenet_v3", 32),
    "mobilenetv3l-0.75": ("mobilenet_v3", 32),
    "inceptionv3": ("inception_v3", 75),
    "inceptionresnetv2": ("inception_resnet_v2", 75),
    "xception": ("xception", 71),
    "resnet50": ("resnet", 32),
    "resnet50v2": ("resnet_v2", 32),
    "densenet121": ("densenet", 32),
    "nasnetmobile": ("nasnet", 32),
    "vgg16": ("vgg16", 32),
    "vgg19": ("vgg19", 32),
    "convnextt": ("convnext", 32),
}


def bare(backbone: Backbone, size: int, weights: Any) -> Any:
    """Return what keras.applications builds, pooled by itself."""
    module, function = backbone.builder.split(":")
    build = getattr(importlib.import_module(module), function)
    return build(input_shape=(size, size, 3), include_top=False, pooling="avg", weights=weights, **backbone.arguments)


def prepared(pixels: np.ndarray, module: str) -> np.ndarray:
    return np.asarray(getattr(keras.applications, module).preprocess_input(pixels.copy()))


def assert_same(ours: Any, theirs: Any, module: str, size: int, path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("f4")
    # Networks are called layer by layer: tracing a graph of hundreds of layers for two photos takes far longer.
    expected = np.asarray(theirs(prepared(pixels, module), training=False))
    scale = np.abs(expected).max()
    ours.save(path)
    loaded = keras.saving.load_model(path)
    assert np.abs(np.asarray(loaded(pixels, training=False)) - expected).max() <= 1e-3 * scale
    # And the comparison can fail: pixels prepared twice, or for no family, give something else.
    other = np.asarray(loaded(pixels / 255, training=False))
    assert np.abs(other - expected).max() > 1e-2 * scale


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_give_what_the_family_gives_after_its_preprocessing(name: str, tmp_path: Path) -> None:
    module, size = FAMILIES[name]
    backbone = find_backbone(name)
    ours = build_backbone(backbone, size, "none", 0)
    theirs = bare(backbone, size, None)
    theirs.set_weights(ours.get_weights())
    assert_same(ours, theirs, module, size, tmp_path / "model.keras")


def family(backbone: Backbone) -> str:
    """Name of the function without version and size: ``EfficientNetV`` is of ``EfficientNetV2B0``."""
    return re.sub(r"(\d.*|Tiny|Small|Base|Large|XLarge|Mobile)$", "", backbone.builder.partition(":")[2])


def test_every_backbone_belongs_to_a_family_that_is_tested() -> None:
    tested = {family(find_backbone(name)) for name in FAMILIES}
    assert {family(backbone) for backbone in BACKBONES.values() if not backbone.tiny} == tested


@pytest.mark.shared
@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="the weights are not here")
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mobilenetv2", "mobilenet_v2"),
        ("mobilenetv2-0.35", "mobilenet_v2"),
        ("mobilenet", "mobilenet"),
        ("mobilenet-0.75", "mobilenet"),
        ("mobilenet-0.5", "mobilenet"),
    ],
)
@pytest.mark.slow
def test_real_weights_give_what_the_family_gives(name: str, module: str, tmp_path: Path) -> None:
    backbone, path = find_backbone(name), WEIGHTS / f"{name}.weights.h5"
    theirs = bare(backbone, 96, path)
    assert_same(build_backbone(backbone, 96, path, 0), theirs, module, 96, tmp_path / "model.keras")
