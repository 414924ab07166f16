from __future__ import annotations

import io
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensembler.errors import BadData, InvalidSubmission
from ensembler.submission.checks import check_csv, find_problems

SAMPLE = "id,cat,dog\n1,0.5,0.5\n2,0.5,0.5\n03,0.5,0.5\n"


def table_of(text):
    return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)


def found(text, sample=SAMPLE, *, probabilities=True, rows_sum_to_one=True, **options):
    told = find_problems(
        table_of(text),
        table_of(sample),
        probabilities=probabilities,
        rows_sum_to_one=rows_sum_to_one,
        **options,
    )
    return list(map(str, told))


CASES = {
    "good": ("id,cat,dog\n1,0.25,0.75\n2,1,0\n03,1e-3,0.999\n", []),
    "sum within the tolerance": ("id,cat,dog\n1,0.5,0.5001\n2,0.4999,0.5\n03,0.33333,0.66667\n", []),
    "a column missing": (
        "id,dog\n1,1\n2,1\n03,1\n",
        ["Columns are missing: 'cat'."],
    ),
    "the id's column missing": (
        "name,cat,dog\n1,1,0\n2,1,0\n03,1,0\n",
        ["Columns are missing: 'id'.", "Columns are not in the sample submission: 'name'."],
    ),
    "a column too many": (
        "id,cat,cow,dog\n1,1,9,0\n2,1,9,0\n03,1,9,0\n",
        ["Columns are not in the sample submission: 'cow'."],
    ),
    "a column twice": (
        "id,cat,cat,dog\n1,1,9,0\n2,1,9,0\n03,1,9,0\n",
        ["Columns are not in the sample submission: 'cat.1'."],
    ),
    "columns in another order": (
        "id,dog,cat\n1,1,0\n2,1,0\n03,1,0\n",
        ["The columns are in the wrong order: they must be 'id', 'cat', 'dog'."],
    ),
    "one id missing": (
        "id,cat,dog\n1,1,0\n03,1,0\n",
        ["1 id is missing, the first is '2'."],
    ),
    "no rows": ("id,cat,dog\n", ["3 ids are missing, the first is '1'."]),
    "ids that are unknown": (
        "id,cat,dog\n1,1,0\n2,1,0\n03,1,0\n4,1,0\n5,1,0\n",
        ["2 ids are not in the sample submission, the first is '4'."],
    ),
    "an id that lost its zero": (
        "id,cat,dog\n1,1,0\n2,1,0\n3,1,0\n",
        ["1 id is missing, the first is '03'.", "1 id is not in the sample submission, the first is '3'."],
    ),
    "an id three times": (
        "id,cat,dog\n1,1,0\n2,1,0\n2,1,0\n2,1,0\n03,1,0\n",
        ["1 id is repeated, the first is '2'."],
    ),
    "ids in another order": (
        "id,cat,dog\n1,1,0\n03,1,0\n2,1,0\n",
        ["The ids are not in the sample submission's order: row 2 is '03' instead of '2'."],
    ),
    "empty cells": (
        "id,cat,dog\n1,1,0\n2,,1\n03,NaN, \n",
        ["3 values are empty, the first is '' in column 'cat' of id '2'."],
    ),
    "a row that ends early": (
        "id,cat,dog\n1,1,0\n2,1\n03,1,0\n",
        ["1 value is empty, the first is '' in column 'dog' of id '2'."],
    ),
    "not a number": (
        "id,cat,dog\n1,1,0\n2,yes,1\n03,1,0\n",
        ["1 value is not a number, the first is 'yes' in column 'cat' of id '2'."],
    ),
    "no numbers": (
        "id,cat,dog\n1,1,0\n2,yes,1\n03,None,0\n",
        ["2 values are not numbers, the first is 'yes' in column 'cat' of id '2'."],
    ),
    "outside of 0 to 1": (
        "id,cat,dog\n1,1,0\n2,1.5,-0.5\n03,1,0\n",
        ["2 values are outside of 0 to 1, the first is '1.5' in column 'cat' of id '2'."],
    ),
    "infinite": (
        "id,cat,dog\n1,1,0\n2,1,0\n03,inf,0\n",
        [
            "1 value is outside of 0 to 1, the first is 'inf' in column 'cat' of id '03'.",
            "1 row does not sum to 1, the first is id '03' with inf.",
        ],
    ),
    "rows that do not sum to 1": (
        "id,cat,dog\n1,1,0\n2,0.5,0.3\n03,0.5,0.5002\n",
        ["2 rows do not sum to 1, the first is id '2' with 0.8."],
    ),
    "several at once": (
        "id,cat,dog\n1,2,0\n2,x,0.5\n2,0.5,0.5\n",
        [
            "1 id is missing, the first is '03'.",
            "1 id is repeated, the first is '2'.",
            "1 value is not a number, the first is 'x' in column 'cat' of id '2'.",
            "1 value is outside of 0 to 1, the first is '2' in column 'cat' of id '1'.",
            "1 row does not sum to 1, the first is id '1' with 2.",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_problems(text, expected):
    assert found(text) == expected


def test_rows_need_not_sum_to_one_unless_asked():
    assert found("id,cat,dog\n1,1,1\n2,0,0\n03,1,0\n", rows_sum_to_one=False) == []


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("none", []),
        ("NA", []),
        ("17", []),
        ("", ["1 value is empty, the first is '' in column 'label' of id '2'."]),
        ("nan", ["1 value is empty, the first is 'nan' in column 'label' of id '2'."]),
    ],
)
def test_labels_may_be_any_word(label, expected):
    text = f"id,label\n1,cat\n2,{label}\n"
    assert found(text, "id,label\n1,cat\n2,cat\n", probabilities=False, rows_sum_to_one=False) == expected


@pytest.mark.parametrize(
    ("label", "fits"), [("cat", True), ("big dog", True), ("cat dog", True), ("cow", False), ("cat cow", False)]
)
def test_labels_are_those_of_the_competition(label, fits):
    told = found(
        f"id,label\n1,cat\n2,{label}\n",
        "id,label\n1,cat\n2,cat\n",
        probabilities=False,
        rows_sum_to_one=False,
        labels=("cat", "dog", "big dog"),
        separator=" ",
    )
    expected = f"1 value is not a label of the competition, the first is {label!r} in column 'label' of id '2'."
    assert told == ([] if fits else [expected])


@pytest.mark.parametrize(
    ("label", "separator", "fits"),
    [("cat dog", "", False), ("cat,dog", ",", True), ("cat, dog", ",", True), ("['cat', 'dog']", "list", True)],
)
def test_tags_have_their_separator(label, separator, fits):
    text = f'id,label\n1,"{label}"\n'
    told = found(
        text,
        "id,label\n1,cat\n",
        probabilities=False,
        rows_sum_to_one=False,
        labels=("cat", "dog"),
        separator=separator,
    )
    assert (told == []) is fits


@pytest.mark.parametrize(
    ("cell", "labels", "placeholder", "fits"),
    [
        ("cat", ("cat", "dog"), "", True),
        ("0", ("cat", "dog"), "", False),
        ("0", ("cat", "dog"), "0", True),
        ("", ("cat", "dog"), "", True),
        ("Cat", ("cat", "dog"), "", False),
        ("0", ("1", "2"), "", True),
    ],
)
def test_the_sample_could_hold_the_labels(cell, labels, placeholder, fits):
    told = found(
        f"id,label\n1,{labels[0]}\n",
        f"id,label\n1,{cell}\n",
        probabilities=False,
        rows_sum_to_one=False,
        labels=labels,
        placeholder=placeholder,
    )
    assert told == ([] if fits else [f"The sample submission contains {cell!r}, but the labels are 'cat', 'dog'."])


def test_an_id_that_the_sample_repeats_may_be_repeated():
    sample = "id,label\n1,a\n1,b\n2,a\n"
    swapped = "id,label\n1,a\n2,b\n1,a\n"
    assert found(sample, sample, probabilities=False, rows_sum_to_one=False) == []
    assert found(swapped, sample, probabilities=False, rows_sum_to_one=False) == [
        "The ids are not in the sample submission's order: row 2 is '2' instead of '1'."
    ]


def test_one_row_fewer_of_a_repeated_id_is_told():
    sample = "id,label\n1,a\n1,b\n"
    assert found("id,label\n1,a\n", sample, probabilities=False, rows_sum_to_one=False) == [
        "The ids are not in the sample submission's order: row 2 is '' instead of '1'."
    ]


def test_hundreds_of_columns_are_not_all_listed():
    sample = "id," + ",".join(f"breed-{number}" for number in range(120)) + "\n"
    (sentence,) = found("id\n", sample)
    assert sentence.endswith("'breed-9' and 110 more.")


@given(st.permutations(["1", "2", "03"]))
def test_only_the_samples_order_is_right(ids):
    text = "id,cat,dog\n" + "".join(f"{identity},1,0\n" for identity in ids)
    assert (found(text) == []) == (ids == ["1", "2", "03"])


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_binary_answer_between_0_and_1_is_right(numbers):
    text = "id,dog\n" + "".join(f"{row},{number!r}\n" for row, number in enumerate(numbers))
    sample = "id,dog\n0,0\n1,0\n2,0\n"
    assert found(text, sample, rows_sum_to_one=False) == []


def test_a_million_rows_are_checked_quickly():
    rows = 1_000_000
    ids = pd.Series(np.arange(rows)).astype(str)
    numbers = pd.Series(np.full(rows, "0.123456"))
    table = pd.DataFrame({"id": ids, "dog": numbers})
    wrong = table.assign(dog=numbers.where(ids != "777777", "7"))
    began = time.perf_counter()
    assert find_problems(table, table.copy(), probabilities=True, rows_sum_to_one=False) == []
    assert len(find_problems(wrong, table[::-1], probabilities=True, rows_sum_to_one=False)) == 2
    assert time.perf_counter() - began < 20


@pytest.fixture
def sample_file(tmp_path):
    path = tmp_path / "sample_submission.csv"
    path.write_text(SAMPLE)
    return path


def test_a_good_file_passes(tmp_path, sample_file):
    csv = tmp_path / "good.csv"
    csv.write_bytes(b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode())
    check_csv(csv, sample_file, probabilities=True, rows_sum_to_one=True)


def test_a_file_is_refused_with_all_its_problems(tmp_path, sample_file):
    csv = tmp_path / "bad.csv"
    csv.write_text("id,cat,dog\n1,2,0\n2,0.5,0.5\n")
    with pytest.raises(
        InvalidSubmission, match=r"bad\.csv.*1 id is missing.*outside of 0 to 1.*not sum to 1"
    ) as caught:
        check_csv(csv, sample_file, probabilities=True, rows_sum_to_one=True)
    assert [what for what, _ in caught.value.problems] == [
        "1 id is missing",
        "1 value is outside of 0 to 1",
        "1 row does not sum to 1",
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "No columns"),
        (b"id,cat\n1,2,3\n2,3,4\n", "more cells than its header"),
        (b"id,cat\n1,2\n2,3,4\n", "Expected 2 fields"),
        (b"id,cat\n1,\xff\n", "not encoded in UTF-8"),
        (None, "No such file"),
    ],
)
def test_what_is_no_table_is_told_with_its_name(tmp_path, sample_file, content, says):
    csv = tmp_path / "odd.csv"
    if content is not None:
        csv.write_bytes(content)
    with pytest.raises(BadData, match=rf"(?s)odd\.csv.*{says}"):
        check_csv(csv, sample_file, probabilities=True, rows_sum_to_one=True)
