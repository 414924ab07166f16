"""Members of one backbone under names of their own: trained, listed, stacked into one file, and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from helpers.members_made import FOLDS, small_competition

from ensembler.competition.tables import load_tables
from ensembler.errors import Mismatch
from ensembler.images.decoding import decode_photo
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.workflows.members.listing import list_members
from ensembler.workflows.results import StackResult
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Real processes train real members.
pytestmark = pytest.mark.slow

FROZEN: dict[str, Any] = {"weights": "none", "unfreeze": "none", "folds": FOLDS}
# The last one's name is that of a layer which Keras makes by itself in a stack.
NAMES = ["demo-conv", "demo-conv@hidden", "add"]


@dataclass(frozen=True)
class Trained:
    folder: CompetitionFolder
    workspace: Workspace
    features: tuple[list[str], list[str]]
    stacked: StackResult


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("named")
    folder, _ = small_competition(root)
    workspace = Workspace(root / "data", root / "submissions")
    train_members(["demo-conv"], workspace=workspace, **FROZEN)
    before = sorted(path.name for path in folder.features.iterdir())
    results = train_members(["demo-conv@hidden"], hidden=5, workspace=workspace, **FROZEN)
    assert [result.name for result in results] == ["demo-conv@hidden"]
    after = sorted(path.name for path in folder.features.iterdir())
    train_members(["demo-conv"], name="add", weights="none", epochs=2, tta="flip", folds=FOLDS, workspace=workspace)
    return Trained(folder, workspace, (before, after), stack(NAMES, workspace=workspace))


@pytest.mark.parametrize("name", NAMES)
def test_a_member_has_its_own_name_and_its_backbones(trained: Trained, name: str) -> None:
    record = MemberRecord.load(trained.folder, name)
    assert (record.name, record.settings.backbone) == (name, "demo-conv")


def test_features_of_the_same_backbone_are_computed_once(trained: Trained) -> None:
    before, after = trained.features
    assert before == after
    assert len(before) == 1


def test_the_stack_is_one_file_that_repeats_the_predictions(trained: Trained) -> None:
    model = keras.saving.load_model(trained.stacked.model)
    names = {layer.name for layer in model.layers}
    assert {"demo-conv", "demo-conv.hidden", "member-add"} <= names
    pixels = np.stack([decode_photo(path, 8) for path in load_tables(trained.folder).test_paths])
    stored = np.load(trained.folder.stack(trained.stacked.name) / "predictions.npz")["test"]
    assert np.abs(model.predict(pixels, verbose=0) - stored).max() < 1e-5


def test_all_are_measured_where_they_were_trained(trained: Trained) -> None:
    found = {member.name: member for member in list_members(workspace=trained.workspace)}
    assert found.keys() == set(NAMES)
    for name, member in found.items():
        assert member.is_finished, name
        assert member.speed is not None, name
        # Too few batches to say a speed, and no single photo was timed.
        assert (member.speed.single, member.speed.photos_per_second) == (0, 0)
    # Two epochs of each fold were timed; heads on frozen features have none.
    assert [found[name].seconds_per_epoch is None for name in NAMES] == [True, True, False]
    frozen, hidden = (found[name].speed for name in NAMES[:2])
    assert frozen is not None
    assert hidden is not None
    backbone = keras.saving.load_model(trained.folder.member("demo-conv") / "backbone.keras")
    head = keras.saving.load_model(trained.folder.fold("demo-conv", 0) / "head.keras")
    assert frozen.parameters == backbone.count_params() + head.count_params() != hidden.parameters


def test_the_speed_of_a_finished_member_is_kept(trained: Trained) -> None:
    path = trained.folder.member("add") / "speed.json"
    before = path.stat().st_mtime_ns
    train_members(
        ["demo-conv"], name="add", weights="none", epochs=2, tta="flip", folds=FOLDS, workspace=trained.workspace
    )
    assert path.stat().st_mtime_ns == before


def test_other_settings_under_a_name_that_is_taken_are_refused_with_both_ways_out(trained: Trained) -> None:
    before = read_json(trained.folder.member("demo-conv@hidden") / "member.json")
    with pytest.raises(Mismatch) as refused:
        train_members(["demo-conv@hidden"], hidden=6, workspace=trained.workspace, **FROZEN)
    assert str(refused.value) == (
        "demo-conv@hidden was trained with other settings: hidden 5 (stored) / 6 (requested). Use the stored settings, "
        "train another member under its own name (members='demo-conv@LABEL', or name='NAME'), or train this one again "
        "with restart=True."
    )
    assert read_json(trained.folder.member("demo-conv@hidden") / "member.json") == before
