from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import record_of, small_competition

from ensembler.competition.csv_tables import write_table
from ensembler.competition.folds.file import build_folds, save_folds
from ensembler.heads.by_split import fit_split_heads
from ensembler.images.views import WHOLE_VIEW
from ensembler.members.jobs.head_fitting import FoldHeads, fit_head
from ensembler.members.training_job import TrainingJob
from ensembler.progress import Progress
from ensembler.serialization import convert_to_plain, make_record


@pytest.mark.parametrize(("folds", "repeats"), [(3, 1), (2, 2), (1, 2)])
def test_a_head_does_not_depend_on_the_labels_of_its_held_out_fold(folds: int, repeats: int, tmp_path: Path) -> None:
    """Truth 1: every label of the held-out fold is changed, and the head stays the same to the last bit."""
    folder, tables = small_competition(tmp_path)
    save_folds(folder, tables, build_folds(tables, folds, repeats, 0))
    record_of(folder, tables).save(folder)
    features = np.random.default_rng(0).normal(size=(len(tables.train), 6)).astype(np.float32)
    last = folds * repeats - 1
    assignment = TrainingJob(folder, "demo-conv", tuple(range(last + 1)), "none")
    before = fit_head(assignment, last, {WHOLE_VIEW: features})
    held_out = assignment.splits.mask_held_out(last)
    other = tables.train.copy()
    other.loc[held_out, "label"] = other.loc[held_out, "label"].map({"a": "b", "b": "c", "c": "a"})
    write_table(folder.train, other)
    again = TrainingJob(folder, "demo-conv", tuple(range(last + 1)), "none")
    assert not np.array_equal(again.tables.targets, assignment.tables.targets)
    after = fit_head(again, last, {WHOLE_VIEW: features})
    assert np.array_equal(before.kernel_, after.kernel_)
    assert np.array_equal(before.bias_, after.bias_)
    other = fit_head(again, 0, {WHOLE_VIEW: features})
    assert not np.array_equal(fit_head(assignment, 0, {WHOLE_VIEW: features}).kernel_, other.kernel_)


def test_heads_without_weights_are_those_fitted_side_by_side_as_in_a_survey(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    folds = build_folds(tables, 3, 1, 0)
    save_folds(folder, tables, folds)
    record_of(folder, tables).save(folder)
    features = np.random.default_rng(0).normal(size=(len(tables.train), 6)).astype(np.float32)
    job = TrainingJob(folder, "demo-conv", (0, 1, 2), "none")
    passes: list[None] = []

    class Counting(Progress):
        def raise_if_stopping(self, where: str = "") -> None:
            passes.append(None)

    heads = FoldHeads(job, {WHOLE_VIEW: features}, Counting())
    fitted = [heads.fit_fold(fold) for fold in range(3)]
    alone: list[None] = []
    expected = fit_split_heads(
        features, tables.targets, folds, [0, 1, 2], multiclass=True, raise_if_stopping=lambda: alone.append(None)
    )
    for fold in range(3):
        assert np.array_equal(fitted[fold].kernel_, expected[fold].kernel_)
    assert len(passes) == len(alone)


def test_an_assignment_survives_json(tmp_path: Path) -> None:
    folder, _ = small_competition(tmp_path)
    assignment = TrainingJob(folder, "demo-conv", (1, 2), "none")
    assert make_record(convert_to_plain(assignment), TrainingJob, "job") == assignment
