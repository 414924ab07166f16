"""Placement of labels beside points, so that none covers another label, a point or the frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Pixels between a point and its label, nearest first, and the number of directions that are tried at each.
DISTANCES = (7.0, 14.0, 24.0, 38.0, 56.0, 80.0, 110.0)
DIRECTIONS = 16
# Pixels around a point that no label may touch, and between two labels.
POINT_MARGIN, LABEL_GAP = 5.0, 2.0
# Pixels of the grid that is searched where nothing near is free.
GRID_STEP = 8.0

# Rows of left, bottom, right and top, in pixels.
Boxes = NDArray[np.float64]
_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])


def place_labels(
    points: Boxes, sizes: Boxes, required: Sequence[bool], frame: Boxes, others: Boxes
) -> list[Boxes | None]:
    """Find a place for each label; the first labels choose first.

    Parameters
    ----------
    points, sizes
        Position of each point, and width and height of its label, shape (labels, 2).
    required
        Whether each label must be placed, if need be far from its point.
    frame
        Box that labels must lie in, shape (4,).
    others
        Boxes that labels must not touch, shape (boxes, 4).

    Returns
    -------
    list of array of shape (4,) or None
        The box of each label; None where there is no free place.
    """
    taken = np.concatenate([others.reshape(-1, 4), np.tile(points, 2) + POINT_MARGIN * _OUTWARDS])
    placed: list[Boxes | None] = []
    for point, size, is_required in zip(points, sizes, required, strict=True):
        places = [_list_places_around(point, size), *([_list_grid_places(point, size, frame)] if is_required else [])]
        box = next((free[0] for boxes in places if len(free := _select_free(boxes, taken, frame))), None)
        if box is not None:
            taken = np.concatenate([taken, [box + LABEL_GAP * _OUTWARDS]])
        placed.append(box)
    return placed


def _select_free(boxes: Boxes, taken: Boxes, frame: Boxes) -> Boxes:
    """Return the boxes inside the frame that share no more than an edge with those taken."""
    inside = (boxes[:, :2] >= frame[:2]).all(axis=1) & (boxes[:, 2:] <= frame[2:]).all(axis=1)
    apart = np.any((boxes[:, None, :2] >= taken[:, 2:]) | (boxes[:, None, 2:] <= taken[:, :2]), axis=2)
    free: Boxes = boxes[inside & apart.all(axis=1)]
    return free


def _list_places_around(point: Boxes, size: Boxes) -> Boxes:
    """Return the places around a point, the nearest first."""
    # The upper right comes first, where neither an error bar nor the line of a front is, then both sides in turn.
    first, half = DIRECTIONS // 8, DIRECTIONS // 2
    steps = [first] + [first + side * step for step in range(1, half) for side in (1, -1)] + [first + half]
    angles = 2 * np.pi * np.array(steps) / DIRECTIONS
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    centres = np.concatenate([point + ways * (distance + size / 2) for distance in DISTANCES])
    return np.concatenate([centres - size / 2, centres + size / 2], axis=1)


def _list_grid_places(point: Boxes, size: Boxes, frame: Boxes) -> Boxes:
    """Return all places of a grid in the frame, the nearest to the point first."""
    axes = [np.arange(frame[axis], frame[axis + 2] - size[axis] + 1e-9, GRID_STEP) for axis in (0, 1)]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    nearest = np.argsort(np.hypot(*(corners + size * (0.5, 0) - point).T), kind="stable")
    return np.concatenate([corners, corners + size], axis=1)[nearest]
