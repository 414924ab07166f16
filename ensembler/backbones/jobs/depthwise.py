"""Depthwise convolutions of JAX on processors, as sums of shifted products."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, cast

import keras

# Positions of a kernel, as of 7 x 7, above which the sum would take longer to compile than it saves.
_MAX_POSITIONS = 49
_LOG = logging.getLogger(__name__)


@cache
def speed_up_depthwise() -> None:
    """Let Keras on JAX compute depthwise convolutions on processors without XLA's grouped convolution.

    XLA loops over the groups there, which takes several times as long, see docs/backends.md. Saved networks are
    unchanged, and the outputs differ by rounding. Steps that are compiled before keep theirs.
    """
    # Keras has no public way to replace an operation, and its layers must stay those that plain Keras can load.
    try:
        operations = importlib.import_module("keras.src.backend.jax.nn")
        replaced = {name: _replace(getattr(operations, name)) for name in ("conv", "depthwise_conv")}
    except (ImportError, AttributeError) as error:
        # Another version of Keras computes the same, only more slowly.
        _LOG.warning("Depthwise convolutions are slow on JAX, because this version of Keras differs: %s", error)
        return
    for name, operation in replaced.items():
        setattr(operations, name, operation)


def _replace(convolve: Callable[..., Any]) -> Callable[..., Any]:
    """Return Keras's operation ``convolve``, in which depthwise convolutions are sums."""

    @wraps(convolve)
    def convolve_or_sum(
        inputs: Any,
        kernel: Any,
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
    ) -> Any:
        inputs, kernel = keras.ops.convert_to_tensor(inputs), keras.ops.convert_to_tensor(kernel)
        is_last = (data_format or keras.config.image_data_format()) == "channels_last"
        if is_last and _make_pair(dilation_rate) == (1, 1) and _is_depthwise(inputs.shape, kernel.shape):
            return _compile_sum()(inputs, kernel.reshape(*kernel.shape[:2], -1), _make_pair(strides), padding.upper())
        return convolve(inputs, kernel, strides, padding, data_format, dilation_rate)

    return convolve_or_sum


def _make_pair(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _is_depthwise(inputs: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Return whether each channel has one kernel, in the shape (rows, columns, channels, 1) or (..., 1, channels)."""
    if len(inputs) != 4 or inputs[3] == 1 or sorted(kernel[2:]) != [1, inputs[3]]:
        return False
    return 1 < kernel[0] * kernel[1] <= _MAX_POSITIONS


@cache
def _compile_sum() -> Callable[..., Any]:
    import jax

    return cast(Callable[..., Any], jax.jit(_sum_products, static_argnums=(2, 3)))


def _sum_products(inputs: Any, kernel: Any, strides: tuple[int, int], padding: str) -> Any:
    """Return the depthwise convolution, shape (photos, rows, columns, channels), by a kernel (rows, columns, channels).

    The sum is kept in float32 at least, as XLA's convolution does.
    """
    from jax import lax
    from jax import numpy as jnp

    window = kernel.shape[:2]
    around = lax.padtype_to_pads(inputs.shape[1:3], window, strides, padding)
    # Else XLA would compute the layers before again for each position of the kernel.
    padded = lax.optimization_barrier(jnp.pad(inputs, ((0, 0), *around, (0, 0))))
    photos, *size, channels = padded.shape
    ends = [
        (length - reach) // stride * stride + 1 for length, reach, stride in zip(size, window, strides, strict=True)
    ]
    wide = jnp.promote_types(inputs.dtype, jnp.float32)
    total = jnp.zeros((), wide)
    for row in range(window[0]):
        for column in range(window[1]):
            shifted = lax.slice(
                padded, (0, row, column, 0), (photos, row + ends[0], column + ends[1], channels), (1, *strides, 1)
            )
            total += shifted.astype(wide) * kernel[row, column].astype(wide)
    return total.astype(inputs.dtype)
