"""The demo's files: the truths of the design, on the real way from archive to CSV."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import Demo

from ensembler.competition.csv_tables import read_table
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import load_tables
from ensembler.images.decoding import decode_photo
from ensembler.members.records import MemberRecord, load_fold
from ensembler.submission.ledger.ledger import Ledger
from ensembler.workflows.demo import EPOCHS, MEMBERS
from ensembler.workflows.demo import demo as run_demo
from ensembler.workflows.predict import predict

# Real processes train and stack real members.
pytestmark = pytest.mark.slow


def test_every_training_row_is_predicted_once_out_of_fold(demo: Demo) -> None:
    folds = read_table(demo.folder.folds).set_index("id")["fold"]
    for name in MEMBERS:
        record = MemberRecord.load(demo.folder, name)
        seen: list[str] = []
        for fold in range(record.folds_count):
            predictions, _ = load_fold(demo.folder, record, fold)
            assert set(folds[predictions.held_out_ids]) == {str(fold)}
            seen += predictions.held_out_ids.tolist()
        assert sorted(seen) == sorted(folds.index)


def test_the_members_learned_and_the_stack_does_not_lose_to_them(demo: Demo) -> None:
    worst = max(member.log_loss for member in demo.stacked.members)
    best = min(member.log_loss for member in demo.stacked.members)
    assert worst < 0.3
    assert demo.stacked.log_loss < 1.1 * best
    assert demo.scored.log_loss < 0.15
    assert demo.scored.accuracy > 0.95


def test_the_csv_is_what_the_sample_asks_for(demo: Demo) -> None:
    answer = read_table(demo.stacked.submission)
    sample = read_table(demo.folder.extracted / "sample_submission.csv")
    assert list(answer.columns) == list(sample.columns)
    assert answer["id"].tolist() == sample["id"].tolist()
    assert answer.iloc[:, 1:].astype(float).sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-7)


def test_the_score_told_is_that_of_the_hidden_labels(demo: Demo) -> None:
    answer, truth = read_table(demo.stacked.submission), read_table(demo.folder.solution)
    joined = answer.merge(truth, on="id")
    own = [-np.log(float(row[str(row["label"])])) for _, row in joined.iterrows()]
    assert len(joined) == len(truth) == 360
    assert np.mean(own) == pytest.approx(demo.scored.log_loss, abs=1e-6)


def test_the_hidden_labels_lie_apart_from_what_was_fetched(demo: Demo) -> None:
    hidden = set(read_table(demo.folder.solution)["id"])
    for table in demo.folder.extracted.rglob("*.csv"):
        if "sample" not in table.name:
            assert not hidden & set(read_table(table)["id"])


def test_stack_keras_fed_pixels_repeats_the_stored_predictions(demo: Demo) -> None:
    tables = load_tables(demo.folder)
    stored = np.load(demo.folder.stack(demo.stacked.name) / "predictions.npz")
    pixels = np.stack([decode_photo(path, 8) for path in tables.test_paths])
    model = keras.saving.load_model(demo.stacked.model)
    given = model.predict(pixels, verbose=0)
    assert np.abs(given - stored["test"]).max() < 1e-5
    assert stored["classes"].tolist() == [str(digit) for digit in range(10)]


def test_predict_repeats_the_stored_predictions_in_a_process_of_its_own(demo: Demo) -> None:
    tables = load_tables(demo.folder)
    stored = np.load(demo.folder.stack(demo.stacked.name) / "predictions.npz")
    found = predict(tables.test_paths, stack=demo.stacked.model)
    assert list(found.photos) == tables.test_paths
    assert np.abs(found.probabilities - stored["test"]).max() < 1e-5
    assert list(found.outputs) == stored["classes"].tolist()
    assert found.unreadable == ()


def test_stack_keras_has_renamed_frozen_members(demo: Demo) -> None:
    model = keras.saving.load_model(demo.stacked.model)
    assert [layer.name for layer in model.layers if layer.name.startswith("demo")] == list(MEMBERS)
    assert not model.trainable_weights
    assert len(model.inputs) == 1
    again = demo.stacked.model.parent / "again.keras"
    model.save(again)
    photos = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3))
    reloaded = keras.saving.load_model(again).predict(photos, verbose=0)
    again.unlink()
    assert reloaded == pytest.approx(model.predict(photos, verbose=0), abs=1e-6)


def test_the_nested_score_is_that_of_the_stored_predictions(demo: Demo) -> None:
    tables = load_tables(demo.folder)
    stored = np.load(demo.folder.stack(demo.stacked.name) / "predictions.npz")
    assert stored["out_of_fold_ids"].tolist() == tables.train["id"].tolist()
    assert log_loss(tables.targets, stored["out_of_fold"], multiclass=True) == demo.stacked.log_loss


def test_fold_json_has_the_checksums_of_its_files(demo: Demo) -> None:
    place = demo.folder.fold(MEMBERS[0], 0)
    told = json.loads((place / "fold.json").read_text())
    assert set(told["sha256"]) == {"model.keras", "predictions.npz", "history.csv"}
    assert len(pd.read_csv(place / "history.csv")) == EPOCHS


def test_a_second_run_trains_nothing_and_gives_the_same_csv(demo: Demo) -> None:
    # call.json holds what was typed last, which another test may have changed.
    kept = [path for path in (demo.folder.root / "members").rglob("*") if path.is_file() and path.name != "call.json"]
    before = {path: path.stat().st_mtime_ns for path in kept}
    stacked, _ = run_demo(workspace=demo.workspace)
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert stacked.submission.read_bytes() == demo.stacked.submission.read_bytes()
    assert Path(stacked.submission) != demo.stacked.submission


def test_the_ledger_knows_the_csv_and_where_it_came_from(demo: Demo) -> None:
    rows = [row for row in Ledger(demo.workspace.submissions).list_rows() if row.path == demo.stacked.submission]
    [row] = rows
    assert (row.competition, row.slug, row.stack, row.status) == ("digits", "", demo.stacked.name, "")
    assert [member.name for member in row.members] == list(MEMBERS)
    assert [member.fingerprint for member in row.members] == [
        MemberRecord.load(demo.folder, name).fingerprint for name in MEMBERS
    ]
    assert (row.metric, row.own, row.own_log_loss) == ("log loss", demo.stacked.score, demo.stacked.log_loss)
    assert row.own_error is not None
    assert 0 < row.own_error < row.own
    assert row.sha256 == hashlib.sha256(demo.stacked.submission.read_bytes()).hexdigest()
