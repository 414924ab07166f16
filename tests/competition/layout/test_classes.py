from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv

from ensembler.competition.layout.classes import OneHot, decide_task, find_positive_class, list_classes, match_columns
from ensembler.competition.layout.tags import Tags
from ensembler.competition.sample_submission import SampleSubmission
from ensembler.errors import BadChoice, BadData, MissingHint


def labels(text):
    return pd.Series(text.split(","))


@pytest.fixture
def sample(tmp_path):
    def read(text):
        return SampleSubmission.read(write_csv(tmp_path / "sample_submission.csv", text))

    return read


CASES = {
    "binary, known competition": (
        "dog,cat,cat",
        "id,label;1,0.5",
        "dogs-vs-cats-redux-kernels-edition",
        ("binary", ("cat", "dog"), "probabilities"),
    ),
    "binary, 0 and 1": ("0,1,1,0", "id,has_cactus;1,0.5", "", ("binary", ("0", "1"), "probabilities")),
    "binary, no and yes": ("yes,no", "id,target;1,0.5", "", ("binary", ("no", "yes"), "probabilities")),
    "binary, the column's name": ("ant,bee", "id,is_ant;1,0.5", "", ("binary", ("bee", "ant"), "probabilities")),
    "binary, the class itself": ("Y,N", "id,answer;1,N", "", ("binary", ("N", "Y"), "label")),
    "a column a class": (
        "b,a,c",
        "id,c,a,b;1,.3,.3,.3",
        "",
        ("multiclass", ("c", "a", "b"), "probabilities"),
    ),
    "two columns": ("b,a", "id,b,a;1,.5,.5", "", ("multiclass", ("b", "a"), "probabilities")),
    "one column, many classes": ("10,9,2", "id,label;1,0", "", ("multiclass", ("2", "9", "10"), "label")),
    "one column, many names": ("b,a,c", "id,label;1,a", "", ("multiclass", ("a", "b", "c"), "label")),
}


@pytest.mark.parametrize(("given", "text", "slug", "expected"), CASES.values(), ids=CASES)
def test_a_label_a_photo(sample, given, text, slug, expected):
    assert decide_task(labels(given), sample(text), slug, None) == expected


@pytest.mark.parametrize(
    ("given", "text", "expected"),
    [
        (OneHot(("a", "b"), multiclass=True), "id,a,b;1,0,0", ("multiclass", ("a", "b"), "probabilities")),
        (OneHot(("a", "b"), multiclass=False), "id,a,b;1,0,0", ("multilabel", ("a", "b"), "probabilities")),
        (Tags(("a", "b")), "id,tags;1,a b", ("multilabel", ("a", "b"), "tags")),
        (Tags(("a", "b")), "id,b,a;1,0,0", ("multilabel", ("b", "a"), "probabilities")),
    ],
)
def test_several_labels_a_photo(sample, given, text, expected):
    assert decide_task(given, sample(text), "", None) == expected


@pytest.mark.parametrize(
    ("given", "text", "takes_labels", "kind"),
    [
        ("0,1,1,0", "id,has_cactus;1,0", True, "label"),
        ("0,1,1,0", "id,has_cactus;1,0", False, "probabilities"),
        ("0,1,1,0", "id,has_cactus;1,0", None, "probabilities"),
        ("0,1,1,0", "id,has_cactus;1,0.5", True, "probabilities"),
        ("no,yes", "id,label;1,0", True, "flag"),
        ("no,yes", "id,label;1,0;2,1", True, "flag"),
        ("no,yes", "id,label;1,0", None, "probabilities"),
        ("no,yes", "id,label;1,0", False, "probabilities"),
        ("no,yes", "id,label;1,0.5", True, "probabilities"),
        ("0.0,1.0", "id,label;1,0", True, "flag"),
        ("0.0,1.0", "id,label;1,0.0", True, "label"),
        ("no,yes", "id,label;1,", True, "label"),
        ("no,yes", "id,label;1,", None, "label"),
        ("no,yes", "id,label;1,", False, "probabilities"),
        ("no,yes", "id,label;1,no", True, "label"),
        ("no,yes", "id,label;1,no", False, "label"),
        ("0,1,2", "id,label;1,0", False, "label"),
        ("a,b,c", "id,a,b,c;1,0,0,1", True, "probabilities"),
    ],
)
def test_the_answer_follows_the_metric_where_the_sample_lets_it(sample, given, text, takes_labels, kind):
    assert decide_task(labels(given), sample(text), "", None, takes_labels=takes_labels)[2] == kind


@pytest.mark.parametrize(
    ("given", "text", "says"),
    [
        ("a,b,c", "id,label;1,0", r"'label' of .* contains '0', which is not one of the classes \(a, b, c\):"),
        ("a,b,c", "id,label;1,a;2,Unknown", "contains 'Unknown'"),
        ("a,b,c", "id,label;1,a b c", r"not one of the classes .*but several words, as in rankings \(MAP@5\)"),
        ("1,2,3", "id,label;1,20.48", "a fractional number, as in regressions"),
        ("1,2,3", "id,label;1,137790 0.1", "several words"),
        ("yes,no", "id,label;1,20.48", "contains '20.48'"),
        ("yes,no", "id,label;1,a b", "contains 'a b'.*several words"),
    ],
)
def test_cells_that_are_no_classes_are_asked_about(sample, given, text, says):
    advice = r"Hints\(label_column='COLUMN'\)"
    placeholder = "" if "as in " in says or "several" in says else r", or .*Hints\(placeholder='TEXT'\)"
    if "several" in says:
        advice = "only competitions with one class or with tags"
    with pytest.raises(BadData if "several" in says else MissingHint, match=rf"{says}.*{advice}{placeholder}"):
        decide_task(labels(given), sample(text), "", None)


@pytest.mark.parametrize(("text", "kind"), [("id,label;1,ant", "label"), ("id,label;1,bee;2,ant", "label")])
def test_no_class_is_positive_in_a_column_of_names(sample, text, kind):
    task, classes, found = decide_task(labels("ant,bee"), sample(text), "", None)
    assert (task, set(classes), found) == ("binary", {"ant", "bee"}, kind)
    assert decide_task(labels("ant,bee"), sample(text), "", "ant")[1] == ("bee", "ant")
    with pytest.raises(MissingHint, match="may contain the probability of ant or bee"):
        decide_task(labels("ant,bee"), sample(text), "", None, takes_labels=True, needs_positive=True)


def test_one_of_two_is_no_yes(sample):
    with pytest.raises(MissingHint, match="may contain the probability of 1 or 2"):
        decide_task(labels("1,2"), sample("id,target;1,0.5"), "", None)


@pytest.mark.parametrize("text", ["id,label;1,7", "id,label;1,", "id,label;1,3;2,", "id,label;1,1.0"])
def test_cells_that_may_be_left_to_fill_in(sample, text):
    assert decide_task(labels("1,2,3"), sample(text), "", None) == ("multiclass", ("1", "2", "3"), "label")


def test_tags_of_the_sample_must_be_tags(sample):
    with pytest.raises(MissingHint, match="contains 'c'"):
        decide_task(Tags(("a", "b")), sample("id,tags;1,a c"), "", None)
    assert decide_task(Tags(("a", "b")), sample("id,tags;1,a|b"), "", None, separator="|")[2] == "tags"
    assert decide_task(Tags(("7", "8")), sample("id,tags;1,0"), "", None)[2] == "tags"


def test_which_class_a_column_means_is_asked(sample):
    with pytest.raises(MissingHint, match="The column 'label' may contain the probability of cat or dog"):
        decide_task(labels("cat,dog"), sample("id,label;1,0.5"), "pets", None)
    answered = decide_task(labels("cat,dog"), sample("id,label;1,0.5"), "pets", "cat")
    assert answered == ("binary", ("dog", "cat"), "probabilities")


@pytest.mark.parametrize(
    ("classes", "column", "slug", "positive"),
    [
        (("cat", "dog"), "is_dog", "", "dog"),
        (("cat", "dog"), "isDog", "", "dog"),
        (("cat", "dog"), "Dog", "", "dog"),
        (("hot dog", "pizza"), "hot_dog_probability", "", "hot dog"),
        (("cat", "dog"), "category", "dogs-vs-cats", "dog"),
        (("negative", "positive"), "label", "", "positive"),
        (("False", "True"), "label", "", "True"),
    ],
)
def test_positive_class(classes, column, slug, positive):
    assert find_positive_class(classes, column, slug, None) == positive


@pytest.mark.parametrize(
    ("classes", "column", "slug"),
    [
        (("cat", "dog"), "category", ""),
        (("cat", "dog"), "cat_or_dog", ""),
        (("ant", "bee"), "label", "dogs-vs-cats"),
    ],
)
def test_a_positive_class_is_never_guessed(classes, column, slug):
    with pytest.raises(MissingHint, match=rf"{column}.*{' or '.join(classes)}.*Hints\(positive='CLASS'\)"):
        find_positive_class(classes, column, slug, None)


def test_a_positive_class_must_exist():
    with pytest.raises(BadChoice, match=r"no class named 'dgo': did you mean dog\?"):
        find_positive_class(("cat", "dog"), "label", "", "dgo")


@pytest.mark.parametrize(
    ("given", "classes"),
    [
        ("b,a,b", ("a", "b")),
        ("10,9,-1", ("-1", "9", "10")),
        ("10,9,x", ("10", "9", "x")),
        ("B,a", ("B", "a")),
        ("10.0,9.0", ("9.0", "10.0")),
    ],
)
def test_sorted_classes(given, classes):
    assert list_classes(labels(given)) == classes


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("a,,b", "The label of 1 training photo is empty"),
        ("a,,,b", "The label of 2 training photos is empty"),
        ("a,a", "All training photos have the label 'a': add photos of another class"),
        ("a,b|c", r"A class contains '\|'"),
    ],
)
def test_labels_that_make_no_classes(given, says):
    with pytest.raises(BadData, match=says):
        list_classes(labels(given))


@pytest.mark.parametrize(
    ("columns", "classes", "matched"),
    [
        (("b", "a"), ("a", "b"), ("b", "a")),
        (("Healthy", "Multiple_Diseases"), ("healthy", "multiple diseases"), ("healthy", "multiple diseases")),
        (("prob_dog", "prob_cat"), ("cat", "dog"), ("dog", "cat")),
        (("c1", "c0"), ("c0", "c1"), ("c1", "c0")),
        (("class-10", "class-0"), ("0", "10"), ("10", "0")),
        (("b", "x", "a"), ("a", "b"), ("b", "x", "a")),
        (("cr\u00e8me", "b"), ("cre\u0300me", "b"), ("cre\u0300me", "b")),
    ],
)
def test_columns_match_classes_by_name(columns, classes, matched):
    assert match_columns(columns, classes, Path("s.csv")) == matched


@pytest.mark.parametrize(
    ("columns", "classes", "says"),
    [
        (("a", "x"), ("a", "b"), "no class matches the columns x .classes: a, b."),
        (("a", "b"), ("a", "b", "c"), "no column matches c"),
        (("x", "y"), ("a", "b"), "no class matches the columns x, y"),
        (("a", "b", "p_a"), ("a", "b"), "no class matches the columns p_a"),
        (("p_a_b", "a"), ("a", "b", "a_b"), "p_a_b"),
    ],
)
def test_columns_that_match_no_class(columns, classes, says):
    with pytest.raises(
        BadData,
        match=rf"s\.csv does not fit the labels, because .*{says}.*Hints\(sample=.* or Hints\(labels",
    ):
        match_columns(columns, classes, Path("s.csv"))


@pytest.mark.parametrize(
    ("rows", "exclusive"),
    [([["1", "0"], ["0", "1"]], True), ([["1", "1"], ["0", "1"]], False), ([["0", "0"], ["0", "1"]], False)],
)
def test_one_hot(rows, exclusive):
    table = pd.DataFrame(rows, columns=["a", "b"])
    assert OneHot.read(table, Path("t.csv")) == OneHot(("a", "b"), exclusive)


@pytest.mark.parametrize("cell", ["2", "x", "", "0.5"])
def test_one_hot_holds_0_and_1_only(cell):
    with pytest.raises(BadData, match=r"The columns a, b of t\.csv contain values other than 0 and 1"):
        OneHot.read(pd.DataFrame([["1", cell]], columns=["a", "b"]), Path("t.csv"))
