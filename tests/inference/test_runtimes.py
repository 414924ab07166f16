"""What a person says of runtimes."""

from __future__ import annotations

import pytest

from ensembler.errors import BadChoice
from ensembler.inference.runtimes import RuntimeChoice, is_installed, read_runtime, read_runtime_precision


@pytest.mark.parametrize(
    ("option", "variable", "read"),
    [
        (None, "", "auto"),
        (None, "graph", "graph"),
        ("keras", "graph", "keras"),
        ("onnx", "", "onnx"),
        ("openvino", "", "openvino"),
    ],
)
def test_an_option_wins_over_the_variable(
    option: str | None, variable: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSEMBLER_RUNTIME", variable)
    assert read_runtime(option, lambda _: True) == read


def test_an_unknown_runtime_is_told_with_the_nearest() -> None:
    with pytest.raises(BadChoice, match="no runtime named 'keas': did you mean keras"):
        read_runtime("keas")


def test_the_runtime_in_sixteen_bits_is_chosen_by_its_precision_alone() -> None:
    with pytest.raises(BadChoice, match="no runtime named 'openvino-bfloat16'"):
        read_runtime("openvino-bfloat16")


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_missing_packages_are_told_by_their_extra(runtime: str) -> None:
    with pytest.raises(BadChoice, match=rf"pip install 'ensembler\[{runtime}\]'"):
        read_runtime(runtime, lambda _: False)


def test_all_packages_are_needed() -> None:
    assert is_installed("onnx", lambda _: "there")
    assert not is_installed("onnx", lambda name: None if name == "tf2onnx" else "there")
    assert not is_installed("openvino-bfloat16", lambda _: None)
    assert is_installed("graph", lambda _: None)


@pytest.mark.parametrize(
    ("value", "runtime", "problem"),
    [
        ("float16", "auto", "no runtime precision named 'float16'"),
        ("bfloat16", "graph", "needs runtime='openvino' or auto. Received: graph"),
        ("bfloat16", "auto", r"pip install 'ensembler\[openvino\]'"),
    ],
)
def test_a_precision_that_nothing_computes_in_is_refused(value: str, runtime: RuntimeChoice, problem: str) -> None:
    with pytest.raises(BadChoice, match=problem):
        read_runtime_precision(value, runtime, lambda _: False)


@pytest.mark.parametrize(
    ("value", "runtime", "read"),
    [
        (None, "graph", "auto"),
        ("float32", "graph", "float32"),
        ("bfloat16", "auto", "bfloat16"),
        ("bfloat16", "openvino", "bfloat16"),
    ],
)
def test_a_precision_is_read(value: str | None, runtime: RuntimeChoice, read: str) -> None:
    assert read_runtime_precision(value, runtime, lambda _: True) == read
