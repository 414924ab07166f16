from __future__ import annotations

import pandas as pd
import pytest

from ensembler.competition.layout.name_pairs import are_in_pairs, pair_names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("train/10_left.jpeg", "10"),
        ("train/10_right.jpeg", "10"),
        ("a/Left-07.jpg", "07"),
        ("case 3 left ear.png", "case_3_ear"),
        ("10_leftover.jpeg", ""),
        ("bright_10.jpeg", ""),
        ("10.jpeg", ""),
        ("left_to_right_1.jpg", ""),
        ("left/10.jpeg", ""),
    ],
)
def test_the_name_of_a_pair(path, name):
    assert pair_names([path]).to_dict() == ({path: name} if name else {})


def labelled(names, labels):
    return pd.Series(list(labels), index=[f"{name}.jpg" for name in names])


NAMES = [f"{number}_{side}" for number in range(10) for side in ("left", "right")]


@pytest.mark.parametrize(
    ("labels", "paired"),
    [
        (labelled(NAMES, "aabb" * 5), True),
        (labelled(NAMES[1:], "aabb" * 4 + "aab"), True),
        (labelled([*NAMES[:10], *range(5)], "aabb" * 3 + "aab"), False),
        (labelled([name.replace("right", "Left2") for name in NAMES], "aabb" * 5), False),
        (labelled(NAMES, "ab" * 10), False),
        (labelled([], ""), False),
    ],
)
def test_photos_in_pairs(labels, paired):
    assert are_in_pairs(labels) is paired
