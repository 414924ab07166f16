from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.members_made import record_of, small_competition

from ensembler.errors import Mismatch
from ensembler.heads.links import compute_log_odds
from ensembler.inference.runtimes import RuntimePrecision
from ensembler.members.records import FoldPredictions, save_fold
from ensembler.serialization import write_arrays
from ensembler.stacking.blend import Blend
from ensembler.stacking.jobs.keras_stack import assemble, compare_with_stored, has_16_bit_features, read_back
from ensembler.stacking.networks import Network

RANDOM = np.random.default_rng(0)


def member(name: str, outputs: int, size: int, *, multiclass: bool) -> Any:
    pixels = keras.Input((size, size, 3))
    flow = keras.layers.Rescaling(1 / 255)(keras.layers.GlobalAveragePooling2D()(pixels))
    activation = "softmax" if multiclass else "sigmoid"
    network = keras.Model(pixels, keras.layers.Dense(outputs, activation=activation)(flow), name=name)
    network.set_weights([RANDOM.normal(0, 6, weight.shape) for weight in network.get_weights()])
    return network


def dense(outputs: int) -> Network:
    inputs = 2 * outputs
    hidden = ((RANDOM.normal(size=(inputs, 5)), RANDOM.normal(size=5)),)
    return Network(RANDOM.random(2), RANDOM.normal(size=outputs), hidden, RANDOM.normal(size=(5, outputs)))


def linear(outputs: int) -> Network:
    kernel = RANDOM.normal(size=(2 * outputs, outputs))
    return Network(RANDOM.random(2), RANDOM.normal(size=outputs), (), kernel)


BLENDS = {
    "mean": lambda multiclass, _outputs: Blend(multiclass, weights=np.array([0.3, 0.7])),
    "logit-mean": lambda multiclass, outputs: Blend(multiclass, (Network.build_mean(2, outputs),), floor=0.01),
    "full": lambda multiclass, outputs: Blend(multiclass, (linear(outputs),), temperature=0.8, clip=0.01),
    "dense": lambda multiclass, outputs: Blend(
        multiclass, (dense(outputs), dense(outputs)), floor=1e-3, temperature=2.0, clip=0.001
    ),
}


@pytest.mark.parametrize(("multiclass", "outputs"), [(False, 1), (False, 3), (True, 4)])
@pytest.mark.parametrize("kind", BLENDS)
def test_the_file_predicts_the_same_as_the_meta_learner(
    tmp_path: Path, kind: str, multiclass: bool, outputs: int
) -> None:
    """Truth 5: each form of meta-learner predicts the same in Keras, before and after saving."""
    members = [member("a", outputs, 4, multiclass=multiclass), member("b", outputs, 6, multiclass=multiclass)]
    blend = BLENDS[kind](multiclass, outputs)
    photos = [RANDOM.integers(0, 256, (9, size, size, 3)).astype(np.uint8) for size in (4, 6)]
    seen = [network.predict(pixels, verbose=0) for network, pixels in zip(members, photos, strict=True)]
    expected = blend.predict_proba(compute_log_odds(seen, multiclass=multiclass))
    model = assemble(members, blend)
    assert np.allclose(model.predict(photos, verbose=0), expected, atol=1e-5)
    model.save(tmp_path / "stack.keras")
    read = keras.saving.load_model(tmp_path / "stack.keras", safe_mode=True)
    assert np.allclose(read.predict(photos, verbose=0), expected, atol=1e-5)
    assert not read.trainable_weights
    assert {"a", "b"} <= {layer.name for layer in read.layers}


@pytest.mark.parametrize(
    ("shift", "narrow", "kept"), [(5e-4, [], True), (0.02, [], False), (0.02, ["a"], True), (0.2, ["a"], False)]
)
def test_features_in_sixteen_bits_have_a_tolerance_of_their_own(
    shift: float, narrow: list[str], kept: bool, tmp_path: Path
) -> None:
    folder, _ = small_competition(tmp_path)
    place = folder.stack("first")
    stored = np.full((6, 3), 1 / 3, np.float32)
    write_arrays(place / "predictions.npz", test=stored)
    pixels = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(pixels)
    model = keras.Model([pixels], keras.layers.Dense(3)(pooled))
    model.layers[-1].set_weights([np.zeros((3, 3)), stored[0] + shift])
    with contextlib.nullcontext() if kept else pytest.raises(Mismatch, match="differs from the stored predictions"):
        assert compare_with_stored(model, folder, place, narrow) == pytest.approx(shift, abs=1e-6)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_record_of_a_fold_tells_the_precision_of_its_features(precision: RuntimePrecision, tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    one = np.zeros((1, 3), "f4")
    made = FoldPredictions(np.array(["1"]), one, np.array(["2"]), one, np.array(["a", "b", "c"]))
    save_fold(folder, record, 0, made, [], 0.5, 1.0, precision)
    assert has_16_bit_features(folder, record.name) == (precision == "bfloat16")


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):
    """A layer of the user."""

    def call(self, inputs: Any) -> Any:
        return 2 * inputs


@keras.saving.register_keras_serializable("tests")
def double(inputs: Any) -> Any:
    """A function of the user."""
    return 2 * inputs


LAST = {
    "Keras": lambda: keras.layers.Rescaling(2.0),
    "layer": Doubled,
    "function": lambda: keras.layers.Activation(double),
}


@pytest.mark.parametrize("last", LAST)
def test_the_weights_that_are_checked_are_those_of_the_file(last: str, tmp_path: Path) -> None:
    pixels = keras.Input((4, 4, 3))
    inner = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    flow = inner(pixels)
    model = keras.Model(pixels, LAST[last]()(flow))
    photos = np.random.default_rng(0).random((2, 4, 4, 3), np.float32)
    written = np.asarray(model(photos))
    model.save(path := tmp_path / "stack.keras")
    # A write that went wrong would leave other weights in the file than in memory.
    model.set_weights([np.zeros_like(array) for array in model.get_weights()])
    read = read_back(model, path)
    assert (read is model) == (last == "Keras")
    np.testing.assert_array_equal(np.asarray(read(photos)), written)
    assert [one.name for one in tmp_path.iterdir()] == ["stack.keras"]


def test_a_network_with_python_code_is_loaded_and_refused_as_anywhere_else(tmp_path: Path) -> None:
    pixels = keras.Input((4, 4, 3))
    model = keras.Model(pixels, keras.layers.Lambda(lambda tensor: 2 * tensor)(pixels))
    model.save(path := tmp_path / "stack.keras")
    with pytest.raises(ValueError, match="unsafe"):
        read_back(model, path)


def test_a_file_without_the_weights_of_a_layer_is_an_error(tmp_path: Path) -> None:
    def build(*widths: int) -> Any:
        return keras.Sequential([keras.Input((3,)), *map(keras.layers.Dense, widths)])

    build(2).save(path := tmp_path / "stack.keras")
    with pytest.raises(ValueError, match=r"could not be loaded|expected"):
        read_back(build(2, 2), path)
