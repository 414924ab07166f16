from __future__ import annotations

import pandas as pd

from ensembler.competition.duplicates import (
    Pair,
    count_duplicates,
    duplicates_table,
    families,
    identical_pairs,
    twins_of,
)

TRAIN = pd.DataFrame({"id": ["1", "2", "3"], "path": ["t/1", "t/2", "t/3"]})
TEST = pd.DataFrame({"id": ["8", "9", "10"], "path": ["u/8", "u/9", ""]})


def test_photos_of_the_same_bytes_are_paired_with_the_first():
    digests = {"a": "x", "b": "y", "c": "x", "d": "x"}
    assert identical_pairs(digests) == [Pair("a", "c", 0, 1.0), Pair("a", "d", 0, 1.0)]


def test_photos_to_predict_stand_between_no_two_others():
    digests = {"a test": "x", "b test": "x", "c": "x", "d": "x"}
    pairs = identical_pairs(digests, {"a test", "b test"})
    assert {(pair.one, pair.other) for pair in pairs} == {("a test", "c"), ("a test", "d"), ("c", "d")}


def test_families_hang_together_over_others():
    pairs = [Pair("b", "c", 3, 0.99), Pair("d", "c", 5, 0.97), Pair("a", "elsewhere", 0, 1.0)]
    assert families("abcde", pairs) == {"a": "a", "b": "b", "c": "b", "d": "b", "e": "e"}


def test_the_table_lists_pairs_with_a_training_photo_in_them():
    pairs = [
        Pair("u/8", "u/9", 0, 1.0),
        Pair("u/8", "t/2", 4, 0.97123),
        Pair("t/1", "t/3", 2, 0.99),
        Pair("t/1", "t/3", 0, 1.0),
        Pair("t/1", "gone", 0, 1.0),
    ]
    table = duplicates_table(TRAIN, TEST, pairs)
    assert table.to_numpy().tolist() == [
        ["train", "1", "train", "3", 2, "0.9900"],
        ["train", "2", "test", "8", 4, "0.9712"],
    ]
    assert twins_of(table) == {"1", "3"}
    counts = count_duplicates(table, pd.Series(["cat", "cat", "dog"], index=["1", "2", "3"]))
    assert (counts.training, counts.to_predict, counts.contradicting) == (2, 1, 1)
    assert counts.sentence() == (
        "2 training photos show the same picture as others, kept in one fold; 1 the same as photos to predict"
    )


def test_nothing_twice():
    table = duplicates_table(TRAIN, TEST, [])
    assert table.empty
    assert count_duplicates(table, pd.Series(dtype=str)).sentence() == ""
