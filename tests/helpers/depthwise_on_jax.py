"""Convolutions on JAX with and without `speed_up_depthwise`, in a process of their own, which prints JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp
from keras import layers

from ensembler.backbones.jobs.depthwise import speed_up_depthwise

# Convolutions that are not replaced, so that their programs are compared and not run.
OTHERS = ("plain", "half grouped", "multiplied", "dilated", "channels first", "pointwise", "large kernel")
SHAPES = {"channels first": (6, 9, 8), "large kernel": (16, 16, 6)}


def make_layers() -> dict[str, Any]:
    return {
        "depthwise": layers.DepthwiseConv2D(3, padding="same"),
        "strides": layers.DepthwiseConv2D(5, strides=2, padding="same"),
        "valid": layers.DepthwiseConv2D(3, strides=2),
        "flat": layers.DepthwiseConv2D((1, 3), padding="same"),
        "wide": layers.DepthwiseConv2D(7, padding="same"),
        "separable": layers.SeparableConv2D(4, 3, padding="same"),
        "grouped": layers.Conv2D(6, 3, groups=6, padding="same"),
        "float16": layers.DepthwiseConv2D(3, dtype="float16"),
        "bfloat16": layers.DepthwiseConv2D(3, dtype="bfloat16"),
        "plain": layers.Conv2D(4, 3),
        "half grouped": layers.Conv2D(6, 3, groups=2),
        "multiplied": layers.DepthwiseConv2D(3, depth_multiplier=2),
        "dilated": layers.DepthwiseConv2D(3, dilation_rate=2),
        "channels first": layers.DepthwiseConv2D(3, data_format="channels_first"),
        "pointwise": layers.DepthwiseConv2D(1),
        "large kernel": layers.DepthwiseConv2D(8),
    }


def look(name: str, layer: Any, inputs: Any) -> tuple[str, list[Any]]:
    """Return the program of a layer, and the outputs with the gradients by the inputs and the kernel."""
    kernel = layer.trainable_variables[0].value

    def compute(values: Any, kernel: Any) -> Any:
        weights = [kernel, *(variable.value for variable in layer.trainable_variables[1:])]
        return layer.stateless_call(weights, [], values)[0]

    def add_up(values: Any, kernel: Any) -> Any:
        return (compute(values, kernel).astype("float32") ** 2).mean()

    text = jax.jit(lambda *given: compute(*given)).lower(inputs, kernel).as_text()
    if name in OTHERS:
        return text, []
    gradients = jax.jit(jax.grad(lambda *given: add_up(*given), argnums=(0, 1)))(inputs, kernel)
    return text, [jax.jit(lambda *given: compute(*given))(inputs, kernel), *gradients]


def compare(before: Any, after: Any) -> float:
    first, second = (np.asarray(each, np.float64) for each in (before, after))
    return float(np.abs(first - second).max() / np.abs(first).max())


def main() -> None:
    keras.utils.set_random_seed(0)
    asked, before = {}, {}
    for name, layer in make_layers().items():
        values = np.random.default_rng(0).normal(size=(2, *SHAPES.get(name, (9, 8, 6))))
        inputs = jnp.asarray(values, layer.compute_dtype)
        layer.build(inputs.shape)
        asked[name], before[name] = (layer, inputs), look(name, layer, inputs)
    speed_up_depthwise()
    found = {}
    for name, (layer, inputs) in asked.items():
        (first, old), (second, new) = before[name], look(name, layer, inputs)
        groups = [bool(re.search(r"feature_group_count = [2-9]", text)) for text in (first, second)]
        differences = [compare(*pair) for pair in zip(old, new, strict=True)]
        found[name] = {"groups": groups, "differences": differences, "texts": [first, second]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
