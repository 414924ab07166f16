from __future__ import annotations

import numpy as np
import pytest

from ensembler.reports.labels import POINT_MARGIN, Box, Label, place_labels

FRAME = Box(0, 0, 600, 400)


def overlapping(boxes: list[Box]) -> int:
    return sum(one.overlaps(other) for number, one in enumerate(boxes) for other in boxes[:number])


@pytest.mark.parametrize(("count", "spread"), [(1, 1), (20, 300), (60, 300), (60, 12)])
def test_labels_touch_neither_each_other_nor_points_nor_the_frame(count: int, spread: float) -> None:
    random = np.random.default_rng(count)
    points = [(300 + float(x), 200 + float(y)) for x, y in random.uniform(-spread, spread, (count, 2)) * (0.9, 0.6)]
    labels = [Label(x, y, 60, 12, required=number < 8) for number, (x, y) in enumerate(points)]
    placed = place_labels(labels, points, FRAME)
    there = [box for box in placed if box]
    assert all(placed[:8])
    assert not overlapping(there)
    assert all(box.is_inside(FRAME) for box in there)
    dots = [Box(x, y, x, y).pad(POINT_MARGIN) for x, y in points]
    assert not any(box.overlaps(dot) for box in there for dot in dots)


def test_the_first_choose_first_and_others_may_go_without() -> None:
    tight = Box(0, 0, 70, 30)
    placed = place_labels([Label(35, 15, 60, 8, required=False)] * 3, [(35, 15)], tight)
    assert placed[0] is not None
    assert placed[2] is None


def test_what_stands_there_already_is_left_free() -> None:
    legend = Box(0, 0, 600, 230)
    [box] = place_labels([Label(300, 200, 60, 12, required=True)], [(300, 200)], FRAME, [legend])
    assert box is not None
    assert not box.overlaps(legend)
