"""What ``benchmarks/gpu.py`` asks of processes and keeps of what they tell; no network is built here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gpu import caption, child, combinations, compile_ahead, completed, keep, key, missing, options
from paired_results import Results

FACTS = {"device": "NVIDIA H100", "backend": "jax", "versions": "keras 3.15.1"}
COMBINATION = {"backbone": "b0", "precision": "float32", "xla": True, "mode": "training", "size": 224}
BATCHES = (32, 64, 128)


def outcomes(*names: str) -> list[Any]:
    return [{"batch": batch, "outcome": outcome} for batch, outcome in zip(BATCHES, names, strict=False)]


def test_by_default_everything_is_measured() -> None:
    arguments = options(["--results", "r.jsonl"])
    found = combinations(arguments)
    assert len(found) == 4 * 2 * 2 * 2
    assert {each["backbone"] for each in found} == {"b0", "b3", "mobilenetv2", "convnextt"}
    assert {each["size"] for each in found} == {224}
    assert arguments.batches == [32, 64, 128, 256, 512]


def test_options_limit_the_measurements() -> None:
    words = ["--results", "r", "--backbones", "b0", "--precisions", "float32", "--xla", "off", "--modes", "prediction"]
    only = {"backbone": "b0", "precision": "float32", "xla": False, "mode": "prediction", "size": 224}
    assert combinations(options(words)) == [only]


@pytest.mark.parametrize("words", [["--xla", "maybe"], ["--precisions", "float8"], ["--modes", "training,sleep"]])
def test_unknown_names_are_rejected(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["--results", "r", *words])
    assert "is not one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ([], [32, 64, 128]),
        (["measured"], [64, 128]),
        (["measured", "memory"], []),
        (["failed", "measured"], [32, 128]),
        (["failed", "memory"], [32]),
    ],
    ids=str,
)
def test_another_run_measures_what_is_missing(before: list[str], left: list[int], tmp_path: Path) -> None:
    for line in outcomes(*before):
        keep(Results(tmp_path / "r.jsonl"), FACTS, COMBINATION, line)
    results = Results(tmp_path / "r.jsonl")
    assert missing(results, FACTS, COMBINATION, BATCHES) == left
    # Another device, version or setting is another measurement.
    assert missing(results, {**FACTS, "device": "T4"}, COMBINATION, BATCHES) == list(BATCHES)
    assert missing(results, FACTS, {**COMBINATION, "xla": False}, BATCHES) == list(BATCHES)


@pytest.mark.parametrize(
    ("received", "code", "all_of_it"),
    [
        (["measured"] * 3, 0, ["measured"] * 3),
        (["measured", "memory"], 0, ["measured", "memory", "memory"]),
        (["measured"], -6, ["measured", "failed"]),
        ([], 1, ["failed"]),
    ],
    ids=str,
)
def test_missing_results_of_a_process_are_added(received: list[str], code: int, all_of_it: list[str]) -> None:
    assert [line["outcome"] for line in completed(outcomes(*received), BATCHES, code)] == all_of_it


def test_the_caption_contains_device_backend_and_versions() -> None:
    text = caption(FACTS, options(["--results", "r"]))
    assert "at 224 pixels on NVIDIA H100; Keras on jax; keras 3.15.1." in text
    assert len(key(FACTS, COMBINATION, 32)) > len(key({}, COMBINATION, 32))


def test_a_process_that_does_not_start_is_reported_by_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    assert list(child(None, tmp_path / "logs" / "device.log")) == [{"code": 1}]
    assert "abacus" in (tmp_path / "logs" / "device.log").read_text()


def test_each_size_of_step_that_xla_compiles_is_compiled_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[dict[str, Any], str]] = []

    def record_child(setting: dict[str, Any], log: Path, environment: dict[str, str]) -> list[Any]:
        asked.append((setting, environment["JAX_COMPILATION_CACHE_DIR"]))
        return []

    monkeypatch.setattr("gpu.child", record_child)
    results = Results(tmp_path / "r.jsonl")
    keep(results, FACTS, COMBINATION, {"batch": 32, "outcome": "measured", "rate": 1.0})
    arguments = options(["--results", "r", "--batches", "32,64,128", "--compilers", "2"])
    compile_ahead(results, FACTS, [COMBINATION, {**COMBINATION, "xla": False}], arguments)
    assert [each["batches"] for each, _ in asked] == [[64], [128]]
    assert all(each["only_compile"] and each["xla"] for each, _ in asked)
    assert {cache for _, cache in asked} == {str(tmp_path / "compiled")}


@pytest.mark.slow
def test_the_script_prints_one_table_and_resumes(tmp_path: Path) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
    words = "--backbones demo-conv --precisions float32 --xla off --batches 2 --size 8 --seconds 0.01 --repeats 1"
    command = [sys.executable, str(script), "--results", str(tmp_path / "r.jsonl"), *words.split()]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    assert "| backbone | precision | XLA | training, 2 per step | prediction, 2 per step |" in first.stdout
    assert "| demo-conv | float32 | off | **" in first.stdout
    assert second.stdout == first.stdout
    assert "demo-conv" not in second.stderr
