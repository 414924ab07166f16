"""Where labels of points go, so that none overlaps another one, a point or the frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Pixels between a point and its label, nearest first, and directions that are tried at each.
DISTANCES = (7.0, 14.0, 24.0, 38.0, 56.0, 80.0, 110.0)
DIRECTIONS = 16
# Pixels around a point that no label may touch, and between two labels.
POINT_MARGIN, LABEL_GAP = 5.0, 2.0
# Pixels of the grid that is searched where nothing near is free.
GRID_STEP = 8.0


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether two rectangles share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def is_inside(self, other: Box) -> bool:
        """Whether it lies in another one."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.bottom <= self.bottom and self.top <= other.top

    def pad(self, by: float) -> Box:
        """Return it with a margin."""
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)


@dataclass(frozen=True)
class Label:
    """A label that is to be placed: of which point, how large, and whether it must be there."""

    x: float
    y: float
    width: float
    height: float
    required: bool


def place_labels(
    labels: Sequence[Label], points: Sequence[tuple[float, float]], frame: Box, others: Sequence[Box] = ()
) -> list[Box | None]:
    """Find a place for each label, those that come first choosing first.

    Parameters
    ----------
    labels
        The most important first.
    points
        Of all points, in pixels.
    frame
        What labels must lie in.
    others
        What labels must not touch either.

    Returns
    -------
    list of Box or None
        In the order of ``labels``; None where there is no place near, and for one that is needed where there is none
        at all.
    """
    taken = [*others, *(Box(x, y, x, y).pad(POINT_MARGIN) for x, y in points)]
    placed: list[Box | None] = []
    for label in labels:
        free_box = next((box for box in _iterate_places(label, frame) if _is_free(box, taken, frame)), None)
        if free_box:
            taken.append(free_box.pad(LABEL_GAP))
        placed.append(free_box)
    return placed


def _is_free(box: Box, taken: Sequence[Box], frame: Box) -> bool:
    return box.is_inside(frame) and not any(box.overlaps(other) for other in taken)


def _iterate_places(label: Label, frame: Box) -> Iterator[Box]:
    """Give places around a point, the nearest first; then, for one that is needed, all places of a grid."""
    for distance in DISTANCES:
        for step in _iterate_outwards(DIRECTIONS):
            angle = 2 * math.pi * step / DIRECTIONS
            yield _place_beside(label, distance, math.cos(angle), math.sin(angle))
    if label.required:
        boxes = [
            Box(x, y, x + label.width, y + label.height)
            for x in _list_grid_positions(frame.left, frame.right - label.width)
            for y in _list_grid_positions(frame.bottom, frame.top - label.height)
        ]
        yield from sorted(
            boxes, key=lambda box: math.dist(((box.left + box.right) / 2, box.bottom), (label.x, label.y))
        )


def _iterate_outwards(directions: int) -> Iterator[int]:
    """Begin at the upper right, where neither an error bar nor the line of a front is, and go to both sides in turn."""
    first = directions // 8
    for step in range(directions // 2 + 1):
        yield first + step
        if 0 < step < directions / 2:
            yield first - step


def _place_beside(label: Label, distance: float, across: float, up: float) -> Box:
    """Put a label so that its nearest edge is so far from the point."""
    x = label.x + across * (distance + label.width / 2)
    y = label.y + up * (distance + label.height / 2)
    return Box(x - label.width / 2, y - label.height / 2, x + label.width / 2, y + label.height / 2)


def _list_grid_positions(first: float, last: float) -> list[float]:
    return [first + GRID_STEP * step for step in range(max(0, math.floor((last - first) / GRID_STEP)) + 1)]
