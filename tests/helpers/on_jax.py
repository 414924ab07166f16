"""Run in a process of its own, in which Keras runs on JAX, though TensorFlow is installed too."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np


def load_plainly(path: Path) -> Any:
    """Load a stack without this package."""
    import keras

    model = keras.saving.load_model(path)
    assert keras.backend.backend() == "jax"
    assert not any(name.partition(".")[0] == "ensembler" for name in sys.modules)
    return model


def main(folder: Path) -> None:
    """Predict and explain a stack of TensorFlow, and write another one."""
    pixels = list(np.load(folder / "pixels.npz").values())
    predicted = load_plainly(folder / "tensorflow.keras").predict(pixels, verbose=0)
    from helpers.nested_made import make_mixed_stack

    from ensembler.explanations.jobs.explained_network import ExplainedNetwork

    made = make_mixed_stack()
    made.save(folder / "jax.keras")
    own = made.predict(pixels, verbose=0)
    import keras

    # JAX compiles each operation of an explanation, so it is one of small networks.
    explained = ExplainedNetwork(keras.saving.load_model(folder / "small.keras"), ["a", "b"], "binary")
    np.savez(folder / "jax.npz", predicted=predicted, own=own, **vars(explained.explain(pixels[:1])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
