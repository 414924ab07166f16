"""Which runtime is chosen, and what is remembered of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensembler.errors import BadChoice
from ensembler.inference.runtimes import (
    Runtime,
    RuntimeTiming,
    choose_fastest,
    is_installed,
    load_timings,
    read_runtime,
    save_timings,
)
from ensembler.paths import locate_user_cache

KERAS = RuntimeTiming(0.02)


@pytest.mark.parametrize(
    ("told", "variable", "read"),
    [(None, "", "auto"), (None, "graph", "graph"), ("keras", "graph", "keras"), ("onnx", "", "onnx")],
)
def test_an_option_wins_over_the_variable(
    told: str | None, variable: str, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENSEMBLER_RUNTIME", variable)
    assert read_runtime(told, lambda: True) == read


def test_an_unknown_runtime_is_told_with_the_nearest() -> None:
    with pytest.raises(BadChoice, match="no runtime named 'keas': did you mean keras"):
        read_runtime("keas")


def test_missing_packages_are_told_by_their_extra() -> None:
    with pytest.raises(BadChoice, match=r"pip install 'ensembler\[onnx\]'"):
        read_runtime("onnx", lambda: False)


def test_both_packages_are_needed() -> None:
    assert is_installed(lambda _: "there")
    assert not is_installed(lambda name: None if name == "tf2onnx" else "there")


@pytest.mark.parametrize(
    ("others", "photos", "chosen"),
    [
        ({}, 1000, "keras"),
        ({"graph": RuntimeTiming(0.01, 5.0)}, 1000, "graph"),
        # 499 photos save 4.99 seconds.
        ({"graph": RuntimeTiming(0.01, 5.0)}, 499, "keras"),
        ({"graph": RuntimeTiming(0.01, 5.0)}, 501, "graph"),
        # Faster by so little may be chance.
        ({"graph": RuntimeTiming(0.019, 0.0)}, 100_000, "keras"),
        ({"graph": RuntimeTiming(0.03, 0.0)}, 100_000, "keras"),
        ({"graph": RuntimeTiming(0.01, 5.0), "onnx": RuntimeTiming(0.008, 15.0)}, 1000, "graph"),
        ({"graph": RuntimeTiming(0.01, 5.0), "onnx": RuntimeTiming(0.008, 15.0)}, 10_000, "onnx"),
        ({"graph": RuntimeTiming(0.01, 5.0), "onnx": RuntimeTiming(0.0, 0.0, "cannot run it")}, 10_000, "graph"),
    ],
)
def test_a_conversion_must_pay(others: dict[Runtime, RuntimeTiming], photos: int, chosen: Runtime) -> None:
    assert choose_fastest({"keras": KERAS, **others}, photos) == chosen


def test_what_was_measured_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    took: dict[Runtime, RuntimeTiming] = {"keras": KERAS, "onnx": RuntimeTiming(0.0, 3.5, "cannot run it")}
    assert load_timings("key") == {}
    save_timings("key", took)
    assert load_timings("key") == took
    assert load_timings("another") == {}


@pytest.mark.parametrize("content", ["", "[]", '{"keras": 3}', '{"keras": {"hours": 3}}'])
def test_what_cannot_be_read_is_measured_again(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = locate_user_cache() / "runtimes"
    place.mkdir(parents=True)
    (place / "key.json").write_text(content)
    assert load_timings("key") == {}


def test_a_disk_that_refuses_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ensembler").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    save_timings("key", {"keras": KERAS})
    assert load_timings("key") == {}
