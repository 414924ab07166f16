from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ensembler.competition.layout.tags import Tags, are_tags, are_tags_in_rows, find_tag_separator
from ensembler.competition.metrics.metrics import METRICS
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.errors import MissingHint

FOXES = ["red fox", "gray fox", "gray wolf", "red wolf", "maned wolf", "arctic fox", "arctic wolf"]
HAZE = ["haze primary", "clear primary", "clear haze primary", "clear haze", "clear primary road", "haze road primary"]
ALONE = ["haze primary", "primary", "haze", "clear", "clear haze"]


def showing(*cells, columns=("label",)):
    table = pd.DataFrame({"id": [str(row) for row in range(len(cells))], **{name: list(cells) for name in columns}})
    return SampleSubmission(Path("sample.csv"), table)


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        (["haze primary", "primary", "clear primary", "haze", "clear"], True),
        (["great dane", "chow"], False),
        (["cat", "dog"], False),
        (["a b", "", "a", "b"], True),
    ],
)
def test_tags_are_told_from_names_with_blanks(values, fits):
    assert are_tags(pd.Series(values), None, None) is fits


def test_tags_are_split():
    assert Tags.split(pd.Series(["b a", "", "c", "a"])).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["a|b", "b|c", "a", "c", "b|a"], "|"),
        (["a;b", "b;c", "a", "c", "b;a"], ";"),
        (["a,b", "b,c", "a", "c", "b,a"], ","),
        (["a, b", "b, c", "a", "c", "b, a"], ", "),
        (["['a', 'b']", "['a']"], "list"),
        (["a b a", "a", "b", "c", "b c"], " "),
        (["cat", "dog"], None),
        (["Cat, domestic", "Dog", "NA"], None),
        (["a|b", "c"], "|"),
    ],
)
def test_the_separator_of_tags(cells, separator):
    assert find_tag_separator(pd.Series(cells), None, None) == separator


@pytest.mark.parametrize(
    ("several", "metric", "tags"),
    [(10, None, True), (1, None, False), (0, "sample f1", False), (1, "accuracy", False), (10, "log loss", False)],
)
def test_rows_of_a_photo_are_tags_if_many_have_several(several, metric, tags):
    paths = pd.Series([f"{number}.jpg" for number in [*range(100), *range(several)]])
    assert are_tags_in_rows(paths, metric and METRICS[metric]) is tags


def test_tags_that_are_numbers_are_sorted_as_numbers():
    assert Tags.split(pd.Series(["10 2", "9"])).classes == ("2", "9", "10")


@pytest.mark.parametrize(
    ("values", "sample", "metric", "tags"),
    [
        (FOXES, showing("red fox"), None, False),
        (FOXES, showing("red fox", "gray wolf"), None, False),
        (FOXES, showing("red", "wolf"), None, True),
        (FOXES, showing("0", columns=tuple(name.replace(" ", "_") for name in FOXES)), None, False),
        (HAZE, showing("0", columns=("clear", "haze", "primary", "road")), None, True),
        (HAZE, showing("primary clear"), None, True),
        (HAZE, showing(""), "sample f2", True),
        (FOXES, showing(""), "accuracy", False),
        (FOXES, None, "macro f1", False),
        (ALONE, showing("haze"), None, True),
        (ALONE, showing(""), None, True),
        (ALONE, None, None, True),
        (ALONE, showing("haze primary"), None, True),
        (ALONE, showing("haze primary"), "sample f2", True),
        (["great dane", "chow"], showing("chow"), None, False),
    ],
)
def test_tags_or_names(values, sample, metric, tags):
    assert are_tags(pd.Series(values), sample, metric and METRICS[metric]) is tags


@pytest.mark.parametrize("sample", [None, showing(""), showing("0")])
def test_what_may_be_either_is_asked(sample):
    with pytest.raises(
        MissingHint,
        match=r"The label 'arctic fox' may be one name.*Hints\(metric='accuracy'\).*Hints\(metric='sample f1'\)",
    ):
        are_tags(pd.Series(FOXES), sample, None)
