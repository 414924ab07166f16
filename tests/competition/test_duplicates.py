from __future__ import annotations

import pandas as pd

from ensembler.competition.duplicates import (
    DuplicatePair,
    build_duplicates_table,
    count_duplicates,
    find_identical_pairs,
    find_twins,
    group_copies,
)

TRAIN = pd.DataFrame({"id": ["1", "2", "3"], "path": ["t/1", "t/2", "t/3"]})
TEST = pd.DataFrame({"id": ["8", "9", "10"], "path": ["u/8", "u/9", ""]})


def test_photos_of_the_same_bytes_are_paired_with_the_first():
    digests = {"a": "x", "b": "y", "c": "x", "d": "x"}
    assert find_identical_pairs(digests) == [DuplicatePair("a", "c", 0, 1.0), DuplicatePair("a", "d", 0, 1.0)]


def test_photos_to_predict_stand_between_no_two_others():
    digests = {"a test": "x", "b test": "x", "c": "x", "d": "x"}
    pairs = find_identical_pairs(digests, {"a test", "b test"})
    assert {(pair.one, pair.other) for pair in pairs} == {("a test", "c"), ("a test", "d"), ("c", "d")}


def test_families_hang_together_over_others():
    pairs = [
        DuplicatePair("b", "c", 3, 0.99),
        DuplicatePair("d", "c", 5, 0.97),
        DuplicatePair("a", "elsewhere", 0, 1.0),
    ]
    assert group_copies("abcde", pairs) == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "e"}


def test_the_table_lists_pairs_with_a_training_photo_in_them():
    pairs = [
        DuplicatePair("u/8", "u/9", 0, 1.0),
        DuplicatePair("u/8", "t/2", 4, 0.97123),
        DuplicatePair("t/1", "t/3", 2, 0.99),
        DuplicatePair("t/1", "t/3", 0, 1.0),
        DuplicatePair("t/1", "gone", 0, 1.0),
    ]
    table = build_duplicates_table(TRAIN, TEST, pairs)
    assert table.to_numpy().tolist() == [
        ["train", "1", "train", "3", 2, "0.9900"],
        ["train", "2", "test", "8", 4, "0.9712"],
    ]
    assert find_twins(table) == {"1", "3"}
    counts = count_duplicates(table, pd.Series(["cat", "cat", "dog"], index=["1", "2", "3"]))
    assert (counts.training, counts.to_predict, counts.contradicting) == (2, 1, 1)
    assert counts.describe() == (
        "2 duplicates among training photos, kept in one fold; 1 duplicate of training photos among those to predict"
    )


def test_nothing_twice():
    table = build_duplicates_table(TRAIN, TEST, [])
    assert table.empty
    assert count_duplicates(table, pd.Series(dtype=str)).describe() == ""
