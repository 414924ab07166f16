"""Members with every ingredient, trained in real processes on small photos, stacked, and read back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from helpers.members_made import record_of
from helpers.two_classes import write_photos

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.tables import load_tables
from ensembler.images.decoding import decode_photo
from ensembler.members.fine_tuning.jobs.fine_tune import fine_tune
from ensembler.members.records import MemberRecord, load_fold
from ensembler.members.training_job import TrainingJob
from ensembler.options.declared import TrainingOptions
from ensembler.options.resolve import choose_settings
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import SILENT
from ensembler.serialization import convert_to_plain
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.results import StackResult
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Real processes train real members.
pytestmark = pytest.mark.slow

FOLDS = 2
OWN = """
from ensembler.serialization import convert_to_plain
import keras

def build(input_shape):
    keras.utils.set_random_seed(4)
    pixels = keras.Input(input_shape)
    return keras.Model(pixels, keras.layers.Conv2D(16, 3, activation="relu")(pixels))
"""


@dataclass(frozen=True)
class Small:
    workspace: Workspace
    folder: CompetitionFolder
    weights: str


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    root = tmp_path_factory.mktemp("ingredients")
    workspace = Workspace(root / "data", root / "submissions")
    adopt(write_photos(root / "photos", 60, told=True), "small", workspace=workspace)
    (root / "weights").mkdir()
    for name in ("demo-conv", "demo-dense", "demo-separable"):
        network = build_backbone(find_backbone(name), 8, "none", 5).layers[2]
        network.save_weights(root / "weights" / f"{name}.weights.h5")
    return Small(workspace, workspace.competition("small"), str(root / "weights"))


def made(small: Small, member: str, **options: Any) -> StackResult:
    train_members([member], weights=small.weights, folds=FOLDS, workspace=small.workspace, **options)
    return stack([member], workspace=small.workspace)


def history_of(small: Small, member: str) -> pd.DataFrame:
    return pd.read_csv(small.folder.fold(member, 0) / "history.csv")


def test_a_frozen_member_with_views_and_a_hidden_layer(small: Small) -> None:
    result = made(
        small,
        "demo-conv",
        unfreeze="none",
        flips=True,
        tta="crops",
        hidden=6,
        dropout=0.1,
        pooling="max",
        class_weights="balanced",
    )
    assert result.difference < 1e-5
    member = keras.saving.load_model(result.model).get_layer("demo-conv")
    names = [layer.name for layer in member.layers]
    assert [name for name in names if name == "demo-conv" or name.startswith("fold_")] == [
        "demo-conv",
        "fold_0",
        "fold_1",
    ]
    assert len(list(small.folder.features.glob("demo-conv-*.npy"))) == 10
    assert history_of(small, "demo-conv")["epochs"].iloc[0] >= 1


def test_a_fine_tuned_member_with_every_ingredient(small: Small) -> None:
    result = made(
        small,
        "demo-separable",
        phases=["none epochs=1 learning-rate=1e-2", "last:2 epochs=3 learning-rate=5e-3 batch-norm=train"],
        flips=True,
        tta="flip",
        hidden=6,
        dropout=0.1,
        pooling="max",
        augmentation="strong",
        label_smoothing=0.05,
        class_weights="balanced",
        weight_decay=0.01,
        clip_norm=1.0,
        first_block_rate=0.1,
        ema=0.9,
        patience=2,
        precision="bfloat16",
        batch_size=16,
    )
    assert result.difference < 1e-5
    history = history_of(small, "demo-separable")
    assert history["phase"].tolist()[0] == "none"
    assert set(history["phase"][1:]) == {"last:2"}
    assert history["val_log_loss"].notna().all()
    assert history["held_out_log_loss"].notna().all()
    assert set(history["precision"]) == {"bfloat16"}
    loaded = keras.saving.load_model(small.folder.fold("demo-separable", 0) / "model.keras")
    assert {layer.compute_dtype for layer in loaded.layers[1].layers} == {"float32"}
    # Members that learn in float32 share them.
    features = [np.load(path) for path in small.folder.features.glob("demo-separable-*.npy")]
    assert {array.dtype for array in features} == {np.dtype("float32")}
    assert_held_out_photos_are_as_they_are(small, loaded)


def assert_held_out_photos_are_as_they_are(small: Small, model: Any) -> None:
    """What was stored is what the fold's network says of photos that nothing was done to but the views asked for."""
    tables = load_tables(small.folder)
    stored, _ = load_fold(small.folder, MemberRecord.load(small.folder, "demo-separable"), 0)
    path_of = dict(zip(tables.train["id"], tables.train_paths, strict=True))
    photos = np.stack([decode_photo(path_of[name], 8) for name in stored.held_out_ids])
    expected = np.mean([model.predict(view, verbose=0) for view in (photos, photos[:, :, ::-1])], axis=0)
    assert stored.held_out == pytest.approx(expected, abs=1e-5)


# Head then everything; blocks and BatchNormalization then everything; everything from the start under a random head.
SCHEDULES = {
    "head first": {"phases": ["none epochs=1 learning-rate=1e-3", "all epochs=2 learning-rate=1e-4"]},
    "blocks first": {
        "phases": [
            "from:block14 epochs=1 learning-rate=1e-3 batch-norm=train",
            "all epochs=1 learning-rate=1e-4 batch-norm=train",
        ]
    },
    "all at once": {"unfreeze": "all", "epochs": 2, "learning_rate": 1e-4},
}


@pytest.mark.slow
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_the_articles_schedules_run_to_the_end(small: Small, schedule: dict[str, Any]) -> None:
    options: TrainingOptions = {"weights": "none", "head": "random", "image_size": 32, **schedule}  # type: ignore[typeddict-item]
    settings, weights = choose_settings(find_backbone("mobilenetv2-0.35"), options)
    tables = load_tables(small.folder)
    load_or_make_folds(small.folder, tables, FOLDS)
    record = replace(record_of(small.folder, tables, "scheduled"), settings=settings, folds_count=FOLDS)
    record.save(small.folder)
    fine_tune(convert_to_plain(TrainingJob(small.folder, "scheduled", (0,), weights)), SILENT)
    history = history_of(small, "scheduled")
    phases = schedule.get("phases", ["all"])
    assert history["phase"].unique().tolist() == [phase.split()[0] for phase in phases]
    assert record.is_finished(small.folder, 0)
    shutil.rmtree(small.folder.member("scheduled"))


@pytest.mark.parametrize("kind", ["function", "file"])
def test_a_backbone_of_ones_own_becomes_a_member(
    small: Small, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mynets.py").write_text(OWN)
    source = "mynets:build,size=8"
    if kind == "file":
        build_backbone(find_backbone("demo-dense"), 8, "none", 5).save(tmp_path / "net.keras")
        source = f"{tmp_path / 'net.keras'}"
    name = f"own-{kind}"
    result = made(small, name, backbones=[f"{name}={source}"], unfreeze="none", tta="flip")
    assert result.difference < 1e-5
    settings = MemberRecord.load(small.folder, name).settings
    assert settings.builder == ("mynets:build" if kind == "function" else "file")
    assert keras.saving.load_model(result.model).get_layer(name)
