from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ensembler.errors import BadChoice
from ensembler.members.fine_tuning.unfreezing import freeze_batch_norm
from ensembler.members.heads import build_head
from ensembler.members.inference import join, predict
from ensembler.members.network import build_backbone, preprocess
from ensembler.members.registry import find_backbone
from ensembler.progress import Task

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize(("kind", "module"), [("tf", "mobilenet"), ("torch", "densenet"), ("caffe", "resnet50")])
def test_preprocessing_in_the_model_is_the_familys_own(kind: Any, module: str, tmp_path: Path) -> None:
    pixels = keras.Input((32, 32, 3))
    keras.Model(pixels, preprocess(pixels, kind)).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    expected = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    assert loaded.predict(PIXELS, verbose=0) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("b0", "efficientnet"),
        ("mobilenetv2-0.35", "mobilenet_v2"),
        ("resnet50", "resnet50"),
        ("densenet121", "densenet"),
        ("mobilenetv3s", "mobilenet_v3"),
        ("v2b0", "efficientnet_v2"),
    ],
)
def test_the_saved_model_gives_what_the_bare_network_gives_after_preprocess_input(name: str, module: str) -> None:
    ours = build_backbone(find_backbone(name), 32, "none", 0)
    bare = next(layer for layer in ours.layers if hasattr(layer, "layers"))
    prepared = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    features = bare.predict(prepared, verbose=0).mean(axis=(1, 2))
    assert ours.predict(PIXELS, verbose=0) == pytest.approx(features, rel=1e-3, abs=1e-4)


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
    assert from_file.predict(PIXELS, verbose=0) == pytest.approx(expected, abs=1e-6)
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
    with pytest.raises(BadChoice, match=r"ImageNet weights of mobilenetv2-0\.35.*--weights FOLDER"):
        build_backbone(find_backbone("mobilenetv2-0.35"), 96, "imagenet", 0)


@pytest.mark.parametrize(("exclusive", "outputs"), [(True, 3), (False, 1), (False, 2)])
def test_a_head_gives_probabilities_of_the_linear_scores(exclusive: bool, outputs: int) -> None:
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(5, outputs)).astype("f4"), random.normal(size=outputs).astype("f4")
    features = random.normal(size=(4, 5)).astype("f4")
    given = build_head(kernel, bias, exclusive=exclusive).predict(features, verbose=0)
    scores = features @ kernel + bias
    powers = np.exp(scores)
    expected = powers / powers.sum(axis=1, keepdims=True) if exclusive else powers / (1 + powers)
    assert given == pytest.approx(expected, abs=1e-6)


def test_frozen_batch_norm_does_not_move_while_the_rest_is_trained() -> None:
    backbone = build_backbone(find_backbone("mobilenetv2-0.35"), 32, "none", 0)
    freeze_batch_norm(backbone)
    kernel = np.random.default_rng(0).normal(size=(backbone.output_shape[-1], 1)).astype("f4")
    model = join(backbone, build_head(kernel, np.zeros(1, "f4"), exclusive=False), "member")
    norms = [layer for layer in backbone.layers[2].layers if isinstance(layer, keras.layers.BatchNormalization)]
    frozen = [array for layer in norms for array in layer.get_weights()]
    free = [np.array(weight) for weight in backbone.trainable_weights]
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", jit_compile=False)
    for _ in range(3):
        model.train_on_batch(PIXELS, np.array([[0.0], [1.0]]))
    after = [array for layer in norms for array in layer.get_weights()]
    assert all(np.array_equal(*pair) for pair in zip(frozen, after, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(free, backbone.trainable_weights, strict=True))


def test_a_smaller_last_batch_is_predicted_as_a_full_one() -> None:
    model = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    photos = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3)).astype(np.uint8)
    batches = [photos[:3], photos[3:6], photos[6:]]
    given = predict(model, batches, 7, 3, Task())
    assert given == pytest.approx(model.predict(photos, verbose=0), abs=1e-5)
