"""Real photos and weights, where they lie beside the checkout; skipped elsewhere: they are not ours to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensembler.checks.labels.ranking import rank_labels
from ensembler.checks.result import load_doubts
from ensembler.competition.csv_tables import read_table, write_table
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import load_tables
from ensembler.members.predictions import load_members
from ensembler.paths import Workspace
from ensembler.workflows.check import check
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

SHARED = Path(__file__).parents[3] / "shared"
ARCHIVE = SHARED / "data" / "dogs-vs-cats-mini.zip"
WEIGHTS = SHARED / "weights"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.shared,
    pytest.mark.skipif(not ARCHIVE.is_file(), reason="the photos are not here"),
]


def test_from_the_archive_to_the_csv(workspace: Workspace) -> None:
    fetched = fetch("dogs-vs-cats-mini", archive=ARCHIVE, workspace=workspace)
    assert (fetched.training, fetched.test, fetched.unreadable) == (1600, 799, 0)
    assert fetched.manifest.classes == ("cat", "dog")
    # 160 pixels rather than 224: half the time, and still far better than chance.
    member = train_members(
        ["mobilenetv2-0.35"], weights=str(WEIGHTS), unfreeze="none", image_size=160, workspace=workspace
    )[0]
    assert member.log_loss < 0.2
    assert member.accuracy > 0.92
    result = stack(workspace=workspace)
    assert result.difference < 1e-5
    answer = read_table(result.submission)
    assert answer["id"].tolist() == [str(number) for number in range(1, 800)]
    guesses = answer["label"].astype(float)
    assert 0.3 < np.mean(guesses > 0.5) < 0.7


def test_a_check_of_real_photos_finds_few_doubts(workspace: Workspace) -> None:
    """Known pairs, small photos and a grey one; no leak, and no difference between train and test."""
    fetch("dogs-vs-cats-mini", archive=ARCHIVE, workspace=workspace)
    result = check(workspace=workspace)
    assert [(each.kind, each.set, each.number) for each in result.findings] == [
        ("near-duplicates", "train", 1),
        ("odd size", "train", 32),
        ("odd size", "test", 7),
        ("odd mode", "train", 1),
    ]
    assert result.findings[0].examples == ("train/dog.180.jpg = train/dog.74.jpg",)
    assert max(clue.area for clue in result.leaks) < 0.67
    assert max(clue.area for clue in result.shift) < 0.56
    assert result.balance is not None
    assert result.balance.counts == {"cat": 810, "dog": 790}


def test_flipped_labels_are_found_and_training_without_them_is_better(workspace: Workspace) -> None:
    folder = fetch("dogs-vs-cats-mini", archive=ARCHIVE, workspace=workspace).folder
    table = read_table(folder.train)
    true, flipped = table["label"].copy(), np.zeros(len(table), bool)
    flipped[np.random.default_rng(0).choice(len(table), len(table) // 20, replace=False)] = True
    write_table(folder.train, table.assign(label=true.where(~flipped, true.map({"cat": "dog", "dog": "cat"}))))
    options: dict[str, Any] = {"weights": str(WEIGHTS), "unfreeze": "none", "image_size": 160, "flips": False}
    train_members(["mobilenet"], workspace=workspace, **options)
    tables = load_tables(folder)
    [member] = load_members(folder, tables, ["mobilenet"])
    trust = rank_labels(tables.targets, member.out_of_fold, tables.manifest).trust
    first = np.argsort(trust)[: int(0.08 * len(table))]
    assert flipped[first].sum() >= 0.9 * flipped.sum()
    found = check(workspace=workspace)
    doubts = load_doubts(folder)
    wrong = [each for each in doubts if each.kind == "likely wrong label"]
    assert len(wrong) == next(each.number for each in found.findings if each.kind == "likely wrong label")
    assert np.mean([flipped[table["id"].tolist().index(each.id)] for each in wrong]) > 0.8
    file = str(folder.check / "doubts.csv")
    train_members(["mobilenet@corrected"], workspace=workspace, exclude=file, relabel=file, **options)
    [corrected] = load_members(folder, tables, ["mobilenet@corrected"])
    targets = (true == "dog").to_numpy(np.float32)[:, None]
    before, after = (log_loss(targets, each.out_of_fold, multiclass=False) for each in (member, corrected))
    assert after < 0.9 * before
