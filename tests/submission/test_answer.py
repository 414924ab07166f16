from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.answers_made import BINARY, LABEL, MULTICLASS, TAGS
from helpers.photos import Heard

from ensembler.competition.csv_tables import read_table
from ensembler.competition.manifest import AnswerLayout, Manifest
from ensembler.competition.metrics.scoring import compute_out_of_fold_scores
from ensembler.competition.tables import Tables
from ensembler.errors import BadData, EnsemblerError, InvalidSubmission, Mismatch
from ensembler.submission.answer import (
    AnswerScore,
    build_answer_table,
    check_answer,
    choose_label_texts,
    find_newest_answer,
    score_answer,
    write_answer,
)


def tables(manifest: Manifest, photos: Path, labels: list[str]) -> Tables:
    """Three test photos, ids out of order, the second unreadable."""
    train = pd.DataFrame({"id": [f"t{n}" for n in range(len(labels))], "path": "t.jpg", "label": labels, "group": ""})
    test = pd.DataFrame({"id": ["007", "12", "3"], "path": ["007.jpg", "", "3.jpg"]})
    return Tables(manifest, photos, train, test)


def test_unreadable_photos_get_the_prior_and_ids_stay_as_they_are(tmp_path: Path) -> None:
    known = tables(BINARY, tmp_path, ["dog", "dog", "dog", "cat"])
    table = build_answer_table(known, np.array([[0.9], [0.123456789]], np.float32))
    assert list(table.columns) == ["id", "label"]
    assert table["id"].tolist() == ["007", "12", "3"]
    assert table["label"].astype(float).tolist() == pytest.approx([0.9, 3.5 / 5, 0.123456789], abs=1e-7)


def test_rows_of_softmax_tasks_sum_to_one(tmp_path: Path) -> None:
    known = tables(MULTICLASS, tmp_path, ["a", "b", "b", "c"])
    table = build_answer_table(known, np.array([[0.2, 0.3, 0.50001], [0.1, 0.1, 0.8]], np.float32))
    numbers = table[["p_a", "p_b", "p_c"]].astype(float)
    assert numbers.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-8)


GRADES = replace(LABEL, classes=("0", "1", "2"), metric="quadratic weighted kappa")


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (LABEL, ["c", "b", "c"]),
        (replace(LABEL, metric="accuracy"), ["c", "b", "c"]),
        (TAGS, ["c b", "b", "c a"]),
        (replace(TAGS, metric="accuracy"), ["c", "b", "a c"]),
        (replace(TAGS, metric="sample f2"), ["a b c", "a b", "a c"]),
    ],
)
def test_labels_and_tags(manifest: Manifest, expected: list[str], tmp_path: Path) -> None:
    known = tables(manifest, tmp_path, ["a", "b", "b", "b"])
    given = np.array([[0.2, 0.35, 0.55], [0.6, 0.1, 0.8]], np.float32)
    column = build_answer_table(known, given).iloc[:, 1].tolist()
    assert [set(cell.split()) for cell in column] == [set(cell.split()) for cell in expected]


def test_a_binary_label_is_the_more_probable_class() -> None:
    assert choose_label_texts(BINARY, np.array([[0.51], [0.49]])) == ["dog", "cat"]


def test_labels_are_those_that_the_metric_rewards() -> None:
    given = np.array([[0.45, 0.1, 0.45], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9]])
    assert choose_label_texts(replace(GRADES, metric="accuracy"), given) == ["0", "0", "2"]
    assert choose_label_texts(GRADES, given) == ["1", "0", "2"]
    rare = np.array([[0.6, 0.0, 0.4], *[[0.9, 0.0, 0.1]] * 8, [0.0, 1.0, 0.0]])
    assert choose_label_texts(replace(GRADES, metric="macro f1"), rare)[0] == "2"


def test_the_csv_is_checked_against_the_sample_and_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text("id,label\n007,0.5\n12,0.5\n4,0.5\n")
    known = tables(BINARY, tmp_path, ["dog", "cat"])
    with pytest.raises(BadData, match="4"):
        write_answer(tmp_path / "out", "s", known, np.array([[0.9], [0.1]], np.float32))
    assert not list((tmp_path / "out").glob("*.csv"))
    (tmp_path / "sample_submission.csv").write_text("id,label\n007,0.5\n12,0.5\n3,0.5\n")
    first, second = (write_answer(tmp_path / "out", "s", known, np.array([[0.9], [0.1]], np.float32)) for _ in range(2))
    assert first != second
    assert find_newest_answer(tmp_path / "out") in (first, second)
    assert read_table(first)["id"].tolist() == ["007", "12", "3"]


def scored(folder: Path, manifest: Manifest, answer: str, truth: str) -> AnswerScore:
    (folder / "answer.csv").write_text(answer)
    (folder / "truth.csv").write_text(truth)
    return score_answer(folder / "answer.csv", folder / "truth.csv", manifest)


def test_scores_join_by_id_not_by_position(tmp_path: Path) -> None:
    figures = scored(tmp_path, BINARY, "id,label\n1,0.9\n2,0.2\n3,0.6\n", "id,label\n3,dog\n1,dog\n2,cat\n")
    assert figures.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.6]).mean())
    assert (figures.metric, figures.score) == ("log loss", figures.log_loss)
    assert figures.accuracy == 1


def test_rows_of_one_group_count_as_one_in_the_standard_error(tmp_path: Path) -> None:
    (tmp_path / "answer.csv").write_text("id,label\n1,0.9\n2,0.9\n3,0.6\n4,0.6\n")
    (tmp_path / "truth.csv").write_text("id,label\n1,dog\n2,dog\n3,dog\n4,dog\n")
    files = tmp_path / "answer.csv", tmp_path / "truth.csv"
    alone, grouped = (
        score_answer(*files, BINARY, groups=groups) for groups in ({}, {"1": "a", "2": "a", "3": "b", "4": "b"})
    )
    assert alone.log_loss == grouped.log_loss
    # Two equal rows tell no more than one: the error is that of two rows, which is larger by the root of 3.
    assert grouped.standard_error == pytest.approx(alone.standard_error * 3**0.5)


def test_probabilities_are_scored_by_the_metric_and_by_log_loss(tmp_path: Path) -> None:
    manifest = replace(BINARY, metric="AUC")
    figures = scored(
        tmp_path, manifest, "id,label\n1,0.9\n2,0.7\n3,0.6\n4,0.1\n", "id,label\n4,cat\n3,dog\n1,dog\n2,cat\n"
    )
    assert (figures.metric, figures.score) == ("roc auc", 0.75)
    assert figures.log_loss == pytest.approx(-np.log([0.9, 0.3, 0.6, 0.9]).mean())


@pytest.mark.parametrize(
    ("manifest", "metric", "score"),
    [
        (LABEL, "accuracy", 0.75),
        (replace(LABEL, metric="MacroFScore"), "macro f1", (1 + 2 / 3 + 2 / 3) / 3),
        (replace(LABEL, metric="MeanFScore"), "micro f1", 0.75),
        (replace(LABEL, metric="QuadraticWeightedKappa"), "quadratic weighted kappa", 0.8),
    ],
)
def test_labels_are_scored_by_the_metric(manifest: Manifest, metric: str, score: float, tmp_path: Path) -> None:
    figures = scored(tmp_path, manifest, "id,species\n1,a\n2,b\n3,c\n4,b\n", "id,label\n4,c\n3,c\n2,b\n1,a\n")
    assert figures.metric == metric
    assert figures.score == pytest.approx(score)
    assert figures.standard_error > 0
    assert figures.log_loss is None
    assert figures.accuracy == 0.75


def test_binary_labels_are_scored(tmp_path: Path) -> None:
    answer = AnswerLayout("sample_submission.csv", "id", ("label",), "label")
    manifest = replace(BINARY, answer=answer, metric="f1")
    truth = "id,label\n4,dog\n3,cat\n2,dog\n1,dog\n"
    figures = scored(tmp_path, manifest, "id,label\n1,dog\n2,dog\n3,dog\n4,cat\n", truth)
    assert (figures.metric, figures.accuracy) == ("f1", 0.5)
    assert figures.score == pytest.approx(2 * 2 / (3 + 3))


FLAG = replace(BINARY, answer=AnswerLayout("sample_submission.csv", "id", ("label",), "flag"), metric="accuracy")


def test_flags_are_1_for_the_last_class(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text("id,label\n007,0\n12,0\n3,0\n")
    known = tables(FLAG, tmp_path, ["dog", "dog", "dog", "cat"])
    path = write_answer(tmp_path, "s", known, np.array([[0.2], [0.93]], np.float32))
    assert read_table(path)["label"].tolist() == ["0", "1", "1"]


def test_flags_are_scored(tmp_path: Path) -> None:
    truth = "id,label\n4,dog\n3,cat\n2,dog\n1,dog\n"
    figures = scored(tmp_path, replace(FLAG, metric="f1"), "id,label\n1,1\n2,1\n3,1\n4,0\n", truth)
    assert (figures.metric, figures.accuracy, figures.log_loss) == ("f1", 0.5, None)
    assert figures.score == pytest.approx(2 * 2 / (3 + 3))


def test_rows_without_a_hidden_label_are_counted(tmp_path: Path) -> None:
    (tmp_path / "answer.csv").write_text("id,label\n1,0.9\n2,0.2\n3,0.1\n", "utf-8")
    (tmp_path / "truth.csv").write_text("id,label\n2,cat\n1,dog\n", "utf-8")
    heard = Heard()
    figures = score_answer(tmp_path / "answer.csv", tmp_path / "truth.csv", BINARY, heard)
    assert figures.accuracy == 1
    assert [warning.partition("truth.csv ")[2][:36] for warning in heard.warnings] == [
        "has no label for 1 of the 3 rows of "
    ]


def test_tags_are_scored_in_any_order(tmp_path: Path) -> None:
    figures = scored(
        tmp_path, replace(TAGS, metric="F2"), "id,tags\n1,c a\n2,b\n3,a  b\n", "id,label\n3,a\n2,b|c\n1,a|c\n"
    )
    assert figures.metric == "sample f2"
    assert figures.score == pytest.approx((1 + 5 / (4 * 2 + 1) + 5 / (4 * 1 + 2)) / 3)
    assert figures.accuracy == pytest.approx(7 / 9)


def test_a_csv_of_labels_scores_what_its_decisions_promise(tmp_path: Path) -> None:
    """The CSV and the score of members rest on the same decisions."""
    truth = ["a|b", "b", "a|c", "c", "a", "b|c"] * 5
    train = pd.DataFrame({"id": [f"t{n}" for n in range(30)], "path": "t.jpg", "label": truth, "group": ""})
    manifest = replace(TAGS, metric="sample f2")
    known = Tables(manifest, tmp_path, train, train[["id", "path"]])
    guess = np.clip(known.targets * 0.4 + np.random.default_rng(0).random((30, 3)) * 0.6, 0, 1)
    own = compute_out_of_fold_scores(known, guess, np.ones(len(guess), dtype=bool))
    build_answer_table(known, guess).to_csv(tmp_path / "answer.csv", index=False)
    train[["id", "label"]].to_csv(tmp_path / "truth.csv", index=False)
    figures = score_answer(tmp_path / "answer.csv", tmp_path / "truth.csv", manifest)
    assert figures.score == pytest.approx(own.score)
    assert figures.standard_error == pytest.approx(own.standard_error)


@pytest.mark.parametrize(
    ("manifest", "answer", "truth", "kind", "words"),
    [
        (BINARY, "id,label\n1,0.9\n2,0.2\n", "id,label\n1,dog\n9,cat\n", Mismatch, "contain different ids"),
        (BINARY, "id,label\n1,0.9\n1,0.2\n", "id,label\n1,dog\n1,cat\n", Mismatch, "contains the id '1' twice"),
        (BINARY, "id,label\n1,0.9\n1,0.2\n", "id,label\n1,dog\n", Mismatch, "contains the id '1' twice"),
        (BINARY, "id,label\n1,0.9\n2,1.7\n", "id,label\n1,dog\n2,cat\n", BadData, "'1.7' as a probability of id '2'"),
        (BINARY, "id,label\n1,-0.1\n2,1\n", "id,label\n1,dog\n2,cat\n", BadData, "'-0.1' as a probability of id '1'"),
        (BINARY, "id,label\n1,0.9\n", "id,label\n1,Dog\n", Mismatch, "'Dog', which is not a class"),
        (LABEL, "id,species\n1,d\n", "id,label\n1,a\n", Mismatch, "answer.csv contains the label 'd'"),
        (LABEL, "id,species\n1,\n", "id,label\n1,a\n", Mismatch, "answer.csv contains the label ''"),
        (TAGS, "id,tags\n1,a d\n", "id,label\n1,a\n", Mismatch, "answer.csv contains the label 'd'"),
        (FLAG, "id,label\n1,0.5\n", "id,label\n1,dog\n", Mismatch, "answer.csv contains '0.5' instead of 0 or 1"),
        (BINARY, "id,dog\n1,0.9\n", "id,label\n1,dog\n", BadData, "answer.csv lacks the column label"),
        (BINARY, "id,label\n1,0.9\n", "id,class\n1,dog\n", BadData, "truth.csv lacks the column label"),
        (BINARY, "id,label\n1,much\n", "id,label\n1,dog\n", BadData, "'much' as a probability of id '1'"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    manifest: Manifest, answer: str, truth: str, kind: type[EnsemblerError], words: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=words):
        scored(tmp_path, manifest, answer, truth)


def test_without_a_csv_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"ensembler\.stack"):
        find_newest_answer(tmp_path)


FLAG = replace(BINARY, metric="accuracy", answer=replace(BINARY.answer, kind="flag"))


@pytest.mark.parametrize(
    ("manifest", "sample", "cells", "problems"),
    [
        (LABEL, "a", ["a", "b", "c"], []),
        (LABEL, "a", ["a", "B", "0.5"], ["2 values are not labels of the competition"]),
        (TAGS, "a", ["a b", "c", "c d"], ["1 value is not a label of the competition"]),
        (FLAG, "0", ["0", "1", "1"], []),
        (FLAG, "0", ["0", "dog", "0.7"], ["2 values are not labels of the competition"]),
        (BINARY, "0.5", ["0", "0.7", "1"], []),
    ],
)
def test_an_answer_is_checked_for_what_it_may_hold(
    tmp_path: Path, manifest: Manifest, sample: str, cells: list[str], problems: list[str]
) -> None:
    column = manifest.answer.columns[0]
    for name, values in (("sample_submission.csv", [sample] * 3), ("answer.csv", cells)):
        table = pd.DataFrame({manifest.answer.id_column: ["1", "2", "3"], column: values})
        table.to_csv(tmp_path / name, index=False)
    known = replace(manifest, answer=replace(manifest.answer, sample="sample_submission.csv"))
    try:
        check_answer(tmp_path / "answer.csv", known, tmp_path)
        told = []
    except InvalidSubmission as error:
        told = [what for what, _ in error.problems]
    assert told == problems
