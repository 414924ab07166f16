"""What is remembered of networks on this machine, and which runtime follows from it."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.listed_members import SPEED

from ensembler.inference.runtimes import Runtime
from ensembler.inference.speeds import (
    RuntimeSpeed,
    choose_fastest,
    locate_speed,
    read_speed,
    remember_speed,
)
from ensembler.serialization import write_record
from ensembler.storage import write_text

KERAS = RuntimeSpeed(0.02)
FORMER = {
    "member": "print",
    "parameters": 1234,
    "milliseconds_per_photo": 5.5,
    "photos_per_second": 210.0,
    "single": 100,
    "batch_size": 32,
    "device": "a processor",
    "threads": 2,
    "host": "moon",
}


@pytest.mark.parametrize(
    ("others", "photos", "chosen"),
    [
        ({}, 1000, "keras"),
        ({"graph": RuntimeSpeed(0.01, 5.0)}, 1000, "graph"),
        # 499 photos save 4.99 seconds.
        ({"graph": RuntimeSpeed(0.01, 5.0)}, 499, "keras"),
        ({"graph": RuntimeSpeed(0.01, 5.0)}, 501, "graph"),
        # Faster by so little may be chance.
        ({"graph": RuntimeSpeed(0.019, 0.0)}, 100_000, "keras"),
        ({"graph": RuntimeSpeed(0.03, 0.0)}, 100_000, "keras"),
        ({"graph": RuntimeSpeed(0.01, 5.0), "onnx": RuntimeSpeed(0.008, 15.0)}, 1000, "graph"),
        ({"graph": RuntimeSpeed(0.01, 5.0), "onnx": RuntimeSpeed(0.008, 15.0)}, 10_000, "onnx"),
        ({"graph": RuntimeSpeed(0.01, 5.0), "onnx": RuntimeSpeed(0.0, 0.0, "cannot run it")}, 10_000, "graph"),
        ({"graph": RuntimeSpeed(0.01, 5.0), "openvino": RuntimeSpeed(0.005, 8.0)}, 10_000, "openvino"),
        # 16 bits are chosen by their effect too, elsewhere.
        ({"graph": RuntimeSpeed(0.01, 5.0), "openvino-bfloat16": RuntimeSpeed(0.001, 5.0)}, 10_000, "graph"),
    ],
)
def test_a_conversion_must_pay(others: dict[Runtime, RuntimeSpeed], photos: int, chosen: Runtime) -> None:
    assert choose_fastest({"keras": KERAS, **others}, photos) == chosen


def test_a_record_is_kept_whole(tmp_path: Path) -> None:
    speed = replace(SPEED, width=7, peak_bytes=3, runtimes={"keras": KERAS, "onnx": RuntimeSpeed(0.0, 3.5, "cannot")})
    write_record(tmp_path / "speed.json", speed)
    assert read_speed(tmp_path / "speed.json") == speed
    assert read_speed(tmp_path / "other.json") is None


def test_the_file_of_an_earlier_version_is_read_and_what_a_later_one_adds_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    write_text(path, json.dumps({**FORMER, "watts": 7}))
    speed = read_speed(path)
    assert speed is not None
    assert (speed.member, speed.parameters, speed.host, speed.runtimes) == ("print", 1234, "moon", {})
    assert not speed.is_of_this_machine
    assert replace(speed, host=socket.gethostname()).is_of_this_machine


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '"text"', json.dumps({**FORMER, "runtimes": {"jax": {"seconds": 1}}})]
)
def test_a_damaged_file_counts_as_not_measured(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / "speed.json", content)
    assert read_speed(tmp_path / "speed.json") is None


@pytest.mark.parametrize("changed", range(5))
def test_networks_sizes_batches_precisions_and_devices_are_told_apart(changed: int) -> None:
    key = ["b0", 224, 32, "float32", "a processor"]
    other = [*key[:changed], f"{key[changed]}0", *key[changed + 1 :]]
    assert locate_speed(*key) == locate_speed(*key)  # type: ignore[arg-type]
    assert locate_speed(*key) != locate_speed(*other)  # type: ignore[arg-type]


def test_a_disk_that_refuses_costs_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ensembler").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = locate_speed("b0", 224, 32, "float32", "a processor")
    remember_speed(path, SPEED)
    assert read_speed(path) is None
