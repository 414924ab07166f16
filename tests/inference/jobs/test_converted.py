"""Networks turned for other runtimes give Keras's answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.views import add_view
from ensembler.backbones.registry import find_backbone
from ensembler.images.views import VIEWS
from ensembler.inference.jobs.converted import convert, find_obstacle, list_versions
from ensembler.inference.runtimes import Runtime, is_installed

needs_onnx = pytest.mark.skipif(not is_installed(), reason="the extra onnx is not installed")
RUNTIMES = ["graph", pytest.param("onnx", marks=needs_onnx)]


def photos(size: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (3, size, size, 3)).astype(np.uint8)


def check(model: Any, runtime: Runtime) -> None:
    pixels = photos(model.input_shape[1])
    expected = np.asarray(model(pixels.astype(np.float32), training=False))
    given = convert(model, runtime, 1).predict(pixels)
    assert given.dtype == np.float32
    assert given == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["demo-dense", "demo-conv", "demo-separable"])
def test_a_small_network(name: str, runtime: Runtime) -> None:
    check(build_backbone(find_backbone(name), 8, "none", 0), runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_view_stays_before_its_network(runtime: Runtime) -> None:
    model = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    for view in VIEWS["crops"][-2:]:
        check(add_view(model, view), runtime)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["b0", "mobilenetv2", "densenet121", "nasnetmobile"])
def test_a_network_of_each_kind_of_preprocessing_and_layer(name: str, runtime: Runtime) -> None:
    # Keras's own export leaves the constants of EfficientNet's Normalization out.
    check(build_backbone(find_backbone(name), 32, "none", 0), runtime)


def test_later_changes_of_the_weights_do_not_reach_it() -> None:
    model = build_backbone(find_backbone("demo-conv"), 8, "none", 0)
    turned = convert(model, "graph", 1)
    before = turned.predict(photos(8))
    model.set_weights([weights + 1 for weights in model.get_weights()])
    assert (turned.predict(photos(8)) == before).all()


def test_other_backends_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.inference.jobs.converted.keras.backend.backend", lambda: "jax")
    assert find_obstacle() == "Keras runs on jax here"


def test_versions_are_told() -> None:
    assert len(list_versions()) == (4 if is_installed() else 2)
