"""Pseudo-labels of a stack: which labels are sure, and that a fold's know nothing of what the fold holds out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.members_made import record_of
from helpers.pseudo_made import MEMBERS, made_features, make_stack, stacked_heads, train_heads

from ensembler.competition.csv_tables import write_table
from ensembler.competition.duplicates import COLUMNS
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, EnsemblerError, Mismatch
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.jobs.head_fitting import fit_head
from ensembler.members.pseudo_labels.files import are_confident, format_labels, load_pseudo_labels, save_pseudo_labels
from ensembler.members.pseudo_labels.jobs.heads import fit_with_pseudo_labels
from ensembler.members.pseudo_labels.labeller import average_log_odds, find_labeller
from ensembler.members.records import MemberRecord
from ensembler.members.training_job import TrainingJob
from ensembler.options.pseudo_labels import PSEUDO_LABELS_FILE
from ensembler.paths import CompetitionFolder
from ensembler.serialization import convert_to_plain, make_record, read_json, write_json
from ensembler.storage import compute_file_digest, remove_file

# Heads on so few photos are seldom surer.
CONFIDENCE = 0.6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> CompetitionFolder:
    return stacked_heads(tmp_path_factory.mktemp("pseudo"))


@pytest.mark.parametrize(
    ("exclusive", "probabilities", "sure"),
    [
        (True, [[0.9, 0.06, 0.04], [0.8, 0.1, 0.1], [0.02, 0.05, 0.93]], [True, False, True]),
        (False, [[0.95], [0.89], [0.5], [0.05]], [True, False, False, True]),
        (False, [[0.95, 0.02], [0.95, 0.2], [0.01, 0.02]], [True, False, True]),
    ],
    ids=["one class of three", "binary", "several labels, all of them sure"],
)
def test_a_label_is_sure_from_the_confidence(
    exclusive: bool, probabilities: list[list[float]], sure: list[bool]
) -> None:
    found = are_confident(np.array(probabilities, np.float32), 0.9, multiclass=exclusive)
    assert found.tolist() == sure


@pytest.mark.parametrize(
    ("task", "classes", "probabilities", "labels"),
    [
        ("multiclass", ("a", "b", "c"), [[0.1, 0.2, 0.7], [0.8, 0.1, 0.1]], ["c", "a"]),
        ("binary", ("cat", "dog"), [[0.99], [0.01]], ["dog", "cat"]),
        ("multilabel", ("a", "b"), [[0.99, 0.98], [0.01, 0.99], [0.01, 0.02]], ["a|b", "b", ""]),
    ],
)
def test_labels_are_written_as_those_of_training_photos(
    folder: CompetitionFolder, task: str, classes: tuple[str, ...], probabilities: list[list[float]], labels: list[str]
) -> None:
    manifest = dataclasses.replace(load_tables(folder).manifest, task=task, classes=classes)  # type: ignore[arg-type]
    tables = dataclasses.replace(load_tables(folder), manifest=manifest)
    predicted = np.array(probabilities, np.float32)
    assert format_labels(predicted, manifest) == labels
    ids = tables.test["id"].to_numpy(dtype=str)[::-1][: len(labels)]
    save_pseudo_labels(folder.fold("kept", 0) / PSEUDO_LABELS_FILE, ids, labels)
    read = load_pseudo_labels(folder, "kept", 0, tables)
    assert read.rows.tolist() == [5 - place for place in range(len(labels))]
    assert np.array_equal(read.targets, np.round(predicted))


def test_no_label_at_all_is_read_as_none(folder: CompetitionFolder) -> None:
    tables = load_tables(folder)
    save_pseudo_labels(folder.fold("kept", 1) / PSEUDO_LABELS_FILE, np.empty(0, dtype=str), [])
    read = load_pseudo_labels(folder, "kept", 1, tables)
    assert (read.rows.shape, read.targets.shape) == ((0,), (0, 3))
    save_pseudo_labels(folder.fold("kept", 1) / PSEUDO_LABELS_FILE, np.array(["stranger"]), ["a"])
    with pytest.raises(Mismatch, match="not to be predicted: train kept again"):
        load_pseudo_labels(folder, "kept", 1, tables)


@pytest.mark.parametrize("exclusive", [True, False])
def test_members_are_averaged_by_log_odds(exclusive: bool) -> None:
    one, two = [np.array([[0.2, 0.8]], np.float32), np.array([[0.5, 0.5]], np.float32)]
    # Odds of 4 and of 1 make odds of 2.
    assert average_log_odds([one, two], multiclass=exclusive) == pytest.approx(np.array([[1 / 3, 2 / 3]]))
    certain = np.array([[0.0, 1.0]], np.float32)
    assert np.isfinite(average_log_odds([certain, one], multiclass=exclusive)).all()


@pytest.mark.parametrize("fold", range(3))
def test_what_a_fold_holds_out_changes_neither_its_pseudo_labels_nor_what_learns_from_them(
    fold: int, folder: CompetitionFolder, tmp_path: Path
) -> None:
    """Truth 1: every held-out label is changed, all members are trained anew, and the fold's labels stay the same."""
    other = stacked_heads(tmp_path, corrupted=fold)
    labelled = [_labelled(one) for one in (folder, other)]
    assert len(labelled[0][fold]) > 0
    for number, (before, after) in enumerate(zip(*labelled, strict=True)):
        # The other folds learned from those rows.
        assert (before == after) is (number == fold)
    (plain, taught), (_, again) = (_kernels(one, fold) for one in (folder, other))
    assert not np.array_equal(plain, taught)
    assert np.array_equal(taught, again)
    assert not np.array_equal(*[_kernels(one, (fold + 1) % 3)[1] for one in (folder, other)])


def _labelled(folder: CompetitionFolder) -> list[dict[str, str]]:
    labeller = find_labeller(folder, load_tables(folder), "both", CONFIDENCE, {"new": None})
    return [dict(zip(*map(list, labeller.select_labels(fold)), strict=True)) for fold in range(3)]


def _kernels(folder: CompetitionFolder, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a fold's head without and with its pseudo-labels."""
    tables = load_tables(folder)
    labeller = find_labeller(folder, tables, "both", CONFIDENCE, {"new": None})
    record = record_of(folder, tables, "new")
    settings = dataclasses.replace(record.settings, pseudo_labels=labeller.source)
    dataclasses.replace(record, settings=settings).save(folder)
    save_pseudo_labels(folder.fold("new", fold) / PSEUDO_LABELS_FILE, *labeller.select_labels(fold))
    assignment, features = TrainingJob(folder, "new", (fold,), "none"), made_features(folder, "new")
    plain = fit_head(assignment, fold, {WHOLE_VIEW: features[WHOLE_VIEW][0]})
    taught = fit_with_pseudo_labels(plain, assignment, fold, features, [WHOLE_VIEW])
    return plain.kernel_, taught.kernel_


def test_copies_of_what_a_fold_holds_out_are_not_learned_from_in_it(folder: CompetitionFolder) -> None:
    tables = load_tables(folder)
    before = _labelled(folder)
    copy = next(iter(set(before[0]) & set(before[1])))
    original = tables.train.loc[TrainingJob(folder, "one", (), "none").splits.mask_held_out(0), "id"].iloc[0]
    there = folder.duplicates.read_bytes()
    write_table(folder.duplicates, pd.DataFrame([["train", original, "test", copy, "0", "1"]], columns=list(COLUMNS)))
    try:
        after = _labelled(folder)
    finally:
        folder.duplicates.write_bytes(there)
    assert after == [{name: label for name, label in before[0].items() if name != copy}, *before[1:]]


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"confidence": 0.5}, BadChoice, "confidence must be above 0.5 and below 1. Received: 0.5"),
        ({"confidence": 1.0}, BadChoice, "above 0.5 and below 1"),
        ({"stack": "bothe"}, BadChoice, "no finished stack named 'bothe': did you mean both"),
        ({"stack": "unfinished"}, BadChoice, "no finished stack named 'unfinished'"),
        (
            {"learners": {"new": None, "two": None}},
            BadChoice,
            r"two is a member of the stack both, .* such as two@pseudo\.",
        ),
        (
            {"stack": "pseudo", "learners": {"two@pseudo": None}},
            BadChoice,
            r"two@pseudo is a member of the stack pseudo, .* such as two@pseudo-2\.",
        ),
        ({"stack": "older"}, Mismatch, "one was trained again after the stack older was built"),
        ({"stack": "lost"}, BadChoice, "trained member named 'gone'"),
    ],
)
def test_a_stack_that_cannot_label_is_refused(
    folder: CompetitionFolder, asked: dict[str, object], kind: type[EnsemblerError], words: str
) -> None:
    folder.stack("unfinished").mkdir(parents=True, exist_ok=True)
    for name, member in (("older", "one"), ("lost", "gone"), ("pseudo", "two@pseudo")):
        content = {"name": name, "members": [{"name": member, "fingerprint": "another"}], "log_loss": 0.5}
        write_json(folder.stack(name) / "stack.json", content)
    call = {"stack": "both", "confidence": 0.99, "learners": {"new": None}, **asked}
    with pytest.raises(kind, match=words):
        find_labeller(folder, load_tables(folder), **call)  # type: ignore[arg-type]


def test_other_folds_and_no_photos_to_predict_are_refused(tmp_path: Path) -> None:
    folder = stacked_heads(tmp_path)
    tables = load_tables(folder)
    blind = dataclasses.replace(tables, test=tables.test.assign(path=""))
    with pytest.raises(BadChoice, match="made has no readable photo to predict"):
        find_labeller(folder, blind, "both", 0.9, {"new": None})
    remove_file(folder.fold("two", 1) / "fold.json")
    with pytest.raises(Mismatch, match="Fold 1 of two is not finished"):
        find_labeller(folder, tables, "both", 0.9, {"new": None})
    folder.folds.write_text(
        folder.folds.read_text().replace(",1\n", ",9\n").replace(",2\n", ",1\n").replace(",9\n", ",2\n")
    )
    with pytest.raises(Mismatch, match="trained with other folds"):
        find_labeller(folder, tables, "both", 0.9, {"new": None})


def test_other_predictions_are_another_source(tmp_path: Path) -> None:
    folder = stacked_heads(tmp_path)
    tables = load_tables(folder)

    def source(stack: str = "both") -> str:
        return find_labeller(folder, tables, stack, 0.9, {"new": None}).source.fingerprint

    before = source()
    assert source() == before
    make_stack(folder, MEMBERS[:1], "single")
    assert source("single") != before
    # The same settings, by chance with other predictions.
    place = folder.fold("one", 0)
    arrays = dict(np.load(place / "predictions.npz"))
    arrays["test"] = arrays["test"][::-1]
    np.savez(place / "predictions.npz", **arrays)
    content = pd.read_json(place / "fold.json", typ="series").to_dict()
    content["sha256"]["predictions.npz"] = compute_file_digest(place / "predictions.npz")
    write_json(place / "fold.json", content)
    assert source() != before
    train_heads(folder, "one")
    assert source() == before


def test_a_member_without_pseudo_labels_is_written_as_before_there_were_any(folder: CompetitionFolder) -> None:
    record = record_of(folder, load_tables(folder), "plain")
    record.save(folder)
    assert "pseudo_labels" not in read_json(folder.member(record.name) / "member.json")["settings"]
    assert make_record(convert_to_plain(record), MemberRecord, "x") == record
    source = find_labeller(folder, load_tables(folder), "both", 0.9, {"new": None}).source
    taught = dataclasses.replace(record, settings=dataclasses.replace(record.settings, pseudo_labels=source))
    assert make_record(convert_to_plain(taught), MemberRecord, "x") == taught
    assert taught.fingerprint != record.fingerprint
    assert taught.settings.describe_differences(record.settings) == (
        f"pseudo_labels both from 0.9 (predictions {source.fingerprint}) (stored) / none (requested)"
    )
