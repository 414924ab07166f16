from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    # The same step is compiled by several trainings, which are not compared in how they compile.
    kept = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("jax")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    path = os.pathsep.join([str(HELPERS.parent), *sys.path])
    ended = subprocess.run(
        [sys.executable, str(HELPERS / "trainings_on_jax.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **kept, "PYTHONPATH": path, "KERAS_BACKEND": "jax"},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_later_folds_compile_nothing_and_learn_the_same(found: Any, precision: str) -> None:
    (first, *later), difference = found[precision]
    assert first > 0
    assert later == [0, 0]
    assert difference == 0


def test_a_training_goes_on_within_an_epoch_to_the_same_bits(found: Any) -> None:
    step, difference = found["resumed"]
    assert step > 0
    assert difference == 0


def test_a_full_memory_halves_the_batches_although_jax_took_the_weights(found: Any) -> None:
    memory = found["memory"]
    assert memory["taken"][0] > 0
    assert memory["parts"] == 2
    assert "out of memory" in memory["warnings"][0]
    assert memory["difference"] < 1e-4


def test_several_devices_need_tensorflow(found: Any) -> None:
    assert "needs TensorFlow, but Keras runs on JAX" in found["data parallel"]
