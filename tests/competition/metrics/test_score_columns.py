from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import make_member, small_competition

from ensembler.competition.folds.file import load_folds
from ensembler.competition.metrics.scores import Scores
from ensembler.competition.tables import Tables
from ensembler.members.predictions import load_members
from ensembler.options.corrections import LabelCorrections
from ensembler.tables import Table
from ensembler.workflows.member_scores import build_score_table, score_members
from ensembler.workflows.results import MemberResult, ScoreResult

LOSS = Scores(metric="log loss", score=0.25, standard_error=0.03, log_loss=0.25, log_loss_error=0.03, accuracy=0.9)
KAPPA = replace(LOSS, metric="quadratic weighted kappa", score=0.8, standard_error=0.02)
RIGHT = replace(LOSS, metric="accuracy", score=0.9, standard_error=0.01)
COLUMNS = replace(LOSS, metric="mean column-wise log loss")


def member(figures: Scores) -> MemberResult:
    return MemberResult(name="b0", fold_log_losses=(0.2, 0.3), seconds=12.4, folder=Path("b0"), **vars(figures))


@pytest.mark.parametrize(
    ("figures", "columns", "first"),
    [
        (
            LOSS,
            ["member", "log loss", "per fold", "accuracy", "seconds"],
            ["b0", "0.2500 ± 0.0300", "0.200 0.300", "0.9000", "12"],
        ),
        (
            COLUMNS,
            ["member", "log loss", "per fold", "accuracy", "seconds"],
            ["b0", "0.2500 ± 0.0300", "0.200 0.300", "0.9000", "12"],
        ),
        (
            KAPPA,
            ["member", "quadratic weighted kappa", "log loss", "per fold", "accuracy", "seconds"],
            ["b0", "0.8000 ± 0.0200", "0.2500", "0.200 0.300", "0.9000", "12"],
        ),
        (
            RIGHT,
            ["member", "log loss", "per fold", "accuracy", "seconds"],
            ["b0", "0.2500", "0.200 0.300", "0.9000 ± 0.0100", "12"],
        ),
    ],
)
def test_the_metric_is_shown_with_its_error_and_log_loss_always(
    figures: Scores, columns: list[str], first: list[str]
) -> None:
    assert build_score_table([member(figures)]) == Table(columns, [first])


def test_corrected_scores_of_members_with_other_corrections_are_not_comparable() -> None:
    one, other = (replace(member(LOSS), corrected=LOSS, corrections=LabelCorrections(1, 0, each)) for each in "ab")
    table = build_score_table([member(LOSS), one, one])
    assert table.columns[:3] == ["member", "log loss", "log loss corrected"]
    assert [row[2] for row in table.rows] == ["", "0.2500 ± 0.0300", "0.2500 ± 0.0300"]
    assert not any("not comparable" in note for note in table.notes)
    assert "not comparable" in build_score_table([one, other]).notes[-1]


def test_scores_that_cannot_be_had_are_null_in_json() -> None:
    none = float("nan")
    scored = ScoreResult(submission=Path("s.csv"), **vars(replace(KAPPA, score=none, standard_error=none)))
    assert json.loads(json.dumps(scored.to_json(), allow_nan=False)) == {
        "metric": "quadratic weighted kappa",
        "score": None,
        "standard_error": None,
        "log_loss": 0.25,
        "log_loss_error": 0.03,
        "accuracy": 0.9,
        "submission": "s.csv",
    }
    assert build_score_table([member(replace(KAPPA, score=none, standard_error=none))]).rows[0][1] == "nan"


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (LOSS, "log loss 0.2500 ± 0.0300, accuracy 0.9000"),
        (KAPPA, "quadratic weighted kappa 0.8000 ± 0.0200, log loss 0.2500, accuracy 0.9000"),
        (RIGHT, "accuracy 0.9000 ± 0.0100, log loss 0.2500"),
    ],
)
def test_a_submissions_scores_in_words(figures: Scores, words: str) -> None:
    assert ScoreResult(submission=Path("s.csv"), **vars(figures)).describe() == words


def test_labels_have_no_log_loss_to_tell() -> None:
    labels = ScoreResult(submission=Path("s.csv"), **{**vars(RIGHT), "log_loss": None, "log_loss_error": None})
    assert labels.describe() == "accuracy 0.9000 ± 0.0100"
    assert labels.to_json()["log_loss"] is None


def test_members_are_judged_by_the_competitions_metric(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    out_of_fold = make_member(folder, tables, "demo-conv")
    judged = Tables(replace(tables.manifest, metric="accuracy"), tables.photos, tables.train, tables.test)
    loaded = load_members(folder, judged, ["demo-conv"])
    result = score_members(folder, judged, loaded, load_folds(folder, tables))[0]
    right = (out_of_fold.argmax(axis=1) == tables.targets.argmax(axis=1)).mean()
    assert (result.metric, result.score) == ("accuracy", pytest.approx(right))
    assert result.standard_error == pytest.approx(np.sqrt(right * (1 - right) / (len(out_of_fold) - 1)))
    plain = score_members(folder, tables, loaded, load_folds(folder, tables))[0]
    assert (plain.metric, plain.score) == ("log loss", plain.log_loss)
    assert plain.log_loss == result.log_loss
