from __future__ import annotations

import numpy as np
import pytest

from ensembler.charts.labels import POINT_MARGIN, Boxes, place_labels

FRAME = np.array([0.0, 0.0, 400.0, 300.0])


def overlap(one: Boxes, other: Boxes) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


@pytest.mark.parametrize(("count", "spread"), [(1, 1), (20, 150), (60, 150), (60, 12)])
def test_labels_touch_neither_each_other_nor_points_nor_the_frame(count: int, spread: float) -> None:
    random = np.random.default_rng(count)
    points = np.array([200, 150]) + random.uniform(-spread, spread, (count, 2)) * (1.0, 0.8)
    legend = np.array([[300.0, 250, 400, 300]])
    placed = place_labels(points, np.tile([60.0, 12.0], (count, 1)), np.arange(count) < 8, FRAME, legend)
    assert all(box is not None for box in placed[:8])
    boxes = [box for box in placed if box is not None]
    taken = [*legend, *(np.concatenate([point - POINT_MARGIN, point + POINT_MARGIN]) for point in points)]
    for number, box in enumerate(boxes):
        assert (box[:2] >= FRAME[:2]).all()
        assert (box[2:] <= FRAME[2:]).all()
        assert not any(overlap(box, other) for other in [*boxes[:number], *taken])


def test_the_first_choose_first_and_others_may_go_without() -> None:
    tight = np.array([0.0, 0.0, 70.0, 31.0])
    points, sizes = np.tile([35.0, 15.0], (3, 1)), np.tile([60.0, 8.0], (3, 1))
    placed = place_labels(points, sizes, [False] * 3, tight, np.empty((0, 4)))
    assert placed[0] is not None
    assert placed[2] is None


def test_a_label_stands_at_the_upper_right_where_there_is_room() -> None:
    (box,) = place_labels(np.array([[200.0, 150.0]]), np.array([[40.0, 10.0]]), [False], FRAME, np.empty((0, 4)))
    assert box is not None
    assert (box[:2] > (200, 150)).all()
    assert np.hypot(*(np.clip((200, 150), box[:2], box[2:]) - (200, 150))) < 15


def test_what_has_no_room_is_left_out() -> None:
    point, size = np.array([[200.0, 150.0]]), np.array([[500.0, 10.0]])
    assert place_labels(point, size, [True], FRAME, np.empty((0, 4))) == [None]
