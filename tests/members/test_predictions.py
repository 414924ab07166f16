from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import make_member, record_of, small_competition

from ensembler.competition.folds.file import build_folds, save_folds
from ensembler.errors import BadChoice, BadData, Mismatch
from ensembler.members.predictions import load_members
from ensembler.members.records import FoldPredictions, MemberRecord, load_fold, save_fold
from ensembler.serialization import read_arrays


@pytest.mark.parametrize("shuffled", [False, True])
def test_predictions_join_by_id_whatever_their_order(shuffled: bool, tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    expected = make_member(folder, tables, "demo-conv", shuffled=shuffled)
    member = load_members(folder, tables, ["demo-conv"])[0]
    assert np.array_equal(member.out_of_fold, expected)
    assert member.fold_scores == (0.5, 0.5, 0.5)


def test_test_predictions_are_the_mean_over_folds_by_id(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv", shuffled=True)
    stored = read_arrays(folder.fold("demo-conv", 0) / "predictions.npz")
    by_id = dict(zip(stored["test_ids"], stored["test"], strict=True))
    member = load_members(folder, tables, ["demo-conv"])[0]
    assert member.test == pytest.approx(np.array([by_id[identity] for identity in tables.test["id"]]), abs=1e-6)


@pytest.mark.parametrize(("count", "repeats"), [(2, 3), (1, 1), (1, 2)])
def test_each_photo_is_out_of_fold_the_mean_over_repeats(count: int, repeats: int, tmp_path: Path) -> None:
    """Truth 1: by networks that never saw it alone; photos that no network held out are left out."""
    folder, tables = small_competition(tmp_path)
    folds = build_folds(tables, count, repeats, 0)
    save_folds(folder, tables, folds)
    make_member(folder, tables, "demo-conv", shuffled=True)
    seen: dict[str, list[np.ndarray]] = {}
    for split in range(folds.splits):
        predictions, _ = load_fold(folder, record_of(folder, tables), split)
        learned = set(tables.train["id"][folds.mask_training(split)])
        raised = predictions.held_out + np.float32(0.01 * split)
        resave(folder, tables, split, held_out=raised)
        for identity, probabilities in zip(predictions.held_out_ids, raised, strict=True):
            assert identity not in learned
            seen.setdefault(str(identity), []).append(probabilities)
    [member] = load_members(folder, tables, ["demo-conv"])
    scored = tables.train["id"][folds.scored]
    assert set(scored) == set(seen)
    assert member.out_of_fold == pytest.approx(np.array([np.mean(seen[identity], axis=0) for identity in scored]))
    assert len(member.fold_scores) == count * repeats


def resave(folder, tables, fold=0, **changes) -> None:  # type: ignore[no-untyped-def]
    """Write a fold again with other arrays, as a valid fold."""
    record = record_of(folder, tables)
    predictions, _ = load_fold(folder, record, fold)
    save_fold(folder, record, fold, FoldPredictions(**{**vars(predictions), **changes}), [], 0.5, 1.0)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        (lambda p: {"classes": p.classes[::-1]}, Mismatch, "other classes"),
        (lambda p: {"held_out_ids": np.roll(p.held_out_ids, 1)[:-1], "held_out": p.held_out[:-1]}, Mismatch, "once"),
        (lambda p: {"held_out_ids": np.repeat(p.held_out_ids[:1], len(p.held_out_ids))}, Mismatch, "exactly once"),
        (lambda p: {"test_ids": np.array([*p.test_ids[:-1], "stranger"])}, Mismatch, "Test predictions"),
        (lambda p: {"held_out": np.full_like(p.held_out, np.nan)}, BadData, "not finite"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(changes, kind, words, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    predictions, _ = load_fold(folder, record_of(folder, tables), 0)
    resave(folder, tables, **changes(predictions))
    with pytest.raises(kind, match=words):
        load_members(folder, tables, ["demo-conv"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"samples": "x"}, "photos or labels"),
        ({"folds": "x"}, "other folds"),
        ({"classes": ("b", "a", "c")}, "classes"),
    ],
)
def test_a_member_of_other_data_is_refused(changed: dict[str, object], words: str, tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    replace(MemberRecord.load(folder, "demo-conv"), **changed).save(folder)  # type: ignore[arg-type]
    with pytest.raises(Mismatch, match=words):
        load_members(folder, tables, ["demo-conv"])


def test_an_unfinished_member_is_refused(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    (folder.fold("demo-conv", 1) / "fold.json").unlink()
    with pytest.raises(Mismatch, match="Fold 1 of demo-conv is not finished"):
        load_members(folder, tables, ["demo-conv"])


def test_a_member_named_twice_is_refused(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    with pytest.raises(BadChoice, match="twice"):
        load_members(folder, tables, ["demo-conv", "demo-conv"])
