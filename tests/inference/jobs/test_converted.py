"""Networks turned for other runtimes give Keras's answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.jobs.views import add_view
from ensembler.backbones.registry import find_backbone
from ensembler.images.views import VIEWS
from ensembler.inference.jobs.converted import convert, convert_to_openvino, find_obstacle, list_versions
from ensembler.inference.jobs.openvino_session import compile_network, is_bfloat16_supported
from ensembler.inference.runtimes import Runtime, RuntimePrecision, is_installed

needs_openvino = pytest.mark.skipif(not is_installed("openvino"), reason="the extra openvino is not installed")
RUNTIMES = [
    pytest.param(name, marks=pytest.mark.skipif(not is_installed(name), reason=f"the extra {name} is not installed"))
    for name in ("graph", "onnx", "openvino")
]


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


@needs_openvino
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_openvino_computes_in_the_precision_that_it_was_told_or_refuses(precision: RuntimePrecision) -> None:
    """By itself it takes bfloat16 on some processors, and float32 on others whatever it is told."""
    network = convert_to_openvino(build_backbone(find_backbone("demo-conv"), 8, "none", 0))
    if precision == "bfloat16" and not is_bfloat16_supported():
        with pytest.raises(ValueError, match="no bfloat16 arithmetic"):
            compile_network(network, 1, precision)
        return
    compiled = compile_network(network, 1, precision)
    assert compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == {"float32": "f32"}.get(precision, "bf16")


@needs_openvino
def test_outputs_of_openvino_stay_as_they_were() -> None:
    converted = convert(build_backbone(find_backbone("demo-conv"), 8, "none", 0), "openvino", 1)
    first = converted.predict(photos(8))
    kept = first.copy()
    converted.predict(photos(8)[::-1])
    assert (first == kept).all()


def test_other_backends_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.inference.jobs.converted.keras.backend.backend", lambda: "jax")
    assert find_obstacle() == "Keras runs on jax here"


def test_versions_are_told() -> None:
    assert len(list_versions()) == 2 + 2 * is_installed("onnx") + is_installed("openvino")
