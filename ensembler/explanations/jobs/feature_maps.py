"""The last feature maps of each backbone in a network, and the view of the photo that each of them shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .flat_graph import FlatGraph, Key, Step

# Operations that only move pixels. A flip of the channels is none of them.
_MOVES = {"Flip", "Transpose", "Cropping2D", "Resizing", "Identity"}
_CHANNEL_AXES = (-1, 3)
# Rows of finer feature maps, as a multiple of the rows of the last ones.
_FINER = 1.5


@dataclass(frozen=True)
class FeatureMap:
    """A tensor of feature maps, of shape (photos, rows, columns, channels).

    Attributes
    ----------
    key
        Key of the tensor.
    view
        Affine map, shape (2, 3), from positions in the feature map to positions in the photo. Both are shares of height
        and width from 0 to 1.
    member
        Name of the layer of the outermost model that contains it. Empty if there is none.
    is_pixels
        Whether the network has no spatial layer, so that the tensor is the photo itself.
    """

    key: Key
    view: NDArray[np.float64]
    member: str
    is_pixels: bool


def find_feature_maps(graph: FlatGraph) -> list[FeatureMap]:
    """Return the last feature maps before the positions are pooled or flattened, one for each call of a backbone."""
    return _describe_all(graph, _search_back(graph, graph.outputs, 2))


def find_finer_maps(graph: FlatGraph, maps: Sequence[FeatureMap]) -> list[FeatureMap]:
    """Return the last feature maps with more rows than those of ``maps``, mostly twice as many.

    Those of a member may lie in several tensors. A member without such a layer has none.
    """
    keys: list[Key] = []
    for found in maps:
        if not found.is_pixels:
            rows = graph.shapes[found.key][1] or 1
            keys += _search_back(graph, [found.key], math.ceil(_FINER * rows))
    return [found for found in _describe_all(graph, sorted(set(keys))) if not found.is_pixels]


def _search_back(graph: FlatGraph, starts: Sequence[Key], least_positions: int) -> list[Key]:
    """Return the last tensors before ``starts`` that have at least this number of rows or columns."""
    producers = graph.find_producers()
    keys, seen, waiting = [], set[Key](), list(starts)
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        shape, producer = graph.shapes[key], producers.get(key)
        # The positions of a padded tensor reach beyond the photo.
        is_padded = producer is not None and producer.kind == "ZeroPadding2D"
        if len(shape) == 4 and max(shape[1] or 1, shape[2] or 1) >= least_positions and not is_padded:
            keys.append(key)
        elif producer is not None:
            waiting += producer.inputs
    return sorted(keys)


def _describe_all(graph: FlatGraph, keys: Sequence[Key]) -> list[FeatureMap]:
    producers, moved = graph.find_producers(), _find_moved_pixels(graph)
    return [_describe(graph, producers, moved, key) for key in keys]


def _describe(graph: FlatGraph, producers: dict[Key, Step], moved: set[Key], key: Key) -> FeatureMap:
    sources, has_weights = _trace_back(producers, moved, key)
    producer = producers.get(key)
    member = producer.path[0] if producer is not None and producer.path else ""
    return FeatureMap(key, _measure_view(graph, sources[0]), member, not has_weights)


def _find_moved_pixels(graph: FlatGraph) -> set[Key]:
    """Return the tensors that are photos whose pixels were only moved."""
    moved = set(graph.inputs)
    for step in graph.steps:
        axis = getattr(step.operation, "axis", None)
        if step.kind in _MOVES and axis not in _CHANNEL_AXES and moved.issuperset(step.inputs):
            moved.update(step.outputs)
    return moved


def _trace_back(producers: dict[Key, Step], moved: set[Key], key: Key) -> tuple[list[Key], bool]:
    """Return the moved photos that a tensor is computed from, and whether a layer with weights lies in between."""
    sources, seen, waiting, has_weights = [], set[Key](), [key], False
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        if current in moved:
            sources.append(current)
        elif current in producers:
            step = producers[current]
            has_weights |= step.has_weights and step.kind != "Normalization"
            waiting += step.inputs
    return sources, has_weights


def _measure_view(graph: FlatGraph, source: Key) -> NDArray[np.float64]:
    """Find how pixels were moved, by moving a photo whose pixels are their own positions."""
    photos = {key: _make_positions(graph.shapes[key]) for key in graph.inputs}
    [moved] = graph.run(photos, [source]).values()
    found = np.asarray(moved, np.float64)[0, :, :, :2]
    rows, columns = found.shape[:2]
    here = _make_positions((1, rows, columns, 3))[0, :, :, :2].astype(np.float64)
    # The edge of a resized crop repeats its outermost pixels.
    inner = slice(rows // 4, rows - rows // 4), slice(columns // 4, columns - columns // 4)
    known = np.column_stack([here[inner].reshape(-1, 2), np.ones(here[inner][..., 0].size)])
    solution, *_ = np.linalg.lstsq(known, found[inner].reshape(-1, 2), rcond=None)
    return np.asarray(solution.T, np.float64)


def _make_positions(shape: tuple[Any, ...]) -> NDArray[np.float32]:
    """Return a photo whose first two channels are the rows and columns of its pixels, as shares of its size."""
    rows, columns = (int(size) for size in shape[1:3])
    grid = np.meshgrid((np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns, indexing="ij")
    return np.stack([*grid, np.zeros_like(grid[0])], axis=-1)[None].astype(np.float32)
