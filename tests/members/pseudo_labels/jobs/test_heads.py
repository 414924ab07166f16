"""Heads that learn from pseudo-labelled photos: those photos count, but choose nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import record_of, small_competition
from helpers.pseudo_made import made_features

from ensembler.heads.jobs.hidden import HiddenHead
from ensembler.images.views import MIRRORED_VIEW, WHOLE_VIEW
from ensembler.members.jobs.head_fitting import fit_head, list_head_views
from ensembler.members.pseudo_labels.files import save_pseudo_labels
from ensembler.members.pseudo_labels.jobs.heads import fit_with_pseudo_labels
from ensembler.members.training_job import TrainingJob
from ensembler.options.pseudo_labels import PSEUDO_LABELS_FILE, PseudoLabels


@pytest.mark.parametrize(
    "changed",
    [{}, {"flips": True}, {"class_weights": "balanced"}, {"hidden": 3}],
    ids=["linear", "mirrored too", "balanced", "hidden"],
)
@pytest.mark.slow
def test_a_head_learns_pseudo_labels_as_strongly_as_its_own_rows_chose(changed: dict[str, Any], tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables, "new")
    settings = dataclasses.replace(record.settings, **changed, pseudo_labels=PseudoLabels("stack", 0.9, "hash"))
    dataclasses.replace(record, settings=settings).save(folder)
    [(training, test)] = made_features(folder, "new").values()
    features = {WHOLE_VIEW: (training, test), MIRRORED_VIEW: (training + 0.1, test + 0.1)}
    ids = tables.test["id"].to_numpy(dtype=str)
    # All wrong: each photo that shows "a" is said to show "b", and so on.
    wrong = [{"a": "b", "b": "c", "c": "a"}[path.split("/")[0]] for path in tables.test["path"]]
    save_pseudo_labels(folder.fold("new", 0) / PSEUDO_LABELS_FILE, ids, wrong)
    save_pseudo_labels(folder.fold("new", 1) / PSEUDO_LABELS_FILE, ids[:0], [])
    assignment = TrainingJob(folder, "new", (0, 1), "none")
    views = list_head_views(assignment.record.settings)
    heads = []
    for fold in (0, 1):
        own = fit_head(assignment, fold, {view: of_training for view, (of_training, _) in features.items()})
        heads.append((own, fit_with_pseudo_labels(own, assignment, fold, features, views)))
    (plain, taught), (same, unchanged) = heads
    targets = assignment.load_pseudo_labelled(0).targets
    before, after = [(head.predict_proba(test) * targets).sum(axis=1) for head in (plain, taught)]
    assert (after > before).all()
    if isinstance(plain, HiddenHead):
        assert taught.epochs_ == plain.epochs_
    else:
        assert taught.strength_ == plain.strength_
    # Without a sure label, the head is the very same.
    assert unchanged is same
