"""A stack written on one backend of Keras, loaded on the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.nested_made import make_member, make_mixed_stack, make_pixels, make_stack

from ensembler.explanations.jobs.explained_network import ExplainedNetwork

pytest.importorskip("jax")


@pytest.mark.slow
def test_a_stack_predicts_and_is_explained_alike_on_both(tmp_path: Path) -> None:
    small = make_pixels(4)
    pixels = [small.astype("f4"), np.kron(small, np.ones((1, 2, 2, 1))).astype("f4")]
    np.savez(tmp_path / "pixels.npz", *pixels)
    stack = make_mixed_stack()
    stack.save(tmp_path / "tensorflow.keras")
    small_stack = make_stack([make_member("a", 1), make_member("b", 2)])
    small_stack.save(tmp_path / "small.keras")
    helper = Path(__file__).parents[2] / "helpers" / "on_jax.py"
    places = os.pathsep.join([str(helper.parents[1]), *sys.path])
    subprocess.run(
        [sys.executable, str(helper), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": places},
        check=True,
    )
    there = np.load(tmp_path / "jax.npz")
    np.testing.assert_allclose(there["predicted"], stack.predict(pixels, verbose=0), atol=1e-5)
    from_jax = keras.saving.load_model(tmp_path / "jax.keras").predict(pixels, verbose=0)
    np.testing.assert_allclose(from_jax, there["own"], atol=1e-5)
    assert np.ptp(from_jax) > 1e-3, "the photos differ"
    here = ExplainedNetwork(small_stack, ["a", "b"], "binary").explain(pixels[:1])
    for name, found in vars(here).items():
        scale = np.abs(found).max() or 1
        np.testing.assert_allclose(there[name] / scale, found / scale, atol=1e-4, err_msg=name)
        assert np.abs(found).max() > 0
