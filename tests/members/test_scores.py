from __future__ import annotations

import math
from pathlib import Path

import pytest
from helpers.members_made import make_member, small_competition

from ensembler.competition.metrics.scores import Scores
from ensembler.members.records import MemberRecord
from ensembler.members.scores import load_figures, save_figures
from ensembler.paths import CompetitionFolder
from ensembler.serialization import read_json, write_json
from ensembler.storage import write_text

FIGURES = Scores(metric="roc auc", score=0.9, standard_error=math.nan, log_loss=0.4, log_loss_error=0.01, accuracy=0.8)


@pytest.fixture
def made(tmp_path: Path) -> tuple[CompetitionFolder, MemberRecord]:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "a")
    record = MemberRecord.load(folder, "a")
    save_figures(folder, record, "auc", FIGURES)
    return folder, record


def test_figures_are_kept(made: tuple[CompetitionFolder, MemberRecord]) -> None:
    found = load_figures(*made, "auc")
    assert found is not None
    assert math.isnan(found.standard_error)
    expected = vars(FIGURES) | {"standard_error": 0}
    assert {name: vars(found)[name] for name in expected} | {"standard_error": 0} == expected


def test_figures_by_another_metric_are_none(made: tuple[CompetitionFolder, MemberRecord]) -> None:
    assert load_figures(*made, "log loss") is None


def test_figures_of_a_fold_that_was_trained_anew_are_none(made: tuple[CompetitionFolder, MemberRecord]) -> None:
    path = made[0].fold("a", 1) / "fold.json"
    write_json(path, {**read_json(path), "seconds": 2.5})
    assert load_figures(*made, "auc") is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"basis": 1}'])
def test_a_damaged_file_counts_as_none(made: tuple[CompetitionFolder, MemberRecord], content: str) -> None:
    write_text(made[0].member("a") / "figures.json", content)
    assert load_figures(*made, "auc") is None
