"""Maps of what a stack and its members look at, through the nested models of the stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from ...backbones.jobs.devices import prepare_backend
from ...competition.task import Task
from ..heat import MAP_SIZE, normalise, place_on_photo
from .class_maps import METHODS, compute_input_map
from .feature_maps import FeatureMap, find_feature_maps, find_finer_maps
from .flat_graph import FlatGraph, Key, Values, use_exact_arithmetic
from .fold_mean import weigh_folds
from .gradients import compute_gradients
from .log_odds import compute_class_log_odds, convert_probabilities

# The maps of two layers are multiplied, as Poly-CAM does (Englebert et al., 2022): the last layer tells what speaks for
# the class, and the finer one where exactly.
DEFAULT_METHOD, PIXEL_METHOD = "HiResCAM of two layers", "gradient times input"
_LAYER_METHOD = "HiResCAM"
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
        :data:`DEFAULT_METHOD`, or the name of a method in :data:`.class_maps.METHODS`, which uses the last layer alone.
    folds
        Number of folds whose predictions each member averages, if photos are explained by folds of their own.
    """

    def __init__(
        self, model: Any, members: Sequence[str], task: Task, method: str = DEFAULT_METHOD, folds: int = 1
    ) -> None:
        prepare_backend()
        self.graph = FlatGraph.flatten(model)
        self._means = weigh_folds(self.graph, folds) if folds > 1 else []
        use_exact_arithmetic(self.graph)
        self.members = tuple(members)
        self.task = task
        self.maps = find_feature_maps(self.graph)
        self.finer = find_finer_maps(self.graph, self.maps) if method == DEFAULT_METHOD else []
        self._method = method
        self._compute = METHODS[_LAYER_METHOD if method == DEFAULT_METHOD else method]
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
        fold_weights: NDArray[np.float64] | None = None,
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
        fold_weights
            Weights of the folds for each photo, shape (photos, folds), which sum to 1. None weighs all folds equally.
        """
        for mean in self._means:
            mean.weights = fold_weights
        photos = {
            key: ops.convert_to_tensor(part, "float32") for key, part in zip(self.graph.inputs, pixels, strict=True)
        }
        keys = [found.key for found in (*self.maps, *self.finer)]
        features = self.graph.run(photos, keys, check)
        wanted = (self.graph.outputs[0], *self._outputs)
        last = {found.key: features[found.key] for found in self.maps}
        found = self.graph.run(photos | last, wanted, check)
        predicted, *by_member = (_to_array(found[key]) for key in wanted)
        chosen = _choose_classes(predicted, classes, self.task)
        coarse, fine = (self._place_all(each, photos, features, chosen) for each in (self.maps, self.finer))
        masses = np.maximum(coarse[0], 0).sum(axis=(2, 3))
        totals = masses.sum(axis=1, keepdims=True)
        shares = np.divide(masses, totals, out=np.zeros_like(masses), where=totals > 0)
        of_members = [_multiply(*pair) for pair in zip(coarse, fine, strict=True)]
        heat = normalise((of_members[0] * shares[..., None, None]).sum(axis=1))
        return BatchMaps(predicted, np.stack(by_member, axis=1), chosen, heat, of_members[1], shares)

    @property
    def _numbers(self) -> range:
        return range(max(1, len(self.members)))

    def _owns(self, number: int, found: FeatureMap) -> bool:
        return not self.members or self.members[number] == found.member

    def _find_scores(self) -> Key | None:
        """Return the key of the scores before the last softmax or sigmoid of a stack."""
        last = [step for step in self.graph.steps if not step.path and step.operation.name == _LAST_LAYER]
        return last[-1].inputs[0] if last and last[-1].kind == "Activation" else None

    def _compute_scores(self, known: Values, classes: NDArray[np.int64]) -> list[Any]:
        """Return the summed log-odds of the network, and those of all its members."""
        last = self.graph.outputs[0] if self._scores is None else self._scores
        found = self.graph.run(known, [last, *self._outputs])
        scores = found[last] if self._scores is not None else convert_probabilities(found[last], self.task)
        own = [convert_probabilities(found[key], self.task) for key in self._outputs]
        of_members = [ops.sum(compute_class_log_odds(each, classes, self.task)) for each in own]
        return [ops.sum(compute_class_log_odds(scores, classes, self.task)), sum(of_members)]

    def _place_all(
        self, found: Sequence[FeatureMap], photos: Values, features: Values, classes: NDArray[np.int64]
    ) -> list[NDArray[np.float64]]:
        """Return the sums of each member's maps on the photos, for the network's score and for the member's own.

        Each has the shape (photos, members, rows, columns). A member without feature maps among ``found`` has zeros.
        """
        count, keys = len(next(iter(photos.values()))), [each.key for each in found]
        placed = [np.zeros((count, len(self._numbers), MAP_SIZE, MAP_SIZE)) for _ in range(2)]
        if not found:
            return placed
        # Members without feature maps among these are cut off at their last ones.
        others = {
            each.key: features[each.key] for each in self.maps if each.member not in {own.member for own in found}
        }
        gradients = compute_gradients(
            lambda tensors: self._compute_scores(photos | others | dict(zip(keys, tensors, strict=True)), classes),
            [features[key] for key in keys],
        )
        for total, of_score in zip(placed, gradients, strict=True):
            for each, gradient in zip(found, of_score, strict=True):
                compute = compute_input_map if each.is_pixels else self._compute
                values = place_on_photo(compute(_to_array(features[each.key]), _to_array(gradient)), each.view)
                for number in self._numbers:
                    if self._owns(number, each):
                        total[:, number] += values
        return placed


def _multiply(coarse: NDArray[np.float64], fine: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return maps where both layers speak for the class. Where they have no place in common, the last layer decides."""
    both = normalise(normalise(coarse) * normalise(fine))
    return np.where(both.any(axis=(2, 3), keepdims=True), both, normalise(coarse))


def _choose_classes(predicted: NDArray[np.float64], classes: NDArray[np.int64] | None, task: Task) -> NDArray[np.int64]:
    best = (predicted[:, 0] > 0.5).astype(np.int64) if task == "binary" else predicted.argmax(axis=1)
    return best if classes is None else np.where(classes < 0, best, classes)


def _to_array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(ops.convert_to_numpy(tensor), np.float64)
