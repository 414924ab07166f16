"""What a person says of runtimes."""

from __future__ import annotations

import pytest

from ensembler.errors import BadChoice
from ensembler.inference.runtimes import is_installed, read_runtime


@pytest.mark.parametrize(
    ("option", "variable", "read"),
    [(None, "", "auto"), (None, "graph", "graph"), ("keras", "graph", "keras"), ("onnx", "", "onnx")],
)
def test_an_option_wins_over_the_variable(
    option: str | None, variable: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSEMBLER_RUNTIME", variable)
    assert read_runtime(option, lambda: True) == read


def test_an_unknown_runtime_is_told_with_the_nearest() -> None:
    with pytest.raises(BadChoice, match="no runtime named 'keas': did you mean keras"):
        read_runtime("keas")


def test_missing_packages_are_told_by_their_extra() -> None:
    with pytest.raises(BadChoice, match=r"pip install 'ensembler\[onnx\]'"):
        read_runtime("onnx", lambda: False)


def test_both_packages_are_needed() -> None:
    assert is_installed(lambda _: "there")
    assert not is_installed(lambda name: None if name == "tf2onnx" else "there")
