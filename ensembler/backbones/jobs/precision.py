"""Precision of the layers' arithmetic. Weights, probabilities and losses are always float32."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras

from ..registry import Precision

_POLICIES: dict[Precision, str] = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


@contextlib.contextmanager
def use_precision(precision: Precision) -> Iterator[None]:
    """Build the layers that are created within the block with this precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
