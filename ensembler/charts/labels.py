"""Placement of labels beside points, without overlaps with other labels, points or the frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Pixels between a point and its label, nearest first, and number of directions at each distance. In oblique directions
# the least distance must be beyond the margin of the point, too.
DISTANCES = (7.1, 14.0, 24.0, 38.0, 56.0, 80.0, 110.0)
DIRECTIONS = 16
# Pixels around each point that labels must not touch, and pixels between two labels.
POINT_MARGIN, LABEL_GAP = 5.0, 2.0
# Step in pixels of the grid that is searched if no near place is free.
GRID_STEP = 8.0

# Rows of left, bottom, right and top, in pixels.
Boxes = NDArray[np.float64]
_OUTWARDS = np.array([-1.0, -1.0, 1.0, 1.0])


def place_labels(
    points: Boxes, sizes: Boxes, required: Sequence[bool], frame: Boxes, others: Boxes
) -> list[Boxes | None]:
    """Find a place for each label. Earlier labels take precedence.

    Parameters
    ----------
    points, sizes
        Position of each point, and width and height of its label, shape (labels, 2).
    required
        Whether each label must be placed, even far from its point.
    frame
        Box that contains all labels, shape (4,).
    others
        Boxes that labels must not touch, shape (boxes, 4).

    Returns
    -------
    list of array of shape (4,) or None
        Box of each label. None if there is no free place.
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
    """Return the boxes inside the frame that overlap no taken box. Common edges are allowed."""
    inside = (boxes[:, :2] >= frame[:2]).all(axis=1) & (boxes[:, 2:] <= frame[2:]).all(axis=1)
    apart = np.any((boxes[:, None, :2] >= taken[:, 2:]) | (boxes[:, None, 2:] <= taken[:, :2]), axis=2)
    free: Boxes = boxes[inside & apart.all(axis=1)]
    return free


def _list_places_around(point: Boxes, size: Boxes) -> Boxes:
    """Return the places around a point, nearest first."""
    # The upper right, which is free of error bars and of the front's line, comes first, then both sides alternate.
    first, half = DIRECTIONS // 8, DIRECTIONS // 2
    steps = [first] + [first + side * step for step in range(1, half) for side in (1, -1)] + [first + half]
    angles = 2 * np.pi * np.array(steps) / DIRECTIONS
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # In oblique directions, a corner is the nearest to the point.
    corners = np.clip(np.sqrt(2) * ways, -1, 1) * size / 2
    centres = np.concatenate([point + ways * distance + corners for distance in DISTANCES])
    return np.concatenate([centres - size / 2, centres + size / 2], axis=1)


def _list_grid_places(point: Boxes, size: Boxes, frame: Boxes) -> Boxes:
    """Return all places of a grid in the frame, nearest to the point first."""
    axes = [np.arange(frame[axis], frame[axis + 2] - size[axis] + 1e-9, GRID_STEP) for axis in (0, 1)]
    corners = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    nearest = np.argsort(np.hypot(*(corners + size * (0.5, 0) - point).T), kind="stable")
    return np.concatenate([corners, corners + size], axis=1)[nearest]
