from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.photos import Heard

from ensembler.backbones.jobs.devices import is_on_gpu
from ensembler.members.fine_tuning.jobs.devices import Devices

HELPERS = Path(__file__).parents[3] / "helpers"


@pytest.fixture(scope="module")
def results() -> Any:
    ended = subprocess.run(
        [sys.executable, str(HELPERS / "two_devices.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HELPERS.parent)},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("ingredients", ["plain", "all"])
def test_two_devices_learn_what_one_learns(results: Any, ingredients: str) -> None:
    assert results[ingredients]["losses"] < 1e-4
    assert results[ingredients]["weights"] < 1e-3


@pytest.mark.slow
def test_a_training_on_two_devices_goes_on_where_it_was_broken_off(results: Any) -> None:
    assert results["broken off"] < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("uneven", "batch_size=3 cannot be divided evenly among 2 devices"),
        ("memory", "16 photos of 8 pixels do not fit into the memory of 2 devices: use a smaller batch_size"),
    ],
)
def test_what_devices_cannot_share_is_refused(results: Any, trouble: str, words: str) -> None:
    assert words in results[trouble]


def test_one_device_alone_is_told() -> None:
    heard = Heard()
    devices = Devices(data_parallel=True, batch_size=3, progress=heard)
    assert devices.count == 1
    assert any("one device" in note for note in heard.notes)


def test_without_data_parallel_nothing_is_shared() -> None:
    devices = Devices(data_parallel=False, batch_size=3, progress=Heard())
    assert not devices.is_distributed
    assert not is_on_gpu()
