"""What the jobs of training tell, from their first fold to their last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.members_made import FOLDS, SETTINGS, record_of, small_competition
from helpers.photos import Heard

from ensembler.competition.tables import Tables
from ensembler.events import EpochEnded, FeaturesMade, FoldBegan, FoldEnded, WorkAhead
from ensembler.members.fine_tuning.jobs.fine_tune import fine_tune
from ensembler.members.jobs.frozen import train_frozen
from ensembler.members.training_job import TrainingJob
from ensembler.options.phases import Phase
from ensembler.paths import CompetitionFolder
from ensembler.serialization import convert_to_plain, read_json

Made = tuple[CompetitionFolder, Tables]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, tables = small_competition(tmp_path_factory.mktemp("told"))
    record_of(folder, tables, "frozen").save(folder)
    tuned = replace(SETTINGS, phases=(Phase("all", 2, 0.01),), head="random")
    replace(record_of(folder, tables, "tuned"), settings=tuned).save(folder)
    return folder, tables


def kinds(heard: Heard) -> list[str]:
    return [event.derive_name() for event in heard.events]


def test_a_frozen_member_tells_its_features_once_and_each_head(made: Made) -> None:
    folder, tables = made
    assignment = TrainingJob(folder, "frozen", tuple(range(FOLDS)), "none", tensorboard=True)
    first, second = Heard(), Heard()
    train_frozen(convert_to_plain(assignment), first)
    train_frozen(convert_to_plain(assignment), second)
    folds = ["fold_began", "fold_ended"] * FOLDS
    assert kinds(first) == ["features_made", "work_ahead", *folds]
    assert kinds(second) == ["work_ahead"], "all was there"
    features = first.events[0]
    assert isinstance(features, FeaturesMade)
    assert features.photos == len(tables.train) + len(tables.test_paths)
    assert first.events[1] == WorkAhead(0)
    ends = [event for event in first.events if isinstance(event, FoldEnded)]
    assert [(end.member, end.fold, end.epochs) for end in ends] == [("frozen", fold, None) for fold in range(FOLDS)]
    assert ends[1].log_loss == read_json(folder.fold("frozen", 1) / "fold.json")["log_loss"]
    assert list(folder.tensorboard("frozen", 1).glob("events.out.tfevents.*"))


def test_a_fine_tuned_member_tells_each_fold_and_the_work_that_is_ahead(made: Made) -> None:
    folder, _ = made
    heard = Heard()
    assignment = TrainingJob(folder, "tuned", (0, 2), "none", tensorboard=True)
    fine_tune(convert_to_plain(assignment), heard)
    epochs = ["epoch_began", "epoch_ended"] * 2
    assert kinds(heard) == ["fold_began", "work_ahead", *epochs, "work_ahead", "fold_ended"] * 2
    assert [event.fold for event in heard.events if isinstance(event, FoldBegan)] == [0, 2]
    assert {(e.member, e.fold) for e in heard.events if isinstance(e, EpochEnded)} == {("tuned", 0), ("tuned", 2)}
    ahead = [event.work for event in heard.events if isinstance(event, WorkAhead)]
    assert ahead == sorted(ahead, reverse=True)
    assert ahead[0] == assignment.estimate_work(2)
    assert ahead[-1] == assignment.prediction_work > 0
    for fold in (0, 2):
        assert len(list(folder.tensorboard("tuned", fold).glob("events.out.tfevents.*"))) == 1
    history = Path(folder.fold("tuned", 2) / "history.csv").read_text().splitlines()
    assert history[0].endswith("learning_rate,precision,batch,share,seconds,photos_a_second,memory,gpu_memory")
    assert len(history) == 3
