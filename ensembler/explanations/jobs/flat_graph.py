"""A nested Keras network as one flat list of operations, which is run in parts.

A stack contains members, which contain folds, which contain backbones. Keras runs such a network as a whole, and hides
the feature maps inside. As a flat list, it can be run up to some tensors and continued from them, however deep these
are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
from keras import ops, tree

from .gradients import allow_float64

# Number of a tensor in a flat network.
Key = int
Values = dict[Key, Any]


@dataclass(frozen=True)
class Step:
    """One call of an operation.

    Attributes
    ----------
    operation
        Layer or operation of Keras.
    arguments
        Arguments of the call with symbolic tensors, and the key of each of these tensors by its identity.
    inputs, outputs
        Keys of the tensors that the call takes and returns.
    path
        Names of the models that contain the call, from the outside to the inside.
    """

    operation: Any
    arguments: tuple[Any, Any, dict[int, Key]]
    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    path: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Name of the operation's class."""
        return str(type(self.operation).__name__)

    @property
    def has_weights(self) -> bool:
        """Whether the operation has trained weights."""
        return isinstance(self.operation, keras.Layer) and bool(self.operation.weights)


@dataclass
class FlatGraph:
    """The operations of a network in an order in which they can run.

    Attributes
    ----------
    steps
        Calls of operations. Nested functional models are replaced by their own operations.
    inputs, outputs
        Keys of the tensors that the network takes and returns.
    shapes
        Shape of each tensor by its key. The first dimension is None.
    called
        Output of each nested model by its path.
    """

    steps: list[Step] = field(default_factory=list)
    inputs: tuple[Key, ...] = ()
    outputs: tuple[Key, ...] = ()
    shapes: dict[Key, tuple[int | None, ...]] = field(default_factory=dict)
    called: dict[tuple[str, ...], Key] = field(default_factory=dict)

    @classmethod
    def flatten(cls, model: Any) -> FlatGraph:
        """Flatten a functional model."""
        graph = cls()
        graph.inputs = tuple(graph._add_tensor(tensor) for tensor in model.inputs)
        graph.outputs = tuple(graph._add_model(model, graph.inputs, ()))
        return graph

    def find_producers(self) -> dict[Key, Step]:
        """Return the step that computes each tensor."""
        return {key: step for step in self.steps for key in step.outputs}

    def select_steps(self, known: Iterable[Key], wanted: Iterable[Key]) -> list[Step]:
        """Return the steps that are needed to compute ``wanted`` from ``known``."""
        producers, found, needed = self.find_producers(), set(known), set[int]()
        waiting = list(wanted)
        while waiting:
            key = waiting.pop()
            if key in found:
                continue
            found.add(key)
            step = producers[key]
            needed.add(id(step))
            waiting += step.inputs
        return [step for step in self.steps if id(step) in needed]

    def run(self, known: Mapping[Key, Any], wanted: Sequence[Key], check: Callable[[], None] = lambda: None) -> Values:
        """Compute tensors from others in inference mode. Tensors that no later step needs are freed.

        Parameters
        ----------
        known
            Values of tensors. What lies before them is not computed.
        wanted
            Keys of the tensors to compute.
        check
            Function that is called before each step, and may raise to stop.
        """
        steps, values, kept = self.select_steps(known, wanted), dict(known), set(wanted)
        uses = Counter(key for step in steps for key in step.inputs)
        for step in steps:
            check()
            values.update(zip(step.outputs, _call(step, values), strict=True))
            uses.subtract(step.inputs)
            for key in step.inputs:
                if not uses[key] and key not in kept:
                    values.pop(key, None)
        return {key: values[key] for key in wanted}

    def _add_tensor(self, tensor: Any) -> Key:
        key = len(self.shapes)
        self.shapes[key] = tuple(tensor.shape)
        return key

    def _add_model(self, model: Any, inputs: Sequence[Key], path: tuple[str, ...]) -> list[Key]:
        keys = {id(tensor): key for tensor, key in zip(model.inputs, inputs, strict=True)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            for node in model._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                given = [keys[id(tensor)] for tensor in node.input_tensors]
                outputs = self._add_call(node, given, path, keys)
                keys.update(zip(map(id, node.outputs), outputs, strict=True))
        return [keys[id(tensor)] for tensor in model.outputs]

    def _add_call(self, node: Any, given: list[Key], path: tuple[str, ...], keys: dict[int, Key]) -> list[Key]:
        inner = _find_functional(node.operation)
        if inner is not None and len(inner.inputs) == len(given):
            place = (*path, node.operation.name)
            outputs = self._add_model(inner, given, place)
            self.called[place] = outputs[0]
            return outputs
        outputs = [self._add_tensor(tensor) for tensor in node.outputs]
        own = {id(tensor): keys[id(tensor)] for tensor in node.input_tensors}
        arguments = (node.arguments.args, node.arguments.kwargs, own)
        self.steps.append(Step(node.operation, arguments, tuple(given), tuple(outputs), path))
        return outputs


def use_exact_arithmetic(graph: FlatGraph) -> None:
    """Have layers compute in float32, and those behind the pooling in float64.

    A probability near 1 has no gradient in float32, and small gradients vanish in float16.
    """
    allow_float64()
    for step in graph.steps:
        if isinstance(step.operation, keras.Layer):
            flat = all(len(graph.shapes[key]) <= 2 for key in (*step.inputs, *step.outputs))
            step.operation.dtype_policy = "float64" if flat else "float32"


def _find_functional(operation: Any) -> Any | None:
    """Return the functional model of a nested model. None for layers, and for models of other kinds."""
    inner = getattr(operation, "_functional", None) if isinstance(operation, keras.Sequential) else operation
    return inner if isinstance(inner, keras.Model) and getattr(inner, "_nodes_by_depth", None) else None


def _call(step: Step, values: Mapping[Key, Any]) -> list[Any]:
    positional, named, keys = step.arguments

    def fill_in(item: Any) -> Any:
        return values[keys[id(item)]] if id(item) in keys else item

    positional, named = tree.map_structure(fill_in, (positional, named))
    if step.kind == "Clip" and len(positional[0].shape) <= 2:
        return [_clip(step.operation, positional[0])]
    return list(tree.flatten(step.operation(*positional, **named)))


def _clip(operation: Any, tensor: Any) -> Any:
    """Clip, but pass gradients on unchanged, so that a probability beyond the clip keeps its reasons."""
    return tensor + ops.stop_gradient(operation(tensor) - tensor)
