from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.competition.folds.file import build_folds
from ensembler.competition.folds.folds import Folds
from ensembler.competition.tables import Tables
from ensembler.errors import BadData

LABELS = {"binary": ["cat", "dog"], "multiclass": ["a", "b", "c"], "multilabel": ["a", "a|b", "b|c", "c", ""]}


@st.composite
def asked_folds(draw: st.DrawFn) -> tuple[pd.DataFrame, int, int, int]:
    """Some photos of any task, in groups or not, and numbers of folds, of repeats and of a seed."""
    count = draw(st.integers(10, 60))
    names = LABELS[draw(st.sampled_from(sorted(LABELS)))]
    labels = draw(st.lists(st.sampled_from(names), min_size=count, max_size=count))
    groups = draw(st.lists(st.sampled_from(["", "", "", "g1", "g2", "g3"]), min_size=count - 5, max_size=count - 5))
    ids = [str(row) for row in range(count)]
    # Five on their own, so that five folds can be made.
    train = pd.DataFrame({"id": ids, "label": labels, "group": groups + [""] * 5}, dtype=str)
    return train, draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(0, 2**20))


def made(train: pd.DataFrame, folds: int, repeats: int, seed: int) -> Folds:
    return build_folds(Tables(None, None, train, train), folds, repeats, seed)  # type: ignore[arg-type]


def straddle(groups: pd.Series, parts: np.ndarray) -> bool:
    """Whether a group is in several parts."""
    named = (groups != "").to_numpy()
    return bool((pd.Series(parts[named]).groupby(groups.to_numpy()[named]).nunique() > 1).any())


@settings(deadline=None, max_examples=60)
@given(asked_folds())
def test_no_group_straddles_any_division(asked: tuple[pd.DataFrame, int, int, int]) -> None:
    train, folds = asked[0], made(*asked)
    for split in range(folds.splits):
        held_out, training = folds.mask_held_out(split), folds.mask_training(split)
        assert held_out.any()
        assert (held_out ^ training).all()
        assert not straddle(train["group"], held_out)
        inner = folds.make_inner_folds(split)
        assert inner.shape == (training.sum(),)
        assert len(set(inner)) == (folds.count - 1 if folds.count > 1 else len(set(inner)))
        assert not straddle(train["group"][training], inner)
    if len(set(train["group"][folds.scored])) > 1:
        assert not straddle(train["group"][folds.scored], folds.make_nested_folds())


@settings(deadline=None, max_examples=30)
@given(asked_folds())
def test_each_photo_is_held_out_once_a_repeat_or_one_fifth_is(asked: tuple[pd.DataFrame, int, int, int]) -> None:
    train, folds = asked[0], made(*asked)
    times = np.sum([folds.mask_held_out(split) for split in range(folds.splits)], axis=0)
    if folds.count > 1:
        assert (times == folds.repeats).all()
        assert folds.scored.all()
    else:
        np.testing.assert_array_equal(times > 0, folds.scored)
        assert 0 < folds.mask_held_out(0).sum() < len(train)


def folds_of(count: int, repeats: int, rows: int = 40, groups: list[str] | None = None) -> Folds:
    train = pd.DataFrame({"id": [str(row) for row in range(rows)], "label": "a", "group": groups or ""}, dtype=str)
    train.loc[::2, "label"] = "b"
    return made(train, count, repeats, 0)


def test_splits_are_numbered_repeat_by_repeat() -> None:
    folds = folds_of(3, 2)
    assert [folds.locate_split(split) for split in range(folds.splits)] == [
        (0, 0),
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
        (1, 2),
    ]
    np.testing.assert_array_equal(folds.mask_held_out(4), folds.assigned[:, 1] == 1)
    assert (folds.assigned[:, 0] != folds.assigned[:, 1]).any()


def test_one_fold_holds_out_a_fifth_of_each_class() -> None:
    folds = folds_of(1, 1)
    assert folds.labels[folds.mask_held_out(0)].value_counts().to_dict() == {"a": 4, "b": 4}
    assert sorted(np.bincount(folds.make_inner_folds(0))) == [6, 6, 6, 7, 7]
    assert len(set(folds.make_nested_folds())) == 5


def test_inner_folds_know_nothing_of_what_is_held_out() -> None:
    folds = folds_of(1, 1)
    before = folds.make_inner_folds(0)
    folds.labels[folds.mask_held_out(0)] = "c"
    np.testing.assert_array_equal(folds.make_inner_folds(0), before)


def test_held_out_photos_of_one_group_cannot_score_a_stack() -> None:
    folds = folds_of(1, 1, groups=[f"p{row // 8}" for row in range(40)])
    with pytest.raises(BadData, match="All held-out photos belong to one group"):
        folds.make_nested_folds()
