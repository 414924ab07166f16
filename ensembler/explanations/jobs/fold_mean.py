"""Means over the folds of a member with weights of their own for each photo.

Photos that different folds held out are so explained in one pass, if their folds share the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from .flat_graph import FlatGraph

# Class of the layer that averages the predictions of folds and views, and the beginning of its name.
_KIND, _NAME = "Average", "mean"


class FoldMean:
    """Mean of predictions, those of the first fold first.

    Parameters
    ----------
    plain
        Layer that weighs all predictions equally.
    folds
        Number of folds. Each has the same number of predictions, one for each view.
    """

    def __init__(self, plain: Any, folds: int) -> None:
        self.name = plain.name
        self.weights: NDArray[np.float64] | None = None
        self._plain = plain
        self._folds = folds

    def __call__(self, predicted: Sequence[Any]) -> Any:
        """Return the mean by ``weights``, of shape (photos, folds), or the plain mean if these are None."""
        if self.weights is None:
            return self._plain(predicted)
        views = len(predicted) // self._folds
        weights = np.repeat(self.weights / views, views, axis=1)
        return sum(ops.cast(each, "float64") * weights[:, place, None] for place, each in enumerate(predicted))


def weigh_folds(graph: FlatGraph, folds: int) -> list[FoldMean]:
    """Replace the means over folds in a network. Return the means that replace them."""
    ends = {*graph.called.values(), *graph.outputs}
    means = []
    for place, step in enumerate(graph.steps):
        is_mean = step.kind == _KIND and step.operation.name.startswith(_NAME) and step.outputs[0] in ends
        if is_mean and len(step.path) <= 1 and len(step.inputs) % folds == 0:
            means.append(FoldMean(step.operation, folds))
            graph.steps[place] = replace(step, operation=means[-1])
    return means
