"""A nested network is run in parts."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from helpers.nested_made import make_member, make_pixels, make_stack
from keras import layers

from ensembler.explanations.jobs.flat_graph import FlatGraph, use_exact_arithmetic

PIXELS = make_pixels().astype("f4")


def make_sequential() -> keras.Model:
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    pixels = keras.Input((16, 16, 3))
    return keras.Model(pixels, layers.Softmax()(inner(pixels * 2.0)) + inner(pixels))


NETWORKS = {
    "stack": lambda: make_stack([make_member("a", 1), make_member("b", 2, views="crops")]),
    "classes": lambda: make_stack([make_member("a", 1, outputs=3)], 3),
    "sequential": make_sequential,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_flat_network_computes_what_the_nested_one_does(name: str) -> None:
    model = NETWORKS[name]()
    graph = FlatGraph.flatten(model)
    assert not any(isinstance(step.operation, keras.Model) for step in graph.steps)
    [found] = graph.run({graph.inputs[0]: PIXELS}, graph.outputs).values()
    np.testing.assert_allclose(found, model(PIXELS if name == "sequential" else [PIXELS], training=False), atol=1e-6)


def test_a_network_is_continued_from_any_tensor() -> None:
    graph = FlatGraph.flatten(NETWORKS["stack"]())
    middle = [step.outputs[0] for step in graph.steps if step.kind == "GlobalAveragePooling2D"]
    [whole] = graph.run({graph.inputs[0]: PIXELS}, graph.outputs).values()
    parts = graph.run({graph.inputs[0]: PIXELS}, middle)
    [continued] = graph.run(parts, graph.outputs).values()
    np.testing.assert_array_equal(continued, whole)
    assert {step.kind for step in graph.select_steps(middle, graph.outputs)}.isdisjoint({"Conv2D", "Rescaling"})


def test_work_can_be_stopped_between_operations() -> None:
    graph = FlatGraph.flatten(NETWORKS["classes"]())
    with pytest.raises(KeyboardInterrupt):
        graph.run({graph.inputs[0]: PIXELS}, graph.outputs, lambda: exec("raise KeyboardInterrupt"))


def test_low_precision_becomes_exact() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make_member("a", 1)
    finally:
        keras.config.set_dtype_policy(policy)
    graph = FlatGraph.flatten(model)
    use_exact_arithmetic(graph)
    convolution = next(step for step in graph.steps if step.kind == "Conv2D")
    [flow] = graph.run({graph.inputs[0]: PIXELS}, [convolution.outputs[0]]).values()
    [end] = graph.run({graph.inputs[0]: PIXELS}, graph.outputs).values()
    assert (flow.dtype.name, end.dtype.name) == ("float32", "float64")
