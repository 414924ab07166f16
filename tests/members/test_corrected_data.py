"""Heads and meta-learners that were fitted with corrections: they must not know what was corrected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import SETTINGS, record_of, small_competition
from helpers.pseudo_made import made_features

from ensembler.competition.corrections.corrections import Corrections, save_corrections
from ensembler.competition.csv_tables import write_table
from ensembler.competition.folds.file import load_folds
from ensembler.competition.tables import Tables, load_tables
from ensembler.errors import BadData, Mismatch
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.corrected_data import correct_stack_data, load_member_corrections, summarize_corrections
from ensembler.members.jobs.head_fitting import FoldHeads, fit_head
from ensembler.members.predictions import load_members
from ensembler.members.records import save_fold
from ensembler.members.training_job import TrainingJob
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT
from ensembler.stacking.fitting import StackConfig, fit_stack

FOLDS = (0, 1, 2)


def train(folder: CompetitionFolder, name: str, corrections: Corrections, *, side_by_side: bool) -> None:
    """Fit a member's heads on made-up features, and store their predictions."""
    tables = load_tables(folder)
    settings = replace(SETTINGS, corrections=summarize_corrections(corrections))
    replace(record_of(folder, tables, name), settings=settings).save(folder)
    save_corrections(folder.member(name) / "corrections.csv", corrections)
    job = TrainingJob(folder, name, FOLDS, "none")
    [(training, test)] = made_features(folder, name).values()
    features = {WHOLE_VIEW: training}
    heads = FoldHeads(job, features, SILENT)
    for fold in FOLDS:
        head = heads.fit_fold(fold) if side_by_side else fit_head(job, fold, features)
        held_out = head.predict_proba(training[job.splits.mask_held_out(fold)])
        predictions, score = job.join_predictions(fold, held_out, head.predict_proba(test))
        save_fold(folder, job.record, fold, predictions, [], score, 0.0)


def relabel(folder: CompetitionFolder, ids: tuple[str, ...]) -> None:
    """Give photos another label in the competition's table; the folds stay."""
    table = load_tables(folder).train
    changed = table["label"].where(~table["id"].isin(ids), table["label"].map({"a": "b", "b": "c", "c": "a"}))
    write_table(folder.train, table.assign(label=changed))


def predict(root: Path, corrections: Corrections, other: tuple[str, ...] = (), *, side_by_side: bool = True):
    """Return all predictions of two members and of their stack; the photos ``other`` have other labels."""
    folder, _ = small_competition(root)
    relabel(folder, other)
    for name in ("one", "two"):
        train(folder, name, corrections, side_by_side=side_by_side)
    tables = load_tables(folder)
    members = load_members(folder, tables, ["one", "two"])
    data = correct_stack_data(folder, tables, load_folds(folder, tables), [each.record for each in members])
    out_of_fold = [each.out_of_fold for each in members]
    fitted = fit_stack(StackConfig("logistic"), data.tables, data.folds, out_of_fold, SILENT)
    return [*out_of_fold, *(each.test for each in members), fitted.nested.calibrated]


def choose(tables: Tables) -> Corrections:
    """Exclude three photos of different folds, and relabel two."""
    ids, labels = tables.train["id"].tolist(), tables.train["label"].tolist()
    return Corrections(tuple(ids[:3]), {ids[place]: "a" if labels[place] != "a" else "b" for place in (5, 11)})


@pytest.mark.parametrize("side_by_side", [True, False])
def test_no_predicted_bit_depends_on_the_label_that_a_corrected_photo_had(tmp_path: Path, side_by_side: bool) -> None:
    corrections = choose(small_competition(tmp_path / "made")[1])
    corrected = (*corrections.excluded, *corrections.relabelled)
    before = predict(tmp_path / "before", corrections, side_by_side=side_by_side)
    after = predict(tmp_path / "after", corrections, corrected, side_by_side=side_by_side)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    # Without corrections, all of them would.
    plain = [predict(tmp_path / name, Corrections(), ids) for name, ids in (("plain", ()), ("changed", corrected))]
    assert not any(np.array_equal(one, other) for one, other in zip(*plain, strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(before, plain[0], strict=True))


def test_all_photos_are_predicted_and_scored_by_their_original_labels(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    train(folder, "one", choose(tables), side_by_side=True)
    job = TrainingJob(folder, "one", FOLDS, "none")
    [member] = load_members(folder, tables, ["one"])
    assert member.out_of_fold.shape == tables.targets.shape
    rows, held_out = job.splits.mask_held_out(0), member.out_of_fold
    losses = -np.log((held_out[rows] * tables.targets[rows]).sum(axis=1))
    assert member.fold_scores[0] == pytest.approx(losses.mean(), rel=1e-5)


def test_a_changed_file_and_members_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    identity, label = tables.train.loc[0, ["id", "label"]]
    others = [each for each in "abc" if each != label]
    for name, new in zip(("one", "two"), others, strict=True):
        train(folder, name, Corrections((), {identity: new}), side_by_side=True)
    records = [member.record for member in load_members(folder, tables, ["one", "two"])]
    with pytest.raises(Mismatch, match=f"one learned {identity!r} as"):
        correct_stack_data(folder, tables, load_folds(folder, tables), records)
    save_corrections(folder.member("one") / "corrections.csv", Corrections((identity,)))
    with pytest.raises(BadData, match="was changed after training"):
        load_member_corrections(folder, records[0])
