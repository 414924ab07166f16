"""Predictions of stacks and members joined with the tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_reports import Wanted, make_competition, make_members, make_reported, make_stack

from ensembler.competition.folds.file import load_folds
from ensembler.competition.tables import load_tables
from ensembler.errors import BadData, Mismatch
from ensembler.members.predictions import load_members
from ensembler.members.records import MemberRecord
from ensembler.reports import outcomes as module
from ensembler.reports.outcomes import load_member_outcomes, load_stack_outcomes, read_member
from ensembler.serialization import read_arrays, write_arrays

WANTED = Wanted()


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_a_member_is_read_as_the_stack_reads_it(tmp_path: Path, task: str) -> None:
    classes = ("cat", "dog") if task == "binary" else WANTED.classes
    folder = make_reported(tmp_path, replace(WANTED, task=task, classes=classes))
    tables = load_tables(folder)
    (member,) = load_members(folder, tables, ["small"])
    found = load_member_outcomes(folder, tables, load_folds(folder, tables), member.record)
    np.testing.assert_allclose(found.probabilities, member.out_of_fold, rtol=1e-6)
    np.testing.assert_allclose(found.test, member.test, rtol=1e-5)
    np.testing.assert_array_equal(found.encode_targets(slice(None)), tables.targets)


def test_some_rows_are_read_alone(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    tables = load_tables(folder)
    folds, record = load_folds(folder, tables), MemberRecord.load(folder, "large")
    rows, test_rows = np.array([41, 3, 17]), np.array([5, 0])
    known, test = read_member(folder, tables, folds, record, rows, test_rows)
    whole = load_member_outcomes(folder, tables, folds, record)
    np.testing.assert_allclose(known, whole.probabilities[rows])
    np.testing.assert_allclose(test, whole.test[test_rows])


def test_rows_of_a_stack_follow_its_ids(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    tables = load_tables(folder)
    before = load_stack_outcomes(folder, tables, "both")
    path = folder.stack("both") / "predictions.npz"
    stored, order = read_arrays(path), np.random.default_rng(0).permutation(WANTED.rows)
    for name in ("out_of_fold_ids", "out_of_fold"):
        stored[name] = stored[name][order]
    write_arrays(path, **stored)
    after = load_stack_outcomes(folder, tables, "both")
    np.testing.assert_array_equal(after.rows, order)
    np.testing.assert_array_equal(after.codes, before.codes[order])


@pytest.mark.parametrize("changed", ["classes", "out_of_fold_ids"])
def test_a_stack_of_other_photos_or_classes_is_refused(tmp_path: Path, changed: str) -> None:
    folder = make_reported(tmp_path, WANTED)
    path = folder.stack("both") / "predictions.npz"
    stored = read_arrays(path)
    stored[changed] = np.array([f"other {one}" for one in range(len(stored[changed]))])
    write_arrays(path, **stored)
    with pytest.raises(Mismatch, match="build it again"):
        load_stack_outcomes(folder, load_tables(folder), "both")


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    folder = make_reported(tmp_path, WANTED)
    path = folder.stack("both") / "predictions.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadData, match=r"predictions\.npz"):
        load_stack_outcomes(folder, load_tables(folder), "both")


def test_blocks_cover_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", 21)
    folder, tables = make_competition(tmp_path, WANTED)
    make_members(folder, tables, WANTED)
    make_stack(folder, tables, WANTED)
    found = load_stack_outcomes(folder, tables, "both")
    blocks = list(found.iterate_blocks())
    assert len(blocks) == 9
    np.testing.assert_array_equal(np.concatenate([targets for _, targets, _ in blocks]), tables.targets)
