"""Maps of what a stack and its members look at, through the nested models of the stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...competition.task import Task
from ..heat import MAP_SIZE, normalise, place_on_photo
from .class_maps import METHODS, compute_input_map
from .feature_maps import FeatureMap, find_feature_maps
from .flat_graph import FlatGraph, Key, Values, use_exact_arithmetic
from .gradients import compute_gradients
from .log_odds import compute_class_log_odds, convert_probabilities

DEFAULT_METHOD, PIXEL_METHOD = "Grad-CAM", "gradient times input"
# Layer of a stack, or of a head, whose input are the scores before softmax or sigmoid.
_LAST_LAYER = "probabilities"


@dataclass(frozen=True)
class BatchMaps:
    """What a network finds of a batch of photos, and where.

    Attributes
    ----------
    probabilities
        Probabilities of the network, shape (photos, outputs).
    member_probabilities
        Probabilities of each member, shape (photos, members, outputs).
    classes
        Number of the explained class of each photo, shape (photos,).
    heat
        Maps of the network, shape (photos, rows, columns), which sum to 1, or to 0 if nothing speaks for the class.
    member_heat
        Maps of each member alone, shape (photos, members, rows, columns).
    shares
        Share of each member in the map of the network, shape (photos, members).
    """

    probabilities: NDArray[np.float64]
    member_probabilities: NDArray[np.float64]
    classes: NDArray[np.int64]
    heat: NDArray[np.float32]
    member_heat: NDArray[np.float32]
    shares: NDArray[np.float64]


class ExplainedNetwork:
    """A stack, or a single network, whose predictions are explained.

    Parameters
    ----------
    model
        Keras model from pixels to probabilities. Its arithmetic is changed, so it should serve nothing else.
    members
        Names of the layers of its members. Empty for a network that is a member itself.
    task
        Task of the competition.
    method
        Name of the method in :data:`.class_maps.METHODS`.
    """

    def __init__(self, model: Any, members: Sequence[str], task: Task, method: str = DEFAULT_METHOD) -> None:
        self.graph = FlatGraph.flatten(model)
        use_exact_arithmetic(self.graph)
        self.members = tuple(members)
        self.task = task
        self.maps = find_feature_maps(self.graph)
        self._method = method
        self._compute = METHODS[method]
        self._scores = self._find_scores()
        self._outputs = [self.graph.called[(name,)] for name in self.members] or [self.graph.outputs[0]]

    def list_methods(self) -> tuple[str, ...]:
        """Return for each member whether its maps are class activation maps or made of pixels."""
        owned = [[found.is_pixels for found in self.maps if self._owns(number, found)] for number in self._numbers]
        return tuple(PIXEL_METHOD if any(pixels) else self._method for pixels in owned)

    def explain(
        self,
        pixels: Sequence[NDArray[Any]],
        classes: NDArray[np.int64] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> BatchMaps:
        """Explain a batch of photos.

        Parameters
        ----------
        pixels
            Photos for each input, shape (photos, size, size, 3), from 0 to 255.
        classes
            Number of the class to explain for each photo. A negative number, or None, is the most probable class.
        check
            Function that is called before each operation, and may raise to stop.
        """
        keys = [found.key for found in self.maps]
        photos = {
            key: ops.convert_to_tensor(part, "float32") for key, part in zip(self.graph.inputs, pixels, strict=True)
        }
        features = self.graph.run(photos, keys, check)
        found = self.graph.run(features, [self.graph.outputs[0], *self._outputs], check)
        predicted, *by_member = (_to_array(found[key]) for key in (self.graph.outputs[0], *self._outputs))
        chosen = _choose_classes(predicted, classes, self.task)
        of_network, of_members = compute_gradients(
            lambda tensors: self._compute_scores(dict(zip(keys, tensors, strict=True)), chosen), list(features.values())
        )
        heat, shares = self._join(features, of_network, "all")
        member_heat, _ = self._join(features, of_members, "each")
        return BatchMaps(predicted, np.stack(by_member, axis=1), chosen, heat[:, 0], member_heat, shares)

    @property
    def _numbers(self) -> range:
        return range(max(1, len(self.members)))

    def _owns(self, number: int, found: FeatureMap) -> bool:
        return not self.members or self.members[number] == found.member

    def _find_scores(self) -> Key | None:
        """Return the key of the scores before the last softmax or sigmoid of a stack."""
        last = [step for step in self.graph.steps if not step.path and step.operation.name == _LAST_LAYER]
        return last[-1].inputs[0] if last and last[-1].kind == "Activation" else None

    def _compute_scores(self, features: Values, classes: NDArray[np.int64]) -> list[Any]:
        """Return the summed log-odds of the network, and those of all its members."""
        last = self.graph.outputs[0] if self._scores is None else self._scores
        found = self.graph.run(features, [last, *self._outputs])
        scores = found[last] if self._scores is not None else convert_probabilities(found[last], self.task)
        own = [convert_probabilities(found[key], self.task) for key in self._outputs]
        of_members = [ops.sum(compute_class_log_odds(each, classes, self.task)) for each in own]
        return [ops.sum(compute_class_log_odds(scores, classes, self.task)), sum(of_members)]

    def _join(
        self, features: Values, gradients: Sequence[Any], kind: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Join the maps of backbones and views to one of the network or of each member, and weigh the members."""
        count = len(next(iter(features.values())))
        maps = np.zeros((count, len(self._numbers), MAP_SIZE, MAP_SIZE))
        for found, gradient in zip(self.maps, gradients, strict=True):
            compute = compute_input_map if found.is_pixels else self._compute
            values = compute(_to_array(features[found.key]), _to_array(gradient))
            placed = place_on_photo(values, found.view)
            for number in self._numbers:
                if self._owns(number, found):
                    maps[:, number] += placed
        positive = np.maximum(maps, 0)
        sums = positive.sum(axis=(2, 3))
        shares = sums / np.where(sums.any(axis=1, keepdims=True), sums.sum(axis=1, keepdims=True), 1)
        joined = maps.sum(axis=1, keepdims=True) if kind == "all" else maps
        return normalise(joined), shares


def _choose_classes(predicted: NDArray[np.float64], classes: NDArray[np.int64] | None, task: Task) -> NDArray[np.int64]:
    best = (predicted[:, 0] > 0.5).astype(np.int64) if task == "binary" else predicted.argmax(axis=1)
    return best if classes is None else np.where(classes < 0, best, classes)


def _to_array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(ops.convert_to_numpy(tensor), np.float64)
