from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ensembler.competition.csv_tables import read_table
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.tables import Tables
from ensembler.errors import BadData, Mismatch
from ensembler.submission.answer import answer_table, newest_answer, predicted_labels, score_answer, write_answer

BINARY = Manifest(
    name="pets",
    slug="pets",
    task="binary",
    classes=("cat", "dog"),
    photos="raw",
    train=TrainLayout("train", "names"),
    test=TestLayout("test"),
    answer=AnswerLayout("sample_submission.csv", "id", ("label",), "probabilities"),
)
MULTICLASS = replace(
    BINARY,
    task="multiclass",
    classes=("a", "b", "c"),
    answer=AnswerLayout("sample_submission.csv", "id", ("p_a", "p_b", "p_c"), "probabilities"),
)
LABEL = replace(MULTICLASS, answer=AnswerLayout("sample_submission.csv", "id", ("species",), "label"))
TAGS = replace(MULTICLASS, task="multilabel", answer=AnswerLayout("sample_submission.csv", "id", ("tags",), "tags"))


def tables(manifest: Manifest, photos: Path, labels: list[str]) -> Tables:
    """Three test photos, ids out of order, the second unreadable."""
    train = pd.DataFrame({"id": [f"t{n}" for n in range(len(labels))], "path": "t.jpg", "label": labels, "group": ""})
    test = pd.DataFrame({"id": ["007", "12", "3"], "path": ["007.jpg", "", "3.jpg"]})
    return Tables(manifest, photos, train, test)


def test_unreadable_photos_get_the_prior_and_ids_stay_as_they_are(tmp_path: Path) -> None:
    known = tables(BINARY, tmp_path, ["dog", "dog", "dog", "cat"])
    table = answer_table(known, np.array([[0.9], [0.123456789]], np.float32))
    assert list(table.columns) == ["id", "label"]
    assert table["id"].tolist() == ["007", "12", "3"]
    assert table["label"].astype(float).tolist() == pytest.approx([0.9, 3.5 / 5, 0.123456789], abs=1e-7)


def test_rows_of_softmax_tasks_sum_to_one(tmp_path: Path) -> None:
    known = tables(MULTICLASS, tmp_path, ["a", "b", "b", "c"])
    table = answer_table(known, np.array([[0.2, 0.3, 0.50001], [0.1, 0.1, 0.8]], np.float32))
    numbers = table[["p_a", "p_b", "p_c"]].astype(float)
    assert numbers.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [(LABEL, ["c", "b", "c"]), (TAGS, ["c", "", "a c"])],
)
def test_labels_and_tags(manifest: Manifest, expected: list[str], tmp_path: Path) -> None:
    known = tables(manifest, tmp_path, ["a", "b", "b", "b"])
    given = np.array([[0.2, 0.3, 0.55], [0.6, 0.1, 0.8]], np.float32)
    column = answer_table(known, given).iloc[:, 1].tolist()
    assert column[0] == expected[0]
    assert column[2] == expected[2]


def test_a_binary_label_is_the_more_probable_class() -> None:
    assert predicted_labels(BINARY, np.array([[0.51], [0.49]])) == ["dog", "cat"]


def test_the_csv_is_checked_against_the_sample_and_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "sample_submission.csv").write_text("id,label\n007,0.5\n12,0.5\n4,0.5\n")
    known = tables(BINARY, tmp_path, ["dog", "cat"])
    with pytest.raises(BadData, match="4"):
        write_answer(tmp_path / "out", "s", known, np.array([[0.9], [0.1]], np.float32))
    assert not list((tmp_path / "out").glob("*.csv"))
    (tmp_path / "sample_submission.csv").write_text("id,label\n007,0.5\n12,0.5\n3,0.5\n")
    first, second = (write_answer(tmp_path / "out", "s", known, np.array([[0.9], [0.1]], np.float32)) for _ in range(2))
    assert first != second
    assert newest_answer(tmp_path / "out") in (first, second)
    assert read_table(first)["id"].tolist() == ["007", "12", "3"]


def test_scores_join_by_id_not_by_position(tmp_path: Path) -> None:
    (tmp_path / "answer.csv").write_text("id,label\n1,0.9\n2,0.2\n3,0.6\n")
    (tmp_path / "truth.csv").write_text("id,label\n3,dog\n1,dog\n2,cat\n")
    figures = score_answer(tmp_path / "answer.csv", tmp_path / "truth.csv", BINARY)
    assert figures["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.6]).mean())
    assert figures["accuracy"] == 1


@pytest.mark.parametrize(
    ("manifest", "truth", "words"),
    [(BINARY, "id,label\n1,dog\n9,cat\n", "not about the same ids"), (LABEL, "id,label\n1,a\n", "holds labels")],
)
def test_what_cannot_be_scored_is_refused(manifest: Manifest, truth: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "answer.csv").write_text("id,label\n1,0.9\n2,0.2\n")
    (tmp_path / "truth.csv").write_text(truth)
    with pytest.raises(Mismatch, match=words):
        score_answer(tmp_path / "answer.csv", tmp_path / "truth.csv", manifest)


def test_without_a_csv_the_next_step_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="ensembler stack"):
        newest_answer(tmp_path)
