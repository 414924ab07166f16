"""Members that learn from pseudo-labels, trained in real processes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from helpers.photos import Heard
from helpers.pseudo_made import make_stack
from PIL import Image

from ensembler.competition.folds.file import load_folds
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, EnsemblerError, Mismatch
from ensembler.members.records import MemberRecord, load_fold
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.train.train import train_members

# Real processes train real members.
pytestmark = pytest.mark.slow

FOLDS = 2
FROZEN: dict[str, Any] = {"weights": "none", "folds": FOLDS, "unfreeze": "none"}
TUNED: dict[str, Any] = {"weights": "none", "folds": FOLDS, "epochs": 2}
STACK: dict[str, Any] = {"pseudo_labels": "both", "confidence": 0.55}


@dataclass(frozen=True)
class Trained:
    folder: CompetitionFolder
    workspace: Workspace
    notes: list[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A stack of two frozen members, and members with and without pseudo-labels; class b is brighter."""
    root = tmp_path_factory.mktemp("pseudo-members")
    random = np.random.default_rng(0)
    for row in range(50):
        pixels = random.integers(0, 120, (8, 8, 3)) + 60 * (row % 2)
        place = root / "photos" / "ab"[row % 2] / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "bright", workspace=workspace)
    folder = workspace.competition("bright")
    train_members(["demo-dense", "demo-conv"], workspace=workspace, **FROZEN)
    make_stack(folder, ["demo-dense", "demo-conv"])
    heard = Heard()
    train_members(["demo-conv@frozen"], workspace=workspace, progress=heard, **FROZEN, **STACK)
    train_members(["demo-dense@tuned"], workspace=workspace, progress=heard, **TUNED, **STACK)
    train_members(["demo-dense@plain"], workspace=workspace, **TUNED)
    return Trained(folder, workspace, heard.told)


@pytest.mark.parametrize("name", ["demo-conv@frozen", "demo-dense@tuned"])
def test_each_fold_says_how_many_photos_to_predict_it_learned_from(trained: Trained, name: str) -> None:
    folder = trained.folder
    record = MemberRecord.load(folder, name)
    assert record.settings.pseudo_labels is not None
    assert (record.settings.pseudo_labels.stack, record.settings.pseudo_labels.confidence) == ("both", 0.55)
    asked = set(load_tables(folder).test["id"])
    counts = []
    for fold in range(FOLDS):
        place = folder.fold(name, fold)
        labelled = list(csv.DictReader((place / "pseudo-labels.csv").read_text().splitlines()))
        assert {row["id"] for row in labelled} <= asked
        assert {row["label"] for row in labelled} == {"a", "b"}
        told = read_json(place / "fold.json")
        assert told["pseudo_labels"] == len(labelled)
        assert "pseudo-labels.csv" in told["sha256"]
        counts.append(len(labelled))
    [note] = [note for note in trained.notes if note.startswith(name)]
    assert note.endswith(f"of {len(asked)} photos to predict: {counts[0]} in fold 0, {counts[1]} in fold 1.")


def test_photos_to_predict_are_learned_from_and_never_scored(trained: Trained) -> None:
    folder, tables = trained.folder, load_tables(trained.folder)
    folds = load_folds(folder, tables)
    for name, plain in (("demo-conv@frozen", "demo-conv"), ("demo-dense@tuned", "demo-dense@plain")):
        records = [MemberRecord.load(folder, one) for one in (name, plain)]
        for fold in range(FOLDS):
            (with_labels, told), (without, other) = (load_fold(folder, record, fold) for record in records)
            assert with_labels.held_out_ids.tolist() == tables.train.loc[folds.mask_held_out(fold), "id"].tolist()
            assert told.held_out == other.held_out
            assert not np.array_equal(with_labels.held_out, without.held_out)
            assert other.pseudo_labels is None


def test_the_same_call_goes_on_and_another_is_refused(trained: Trained) -> None:
    folder, name = trained.folder, "demo-conv@frozen"
    kept = folder.fold(name, 0) / "fold.json"
    time = kept.stat().st_mtime_ns
    train_members([name], workspace=trained.workspace, **FROZEN, **STACK)
    assert kept.stat().st_mtime_ns == time
    words = read_json(folder.member(name) / "call.json")["train-members"]
    assert words[-4:] == ["--pseudo-labels", "both", "--confidence", "0.55"]
    make_stack(folder, ["demo-dense"], "one")
    for changed in ({"confidence": 0.6}, {"pseudo_labels": "one"}, {"pseudo_labels": None, "confidence": None}):
        with pytest.raises(Mismatch, match=r"pseudo_labels both from 0.55 \(predictions [0-9a-f]{16}\) \(stored\)"):
            train_members([name], workspace=trained.workspace, **FROZEN, **{**STACK, **changed})


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"pseudo_labels": None}, BadChoice, "add pseudo_labels=.STACK., or omit confidence"),
        ({"time_budget": "1h"}, BadChoice, "time_budget cannot be combined with pseudo_labels"),
        ({"confidence": 0.4}, BadChoice, "Received: 0.4"),
        ({"pseudo_labels": "nothing"}, BadChoice, "no finished stack named 'nothing'"),
        ({"members": ["demo-conv"], "restart": True}, BadChoice, "demo-conv is a member of the stack both"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    trained: Trained, asked: dict[str, Any], kind: type[EnsemblerError], words: str
) -> None:
    before = sorted(trained.folder.root.rglob("*"))
    call: dict[str, Any] = {"members": ["demo-conv@refused"], **FROZEN, **STACK, **asked}
    with pytest.raises(kind, match=words):
        train_members(workspace=trained.workspace, **call)
    assert sorted(trained.folder.root.rglob("*")) == before


def test_nothing_sure_is_told(trained: Trained) -> None:
    heard = Heard()
    train_members(
        ["demo-conv@unsure"],
        workspace=trained.workspace,
        progress=heard,
        **FROZEN,
        pseudo_labels="both",
        confidence=0.999999,
    )
    assert heard.told == [
        "Warning: demo-conv@unsure has no pseudo-labels: the stack both predicts no photo with confidence=0.999999 "
        "or more."
    ]
    records = [MemberRecord.load(trained.folder, name) for name in ("demo-conv", "demo-conv@unsure")]
    plain, unsure = (load_fold(trained.folder, record, 1)[0] for record in records)
    assert np.array_equal(plain.held_out, unsure.held_out)
