from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ensembler.backbones.jobs.build import build_backbone, preprocess
from ensembler.backbones.registry import find_backbone
from ensembler.errors import BadChoice

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize(("kind", "module"), [("tf", "mobilenet"), ("torch", "densenet"), ("caffe", "resnet50")])
def test_preprocessing_in_the_model_is_the_familys_own(kind: Any, module: str, tmp_path: Path) -> None:
    pixels = keras.Input((32, 32, 3))
    keras.Model(pixels, preprocess(pixels, kind)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    assert loaded.predict(PIXELS, verbose=0) == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_efficientnet_from_a_file_is_the_very_network_that_imagenet_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "b0.weights.h5"
    keras.utils.set_random_seed(1)
    keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(32, 32, 3)).save_weights(weights)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(weights))
    imagenet = build_backbone(find_backbone("b0"), 32, "imagenet", 0)
    from_file = build_backbone(find_backbone("b0"), 32, weights, 0)
    plain = build_backbone(find_backbone("b0"), 32, "none", 0)
    expected = imagenet.predict(PIXELS, verbose=0)
    # Random weights give features far smaller than 1.
    scale = np.abs(expected).max()
    assert np.abs(from_file.predict(PIXELS, verbose=0) - expected).max() <= 1e-6 * scale
    plain.layers[1].set_weights(from_file.layers[1].get_weights())
    assert np.abs(plain.predict(PIXELS, verbose=0) - expected).max() > 1e-3 * scale
    assert len(from_file.layers[1].layers) == len(plain.layers[1].layers) + 1


def test_random_weights_follow_the_seed() -> None:
    first, same, other = (
        build_backbone(find_backbone("demo-conv"), 8, "none", seed).get_weights()[0] for seed in (0, 0, 1)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "mobilenet-0.25.weights.h5"
    build_backbone(find_backbone("demo-conv"), 8, "none", 0).save_weights(weights)
    with pytest.raises(BadChoice, match=r"do not fit mobilenet-0\.25"):
        build_backbone(find_backbone("mobilenet-0.25"), 32, weights, 0)


def test_a_file_that_is_no_weights_is_refused(tmp_path: Path) -> None:
    weights = tmp_path / "mobilenet-0.25.weights.h5"
    weights.write_text("not HDF5")
    with pytest.raises(BadChoice, match=r"do not fit mobilenet-0\.25"):
        build_backbone(find_backbone("mobilenet-0.25"), 32, weights, 0)


def test_a_size_that_the_network_does_not_have_is_refused() -> None:
    with pytest.raises(BadChoice, match="inceptionv3 cannot be built for photos of 20 pixels"):
        build_backbone(find_backbone("inceptionv3"), 20, "none", 0)


def test_without_network_the_download_is_our_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path), raising=False)
    with pytest.raises(BadChoice, match=r"ImageNet weights of mobilenetv2-0\.35.*weights='FOLDER'"):
        build_backbone(find_backbone("mobilenetv2-0.35"), 96, "imagenet", 0)
