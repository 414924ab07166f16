from __future__ import annotations

import pytest

from ensembler.errors import BadData
from ensembler.exports.jobs.tails import Operation, list_tail

# A convolution, a branch of its own beside it, a pooling, and a head of two operations under a mean.
GRAPH = [
    Operation("conv", "Conv", ["pixels", "kernel"], ["map"]),
    Operation("gate", "Sigmoid", ["map"], ["share"]),
    Operation("gated", "Mul", ["map", "share"], ["kept"]),
    Operation("pool", "Mean", ["kept"], ["features"]),
    Operation("head", "MatMul", ["features", "weights"], ["scores"]),
    Operation("softmax", "Softmax", ["scores"], ["probabilities"]),
]


@pytest.mark.parametrize(
    ("features", "tail"),
    [
        ({"Conv", "Mean"}, ["head", "softmax"]),
        ({"Conv"}, ["gate", "gated", "pool", "head", "softmax"]),
        ({"Softmax"}, []),
    ],
)
def test_the_tail_follows_the_last_feature(features: set[str], tail: list[str]) -> None:
    assert list_tail(GRAPH, features) == tail
    assert list_tail(GRAPH[::-1], features) == tail[::-1]


def test_a_graph_without_features_has_no_tail() -> None:
    with pytest.raises(BadData, match="neither convolutions nor pooling"):
        list_tail(GRAPH, {"Attention"})
