"""The tail of a graph, whose arithmetic is never quantised: everything after the last convolution or pooling.

It consists of the members' heads and the meta-learner, which take no time. Eight bits would round their probabilities
to multiples of 1/256, and log loss and log-odds of 0 are infinite.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from ...errors import BadData


class Operation(NamedTuple):
    """An operation of a graph: its name and kind, and the tensors that it reads and makes."""

    name: str
    kind: str
    inputs: Sequence[Hashable]
    outputs: Sequence[Hashable]


def list_tail(operations: Sequence[Operation], features: Collection[str]) -> list[str]:
    """List the operations that no operation of the kinds ``features`` depends on.

    Parameters
    ----------
    operations
        All operations of a graph.
    features
        Kinds of the operations that compute features: convolutions and pooling.

    Raises
    ------
    BadData
        If no operation is of these kinds, so that the whole graph would be its tail.
    """
    makers = {tensor: operation for operation in operations for tensor in operation.outputs}
    waiting = [operation for operation in operations if operation.kind in features]
    if not waiting:
        raise BadData(
            "the network has neither convolutions nor pooling, so nothing would be quantised: choose another --quantize"
        )
    body: set[str] = set()
    while waiting:
        operation = waiting.pop()
        if operation.name not in body:
            body.add(operation.name)
            waiting += [makers[tensor] for tensor in operation.inputs if tensor in makers]
    return [operation.name for operation in operations if operation.name not in body]
