"""Gradients of a function of tensors: the only code here that depends on the backend of Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def compute_gradients(function: Callable[[list[Any]], Sequence[Any]], tensors: Sequence[Any]) -> list[list[Any]]:
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
    watched = [tf.convert_to_tensor(tensor) for tensor in tensors]
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(watched)
        scalars = list(function(watched))
    return [tape.gradient(scalar, watched, unconnected_gradients="zero") for scalar in scalars]
