"""Heads and meta-learners that were fitted with corrections: they must not know what was corrected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import SETTINGS, record_of, small_competition
from helpers.photos import Heard
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
from ensembler.members.records import MemberRecord, save_fold
from ensembler.members.training_job import TrainingJob
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT
from ensembler.stacking.fitting import StackConfig, fit_stack

FOLDS = (0, 1, 2)


def train(folder: CompetitionFolder, name: str, corrections: Corrections) -> None:
    """Fit a member's heads on made-up features, and store their predictions."""
    tables = load_tables(folder)
    settings = replace(SETTINGS, corrections=summarize_corrections(corrections))
    replace(record_of(folder, tables, name), settings=settings).save(folder)
    save_corrections(folder.member(name) / "corrections.csv", corrections)
    job = TrainingJob(folder, name, FOLDS, "none")
    [(training, test)] = made_features(folder, name).values()
    heads = FoldHeads(job, {WHOLE_VIEW: training}, SILENT)
    for fold in FOLDS:
        head = heads.fit_fold(fold)
        held_out = head.predict_proba(training[job.splits.mask_held_out(fold)])
        predictions, score = job.join_predictions(fold, held_out, head.predict_proba(test))
        save_fold(folder, job.record, fold, predictions, [], score, 0.0)


def relabel(folder: CompetitionFolder, ids: tuple[str, ...]) -> None:
    """Give photos another label in the competition's table; the folds stay."""
    table = load_tables(folder).train
    changed = table["label"].where(~table["id"].isin(ids), table["label"].map({"a": "b", "b": "c", "c": "a"}))
    write_table(folder.train, table.assign(label=changed))


def predict(root: Path, corrections: Corrections, other: tuple[str, ...] = ()):
    """Return all predictions of two members and of their stack; the photos ``other`` have other labels."""
    folder, _ = small_competition(root)
    relabel(folder, other)
    for name in ("one", "two"):
        train(folder, name, corrections)
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


def test_no_predicted_bit_depends_on_the_label_that_a_corrected_photo_had(tmp_path: Path) -> None:
    corrections = choose(small_competition(tmp_path / "made")[1])
    corrected = (*corrections.excluded, *corrections.relabelled)
    before = predict(tmp_path / "before", corrections)
    after = predict(tmp_path / "after", corrections, corrected)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    # Without corrections, all of them would.
    plain = [predict(tmp_path / name, Corrections(), ids) for name, ids in (("plain", ()), ("changed", corrected))]
    assert not any(np.array_equal(one, other) for one, other in zip(*plain, strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(before, plain[0], strict=True))


def fit_side_by_side(job: TrainingJob, fold: int, shown):
    return [FoldHeads(job, each, SILENT).fit_fold(fold) for each in shown]


def test_neither_the_picture_nor_the_predictions_of_an_excluded_photo_teach_anything(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    corrections = choose(tables)
    train(folder, "one", corrections)
    job = TrainingJob(folder, "one", FOLDS, "none")
    [(features, _)] = made_features(folder, "one").values()
    excluded = tables.train["id"].isin(corrections.excluded).to_numpy()
    other = np.where(excluded[:, None], features[::-1], features)
    for fold in FOLDS:
        shown = [{WHOLE_VIEW: each} for each in (features, other)]
        for before, after in ([fit_head(job, fold, each) for each in shown], fit_side_by_side(job, fold, shown)):
            assert np.array_equal(before.kernel_, after.kernel_)
    predicted = load_members(folder, tables, ["one"])[0].out_of_fold
    turned = np.where(excluded[:, None], np.roll(predicted, 1, axis=1), predicted)
    data = correct_stack_data(folder, tables, load_folds(folder, tables), [job.record])
    fitted = [
        fit_stack(StackConfig("logistic"), data.tables, data.folds, [each], SILENT) for each in (predicted, turned)
    ]
    kept = [each.nested.calibrated[~excluded] for each in fitted]
    assert np.array_equal(*kept)
    assert np.array_equal(fitted[0].learner.predict_proba(predicted), fitted[1].learner.predict_proba(predicted))


def test_all_photos_are_predicted_and_scored_by_their_original_labels(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    train(folder, "one", choose(tables))
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
        train(folder, name, Corrections((), {identity: new}))
    records = [member.record for member in load_members(folder, tables, ["one", "two"])]
    with pytest.raises(Mismatch, match=f"one learned {identity!r} as"):
        correct_stack_data(folder, tables, load_folds(folder, tables), records)
    save_corrections(folder.member("one") / "corrections.csv", Corrections((identity,)))
    with pytest.raises(BadData, match="was changed after training"):
        load_member_corrections(folder, records[0])


def test_members_of_a_stack_with_other_corrections_are_named(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    train(folder, "one", choose(tables))
    train(folder, "plain", Corrections())
    records, folds = [MemberRecord.load(folder, name) for name in ("one", "plain")], load_folds(folder, tables)
    for chosen, words in ((records, "relabelled. plain learned with other corrections or none."), (records[:1], "")):
        heard = Heard()
        correct_stack_data(folder, tables, folds, chosen, heard)
        [note] = heard.told
        assert note.endswith(words or "corrections of one: 3 photos excluded, 2 photos relabelled.")
    heard = Heard()
    assert not correct_stack_data(folder, tables, folds, records[1:], heard).corrections
    assert not heard.told
