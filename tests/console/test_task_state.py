from __future__ import annotations

import pytest

from ensembler.console.task_state import TaskState


@pytest.mark.parametrize(("label", "what"), [("b0, fold 2: fine-tune", "fine-tune"), ("meta-learner", "meta-learner")])
def test_what_is_done_stands_behind_the_colon(label: str, what: str) -> None:
    assert TaskState(label, 1, 0).activity == what


def test_the_rest_follows_from_the_speed_so_far() -> None:
    stretch = TaskState("a", 100, 0)
    assert stretch.estimate_seconds_left(5) is None
    stretch.advance(10, 10)
    assert stretch.rate is None
    assert stretch.advance(20, 20) == (20, 10)
    assert stretch.rate == 2
    assert stretch.estimate_seconds_left(20) == 35
    assert stretch.estimate_seconds_left(25) == 30
    assert stretch.estimate_seconds_left(99) == 0


def test_a_stretch_of_unknown_length_has_no_end() -> None:
    stretch = TaskState("a", 0, 0)
    stretch.advance(1, 1)
    stretch.advance(1, 2)
    assert stretch.estimate_seconds_left(2) is None
