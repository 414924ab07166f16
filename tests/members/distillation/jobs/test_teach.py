"""What a teacher says to a fold: it must know nothing of the labels that the fold holds out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.members_made import record_of
from helpers.photos import write_photo
from helpers.pseudo_made import MEMBERS, made_features, make_stack, stacked_heads

from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.folds.splits import ALL_PHOTOS
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import load_tables
from ensembler.heads.linear import LinearHead
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.distillation.files import load_teacher_predictions, save_teacher_predictions
from ensembler.members.distillation.jobs import teach as teaching_code
from ensembler.members.distillation.jobs.heads import fit_distilled_head
from ensembler.members.distillation.jobs.teach import predict_for_fold, teach
from ensembler.members.distillation.teacher import find_teacher
from ensembler.members.distillation.teaching_job import TeachingJob
from ensembler.members.jobs.head_fitting import fit_head
from ensembler.members.predictions import load_members
from ensembler.members.records import MemberRecord, save_fold
from ensembler.members.training_job import TrainingJob
from ensembler.options.distillation import TEACHER_FILE, Distillation
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import SILENT
from ensembler.serialization import convert_to_plain
from ensembler.workflows.fetch.adopt import adopt

FOLDS = range(3)


@pytest.fixture(autouse=True)
def _features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The members' features are made up, so that no network is needed."""
    monkeypatch.setattr(
        teaching_code, "load_or_compute_features", lambda job, _views, _progress: made_features(job.folder, job.member)
    )


def made_stack(root: Path, corrupted: int | None = None) -> CompetitionFolder:
    """A stack of two frozen members, whose histories tell the penalty of each head."""
    folder = stacked_heads(root, corrupted)
    for name in MEMBERS:
        record = MemberRecord.load(folder, name)
        for fold in FOLDS:
            parts = load_members(folder, load_tables(folder), [name])[0]
            job = TrainingJob(folder, name, (fold,), "none")
            held_out = parts.out_of_fold[job.splits.mask_held_out(fold)]
            stored, score = job.join_predictions(fold, held_out, _load_test(folder, record, fold))
            save_fold(folder, record, fold, stored, [{"phase": "head", "inverse_penalty": 0.1}], score, 0.0)
    make_stack(folder, MEMBERS)
    return folder


def _load_test(folder: CompetitionFolder, record: MemberRecord, fold: int) -> np.ndarray:
    return np.asarray(np.load(folder.fold(record.name, fold) / "predictions.npz")["test"])


def make_student(folder: CompetitionFolder, name: str = "new", **changed: Any) -> TrainingJob:
    tables = load_tables(folder)
    record = record_of(folder, tables, name)
    source = find_teacher(folder, tables, "both", 2.0, 0.9, {name: None}).source
    settings = dataclasses.replace(record.settings, distillation=source, **changed)
    dataclasses.replace(record, settings=settings).save(folder)
    return TrainingJob(folder, name, tuple(FOLDS), "none")


@pytest.mark.parametrize("fold", FOLDS)
def test_what_a_fold_holds_out_changes_neither_its_teacher_nor_its_student(fold: int, tmp_path: Path) -> None:
    """Truth 1: every held-out label is changed, all members are trained anew, and the fold is taught the same."""
    folders = [made_stack(tmp_path / "one"), made_stack(tmp_path / "other", corrupted=fold)]
    taught = [[predict_for_fold(TeachingJob(one, MEMBERS, (), ()), k, SILENT) for k in FOLDS] for one in folders]
    for number, (before, after) in enumerate(zip(*taught, strict=True)):
        for name in ("training", "test"):
            same = np.array_equal(getattr(before, name), getattr(after, name), equal_nan=True)
            # The other folds learned from those rows.
            assert same is (number == fold), name
    kernels = []
    for one in folders:
        job = make_student(one)
        teach(convert_to_plain(TeachingJob(one, MEMBERS, ("new",), tuple(FOLDS))), SILENT)
        heads = [fit_distilled_head(job, k, made_features(one, "new"), [WHOLE_VIEW]) for k in FOLDS]
        kernels.append([head.kernel_ for head in heads])
    assert [np.array_equal(*both) for both in zip(*kernels, strict=True)] == [number == fold for number in FOLDS]


def test_each_training_photo_is_predicted_without_its_own_label(tmp_path: Path) -> None:
    """The labels of one inner fold are changed: what the teacher says of that inner fold stays the same."""
    folder = made_stack(tmp_path)
    job = TrainingJob(folder, MEMBERS[0], (0,), "")
    rows, inner = np.flatnonzero(job.splits.mask_training(0)), job.splits.make_inner_folds(0)
    before = teaching_code._predict_across_inner_folds(job, 0, SILENT)
    assert len(np.unique(inner)) == 2
    changed = job.tables.targets.copy()
    changed[rows[inner == inner[0]]] = np.roll(changed[rows[inner == inner[0]]], 1, axis=1)
    other = TrainingJob(folder, MEMBERS[0], (0,), "")
    other.tables.__dict__["targets"] = changed
    after = teaching_code._predict_across_inner_folds(other, 0, SILENT)
    assert np.array_equal(before[inner == inner[0]], after[inner == inner[0]])
    assert not np.array_equal(before[inner != inner[0]], after[inner != inner[0]])


def test_the_teacher_of_all_photos_is_out_of_fold(tmp_path: Path) -> None:
    folder = made_stack(tmp_path)
    predicted = predict_for_fold(TeachingJob(folder, MEMBERS[:1], (), ()), ALL_PHOTOS, SILENT)
    [member] = load_members(folder, load_tables(folder), MEMBERS[:1])
    assert predicted.training == pytest.approx(member.out_of_fold, abs=1e-6)
    assert predicted.test == pytest.approx(member.test, abs=1e-6)


def test_predictions_are_written_once_for_each_student(tmp_path: Path) -> None:
    folder, spec = made_stack(tmp_path), {}
    tables = load_tables(folder)
    for students in (("new",), ("new", "second")):
        for name in students:
            make_student(folder, name)
        spec = convert_to_plain(TeachingJob(folder, MEMBERS, students, (0, 2)))
        times = [path.stat().st_mtime_ns for path in _list_teacher_files(folder, "new")]
        teach(spec, SILENT)
        if times:
            assert times == [path.stat().st_mtime_ns for path in _list_teacher_files(folder, "new")]
    job = TrainingJob(folder, "second", (0,), "none")
    read = load_teacher_predictions(folder, "second", 2, tables, job.splits)
    made = predict_for_fold(TeachingJob(folder, MEMBERS, (), ()), 2, SILENT)
    for name in ("training", "rows", "test"):
        assert np.array_equal(getattr(read, name), getattr(made, name), equal_nan=True)
    assert np.isnan(read.training[job.splits.mask_held_out(2)]).all()
    assert len(_list_teacher_files(folder, "second")) == 2


def _list_teacher_files(folder: CompetitionFolder, student: str) -> list[Path]:
    return sorted(folder.member(student).glob(f"*/{TEACHER_FILE}"))


def test_predictions_of_another_fold_are_refused(tmp_path: Path) -> None:
    folder = made_stack(tmp_path)
    tables, splits = load_tables(folder), TrainingJob(folder, "one", (), "").splits
    made = predict_for_fold(TeachingJob(folder, MEMBERS, (), ()), 1, SILENT)
    save_teacher_predictions(folder, "new", 0, made, tables)
    with pytest.raises(Exception, match="is of other photos than the fold trains on: train new again"):
        load_teacher_predictions(folder, "new", 0, tables, splits)


@pytest.mark.parametrize("changed", [{}, {"class_weights": "balanced"}, {"hidden": 3}], ids=str)
@pytest.mark.slow
def test_a_head_comes_nearer_to_its_teacher(changed: Mapping[str, Any], tmp_path: Path) -> None:
    """The teacher is always sure of the first class, and no label is."""
    folder = made_stack(tmp_path)
    tables, features = load_tables(folder), made_features(folder, "new")
    job = make_student(folder, **changed)
    rows = np.arange(len(tables.test_paths))
    sure = np.array([0.98, 0.01, 0.01], np.float32)
    training = np.full(tables.targets.shape, np.nan, np.float32)
    training[job.splits.mask_training(0)] = sure
    predictions = dataclasses.replace(
        predict_for_fold(TeachingJob(folder, MEMBERS, (), ()), 0, SILENT), training=training
    )
    save_teacher_predictions(
        folder, "new", 0, dataclasses.replace(predictions, rows=rows, test=np.tile(sure, (len(rows), 1))), tables
    )
    taught = fit_distilled_head(job, 0, features, [WHOLE_VIEW])
    plain = fit_head(job, 0, {WHOLE_VIEW: features[WHOLE_VIEW][0]})
    before, after = (head.predict_proba(features[WHOLE_VIEW][1])[:, 0].mean() for head in (plain, taught))
    assert after > before + 0.1


@pytest.mark.slow
def test_labels_of_pure_noise_are_not_predicted_better_than_by_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted leak: out-of-fold predictions of a stack lower a student's log loss, and what we teach does not.

    Features are random, and the student has those of the teacher, so it can repeat all that it is told.
    """
    for row in range(300):
        write_photo(tmp_path / "photos" / "ab"[row % 2] / f"{row}.png", row, (8, 8))
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    adopt(tmp_path / "photos", "noise", workspace=workspace)
    folder = workspace.competition("noise")
    tables = load_tables(folder)
    folds = load_or_make_folds(folder, tables, 5)
    random = np.random.default_rng(0)
    X, test = (random.normal(0, 1, (count, 40)).astype(np.float32) for count in (len(tables.train), len(tables.test)))
    monkeypatch.setattr(teaching_code, "load_or_compute_features", lambda *_: {WHOLE_VIEW: (X, test)})
    record_of(folder, tables, "one").save(folder)
    for fold in range(5):
        job, rows = TrainingJob(folder, "one", (fold,), ""), folds.mask_training(fold)
        head = LinearHead(multiclass=False, strengths=(0.03,))
        head.fit(X[rows], tables.targets[rows], np.zeros(rows.sum(), np.int64))
        stored, score = job.join_predictions(fold, head.predict_proba(X[~rows]), head.predict_proba(test))
        history = [{"phase": "head", "inverse_penalty": 0.03}]
        save_fold(folder, job.record, fold, stored, history, score, 0.0)
    make_stack(folder, ["one"])

    def score_student(name: str, out_of_fold: np.ndarray | None = None) -> float:
        job = make_student(folder, name)
        teach(convert_to_plain(TeachingJob(folder, ("one",), (name,), tuple(range(5)))), SILENT)
        predicted = np.empty_like(tables.targets)
        for fold in range(5):
            if out_of_fold is not None:
                told = load_teacher_predictions(folder, name, fold, tables, folds)
                training = np.where(folds.mask_training(fold)[:, None], out_of_fold, np.nan)
                leaking = dataclasses.replace(told, training=training)
                save_teacher_predictions(folder, name, fold, leaking, tables)
            held_out = folds.mask_held_out(fold)
            head = fit_distilled_head(job, fold, {WHOLE_VIEW: (X, test)}, [WHOLE_VIEW])
            predicted[held_out] = head.predict_proba(X[held_out])
        return log_loss(tables.targets, predicted, multiclass=False)

    chance = float(np.log(2))
    leaked = score_student("leaking", load_members(folder, tables, ["one"])[0].out_of_fold)
    assert leaked < chance - 0.01
    assert score_student("new") > chance


def test_the_source_names_stack_temperature_and_weight(tmp_path: Path) -> None:
    folder = made_stack(tmp_path)
    job = make_student(folder)
    source = job.record.settings.distillation
    assert isinstance(source, Distillation)
    assert str(source) == f"both at 2, weight 0.9 (predictions {source.fingerprint})"
    teacher = find_teacher(folder, load_tables(folder), "both", 2.0, 0.9, {"new": None})
    assert teacher.words == ["--teacher", "both", "--temperature", "2.0", "--soft-weight", "0.9"]
    assert teacher.members == MEMBERS
