from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import record_of, small_competition
from helpers.photos import Heard, truncate

from ensembler.competition.metrics.metrics import log_loss
from ensembler.members.features.parts import FeatureParts
from ensembler.serialization import convert_to_plain, make_record
from ensembler.surveys import rung as rungs
from ensembler.surveys.candidates import Candidate
from ensembler.surveys.rung import Rung


@pytest.fixture
def made(tmp_path: Path):
    """A backbone whose features of 15 photos are known, three numbers each."""
    folder, tables = small_competition(tmp_path)
    one = Candidate(record_of(folder, tables), "none")
    rung = Rung.take_first(15, folder, tables, 0)
    total = len(tables.train_paths) + len(tables.test_paths)
    parts = FeatureParts(one.locate_features(folder), total, Heard())
    parts.add(np.sort(rung.rows), tables.targets[np.sort(rung.rows)])
    parts.finish()
    return folder, one, rung


def test_photos_are_scored_by_heads_on_what_is_known(made) -> None:
    folder, one, rung = made
    given = rung.load_or_predict(folder, one)
    assert given.shape == rung.targets.shape == (15, 3)
    # The features are the labels.
    assert rung.compute_losses(given).mean() < log_loss(rung.targets, np.full((15, 3), 1 / 3), multiclass=True) / 2


@pytest.mark.parametrize("damage", [None, truncate])
def test_predictions_are_kept_until_they_are_damaged(made, damage, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, one, rung = made
    first = rung.load_or_predict(folder, one)
    times: list[int] = []
    real = rungs.predict_out_of_fold
    monkeypatch.setattr(rungs, "predict_out_of_fold", lambda *args, **more: times.append(1) or real(*args, **more))
    [path] = folder.survey.glob("demo-conv-8-15-*.npz")
    if damage:
        damage(path)
    assert np.array_equal(rung.load_or_predict(folder, one), first)
    assert len(times) == (1 if damage else 0)


def test_candidates_pass_through_json(made) -> None:
    _, one, _ = made
    assert make_record(convert_to_plain(one), Candidate, "x") == one
    assert (one.name, one.image_size) == ("demo-conv", 8)
