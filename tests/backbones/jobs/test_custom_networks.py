from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from ensembler.backbones.custom import make_custom_backbone
from ensembler.backbones.jobs.build import build_backbone, compute_model_digest
from ensembler.backbones.registry import Backbone
from ensembler.errors import BadChoice

MODULE = """
import keras

def maps(input_shape):
    keras.utils.set_random_seed(4)
    pixels = keras.Input(input_shape)
    return keras.Model(pixels, keras.layers.Conv2D(5, 3)(pixels))

def features(input_shape):
    pixels = keras.Input(input_shape)
    return keras.Model(pixels, keras.layers.GlobalMaxPooling2D()(pixels))

def other_size(input_shape):
    return maps((9, 9, 3))

def flat(input_shape):
    pixels = keras.Input(input_shape)
    return keras.Model(pixels, keras.layers.Reshape((-1, 3))(pixels))

def nothing(input_shape):
    return None

def broken(input_shape):
    raise RuntimeError("out of ideas")
"""
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("f4")


@pytest.fixture(autouse=True)
def mynets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mynets.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)


def function(name: str, preprocessing: str = "inside", module: str = "mynets") -> Backbone:
    return make_custom_backbone(f"{module}:{name}", "mine", 8, preprocessing)


def test_a_function_gives_maps_that_are_pooled_after_its_preprocessing() -> None:
    import mynets  # type: ignore[import-not-found]

    model = build_backbone(function("maps", "tf"), 8, "own", 0)
    maps = mynets.maps((8, 8, 3)).predict(PIXELS / 127.5 - 1, verbose=0)
    assert model.predict(PIXELS, verbose=0) == pytest.approx(maps.mean(axis=(1, 2)), abs=1e-5)
    largest = build_backbone(function("maps", "tf"), 8, "own", 0, "max")
    assert largest.predict(PIXELS, verbose=0) == pytest.approx(maps.max(axis=(1, 2)), abs=1e-5)


def test_features_are_taken_as_they_are() -> None:
    model = build_backbone(function("features"), 8, "own", 0)
    assert model.predict(PIXELS, verbose=0) == pytest.approx(PIXELS.max(axis=(1, 2)))


@pytest.mark.parametrize("size", [8, None])
def test_a_file_is_read(size: int | None, tmp_path: Path) -> None:
    pixels = keras.Input((size, size, 3))
    network = keras.Model(pixels, layers.Conv2D(4, 3)(pixels))
    network.save(tmp_path / "net.keras")
    own = make_custom_backbone(str(tmp_path / "net.keras"), image_size=8)
    model = build_backbone(own, 8, tmp_path / "net.keras", 0)
    expected = network.predict(PIXELS, verbose=0).mean(axis=(1, 2))
    assert model.predict(PIXELS, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        (("missing",), r"Cannot import mynets:missing .*the current folder"),
        (("maps", "inside", "nowhere_at_all"), "Cannot import nowhere_at_all:maps .*No module"),
        (("broken",), r"mynets:broken\(input_shape=\(8, 8, 3\)\) failed \(RuntimeError: out of ideas\)"),
        (("nothing",), "must return a Keras model. Received: NoneType"),
        (("other_size",), r"must accept photos of shape \(8, 8, 3\). Received: \(None, 9, 9, 3\)"),
        (("flat",), r"must return feature maps .* or features .*Received: \(None, 64, 3\)"),
    ],
)
def test_what_is_no_backbone_is_refused(backbone: Any, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        build_backbone(function(*backbone), 8, "own", 0)


@keras.saving.register_keras_serializable("tests")
class Own(layers.Layer):  # type: ignore[misc]  # Keras is untyped
    pass


def test_a_layer_of_ones_own_cannot_come_from_a_file(tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 3))
    keras.Model(pixels, layers.Lambda(lambda flow: flow)(pixels)).save(tmp_path / "net.keras")
    with pytest.raises(BadChoice, match=r"Cannot load .*net\.keras .*no Lambda"):
        build_backbone(make_custom_backbone(str(tmp_path / "net.keras")), 8, tmp_path / "net.keras", 0)


def test_the_digest_tells_other_weights() -> None:
    same, again = (build_backbone(function("maps"), 8, "own", seed) for seed in (0, 1))
    assert compute_model_digest(same) == compute_model_digest(again)
    again.layers[1].layers[1].bias.assign(np.ones(5))
    assert compute_model_digest(same) != compute_model_digest(again)
