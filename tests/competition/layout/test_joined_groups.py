from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.competition.layout.joined_groups import join_groups


@pytest.mark.parametrize(
    ("groups", "twins", "joined"),
    [
        (["", "", ""], ["", "", ""], ["", "", ""]),
        (["p", "p", "q"], ["", "", ""], ["p", "p", "q"]),
        (["", "", ""], ["x", "", "x"], ["1", "", "1"]),
        (["p", "q", "r"], ["", "x", "x"], ["p", "q", "q"]),
        (["p", "q", ""], ["", "x", "x"], ["p", "q", "q"]),
        (["p", "", "q"], ["x", "x", "x"], ["p", "p", "p"]),
        (["", "", "1"], ["x", "x", ""], ["1'", "1'", "1"]),
        (["p", "", ""], ["", "y", "y"], ["p", "2", "2"]),
    ],
)
def test_groups_that_share_twins_become_one(groups, twins, joined):
    photos = pd.Series(["1", "2", "3"])
    assert join_groups(photos, [pd.Series(groups), pd.Series(twins)]).tolist() == joined


def test_groups_are_joined_over_several_photos():
    groups = pd.Series(["p", "q", "q", "r", "s", ""])
    twins = pd.Series(["x", "x", "y", "y", "", ""])
    joined = join_groups(pd.Series(list("abcdef")), [groups, twins])
    assert joined.tolist() == ["p", "p", "p", "p", "s", ""]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "x", "y", "z"])), max_size=30))
def test_joined_groups_are_the_connected_rows(rows):
    photos = pd.Series([str(number) for number in range(len(rows))], dtype=str)
    keys = [pd.Series([row[kind] for row in rows], dtype=str) for kind in (0, 1)]
    joined = join_groups(photos, keys).tolist()

    def reached(start):
        found, new = {start}, [start]
        while new:
            here = new.pop()
            near = {
                there
                for there, row in enumerate(rows)
                if any(mine and mine == other for mine, other in zip(rows[here], row, strict=True))
            }
            new += near - found
            found |= near
        return found

    for one in range(len(rows)):
        together = {other for other in range(len(rows)) if joined[other] and joined[other] == joined[one]}
        assert together == (reached(one) if joined[one] else set())
        assert joined[one] or (reached(one) == {one} and not rows[one][0])
