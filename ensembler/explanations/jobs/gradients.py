"""Gradients of a function of tensors, and 64-bit numbers: the only code here that depends on Keras's backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

Function = Callable[[list[Any]], Sequence[Any]]


def allow_float64() -> None:
    """Let this process compute in float64, which JAX otherwise replaces by float32."""
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)


def compute_gradients(function: Function, tensors: Sequence[Any]) -> list[list[Any]]:
    """Compute the gradients of several scalars.

    Parameters
    ----------
    function
        Function of the tensors that returns scalars.
    tensors
        Arguments of the function.

    Returns
    -------
    list
        Gradients for each scalar, in the order of the tensors and of their shapes.
    """
    compute = _compute_by_jax if keras.backend.backend() == "jax" else _compute_by_tensorflow
    return compute(function, tensors)


def _compute_by_tensorflow(function: Function, tensors: Sequence[Any]) -> list[list[Any]]:
    import tensorflow as tf

    watched = [tf.convert_to_tensor(tensor) for tensor in tensors]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(watched)
        scalars = list(function(watched))
    return [tape.gradient(scalar, watched, unconnected_gradients="zero") for scalar in scalars]


def _compute_by_jax(function: Function, tensors: Sequence[Any]) -> list[list[Any]]:
    import jax
    import jax.numpy as jnp

    scalars, pull_back = jax.vjp(lambda watched: jnp.stack(list(function(watched))), list(tensors))
    return [list(pull_back(row)[0]) for row in jnp.eye(len(scalars), dtype=scalars.dtype)]
