"""Depthwise convolutions that JAX computes without XLA's grouped convolution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"
CASES = ("depthwise", "strides", "valid", "flat", "wide", "separable", "grouped", "float16", "bfloat16")
FAST_COMPILATION = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
OTHERS = ("plain", "half grouped", "multiplied", "dilated", "channels first", "pointwise", "large kernel")


@pytest.fixture(scope="module")
def found() -> Any:
    # A process of its own, because the operations of Keras are replaced for good.
    path = os.pathsep.join([str(HELPERS.parent), *sys.path])
    ended = subprocess.run(
        [sys.executable, str(HELPERS / "depthwise_on_jax.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": "jax", **FAST_COMPILATION},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", CASES)
def test_sums_have_the_outputs_and_gradients_of_the_convolution(found: Any, case: str) -> None:
    assert found[case]["groups"] == [True, False], "the convolution in groups is gone from the compiled step"
    assert max(found[case]["differences"]) < (0.02 if "16" in case else 1e-5)


@pytest.mark.parametrize("case", OTHERS)
def test_other_convolutions_stay(found: Any, case: str) -> None:
    before, after = found[case]["texts"]
    assert before == after
    assert "convolution" in after
