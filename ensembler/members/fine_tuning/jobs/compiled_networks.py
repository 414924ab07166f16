"""Networks that the folds of a member train one after another, so that each step is compiled once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from ....backbones.jobs.views import average_views
from ....images.views import Views
from .optimizer import LayerwiseAdamW


class ClassWeights(layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Return the probabilities unchanged, and hold the class weights of the loss.

    The loss of JAX sees only variables of the network, and a constant would be compiled into the step of each fold.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__(name="class_weights", dtype="float32")
        self.absent, self.present = (
            self.add_weight(shape=(outputs,), initializer="ones", trainable=False, name=name)
            for name in ("absent", "present")
        )

    def call(self, probabilities: Any) -> Any:
        """Return ``probabilities``."""
        return probabilities

    def assign(self, weights: NDArray[np.float32]) -> None:
        """Set the weights of each output, absent and present, shape (2, outputs)."""
        self.absent.assign(weights[0])
        self.present.assign(weights[1])


@dataclass(frozen=True)
class CompiledStep:
    """A compiled training step.

    Attributes
    ----------
    model
        Compiled model of the network's layers, followed by the class weights if there are any.
    optimizer
        Its optimizer, without the scaling of the loss.
    class_weights
        Weights of the loss. None if they are constant.
    """

    model: Any
    optimizer: LayerwiseAdamW
    class_weights: ClassWeights | None


@dataclass
class CompiledNetworks:
    """Networks of one architecture by their precision, with their compiled steps.

    TensorFlow traces a step for the variables of one network, and JAX compiles it. A later fold therefore sets its
    starting weights in the network of the first.
    """

    _networks: dict[str, Any] = field(default_factory=dict)
    _steps: dict[tuple[str, Hashable], CompiledStep] = field(default_factory=dict)
    _predictors: dict[tuple[str, Views], Any] = field(default_factory=dict)

    def start(self, name: str, build: Callable[[], Any]) -> Any:
        """Return the network ``name`` with the weights and the random state of a newly built one."""
        fresh, kept = build(), self._networks.get(name)
        if kept is None or _describe(kept) != _describe(fresh):
            self._forget(name)
            self._networks[name] = fresh
            return fresh
        for old, new in zip(kept.variables, fresh.variables, strict=True):
            old.assign(new)
        return kept

    def find_or_build(self, name: str, build: Callable[[], Any]) -> Any:
        """Return the network ``name`` with any weights."""
        if name not in self._networks:
            self._networks[name] = build()
        return self._networks[name]

    def find_or_compile(self, name: str, key: Hashable, compile_step: Callable[[], CompiledStep]) -> CompiledStep:
        """Return the step ``key`` of the network ``name``."""
        if (name, key) not in self._steps:
            self._steps[name, key] = compile_step()
        return self._steps[name, key]

    def drop_steps(self) -> None:
        """Release compiled steps, whose optimizers take memory."""
        self._steps.clear()

    def find_predictor(self, name: str, views: Views) -> Any:
        """Return the model that averages the network's predictions over views, compiled for prediction alone."""
        if (name, views) not in self._predictors:
            network = self._networks[name]
            # A second model of the same layers, because compiling for prediction discards the compiled training step.
            plain = keras.Model(network.input, network.output, name=network.name)
            self._predictors[name, views] = average_views(plain, views)
        return self._predictors[name, views]

    def _forget(self, name: str) -> None:
        self._steps = {key: step for key, step in self._steps.items() if key[0] != name}
        self._predictors = {key: model for key, model in self._predictors.items() if key[0] != name}


def _describe(network: Any) -> list[tuple[Any, ...]]:
    return [(tuple(variable.shape), str(variable.dtype), variable.name) for variable in network.variables]
