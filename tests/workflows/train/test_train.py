"""Members trained in real processes on small photos made here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from helpers.two_classes import write_photos
from sklearn.metrics import roc_auc_score

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.metrics.metrics import log_loss
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, EnsemblerError, Mismatch
from ensembler.images.decoding import decode_photo
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.storage import compute_file_digest
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.results import StackResult
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Real processes train and stack real members.
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Small:
    workspace: Workspace
    folder: CompetitionFolder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A small competition with one frozen member of given weights and one of another size."""
    root = tmp_path_factory.mktemp("small")
    workspace = Workspace(root / "data", root / "submissions")
    adopt(write_photos(root / "photos", 80, told=True), "small", workspace=workspace)
    weights = root / "weights"
    weights.mkdir()
    for name in ("demo-conv", "demo-dense"):
        network = build_backbone(find_backbone(name), 8, "none", 5).layers[2]
        network.save_weights(weights / f"{name}.weights.h5")
    results = train_members(["demo-conv"], weights=str(weights), unfreeze="none", folds=4, workspace=workspace)
    assert results[0].log_loss < 0.6
    return Small(workspace, workspace.competition("small"))


def test_a_frozen_member_keeps_its_backbone_once(small: Small) -> None:
    place = small.folder.member("demo-conv")
    files = sorted(path.relative_to(place).as_posix() for path in place.rglob("*.keras"))
    assert files == ["backbone.keras", *(f"fold-{fold}/head.keras" for fold in range(4))]


@pytest.fixture(scope="module")
def single(small: Small) -> StackResult:
    """A stack of one member, made while the competition's metric is another than log loss."""
    content = small.folder.manifest.read_text()
    assert 'metric = "log loss"' in content
    small.folder.manifest.write_text(content.replace('metric = "log loss"', 'metric = "roc auc"'))
    try:
        return stack(["demo-conv"], name="single", workspace=small.workspace)
    finally:
        small.folder.manifest.write_text(content)


def test_stack_keras_holds_a_frozen_backbone_once_and_repeats_the_predictions(
    small: Small, single: StackResult
) -> None:
    model = keras.saving.load_model(single.model)
    member = model.get_layer("demo-conv")
    backbones = [layer for layer in member.layers if layer.name == "demo-conv"]
    heads = [layer.name for layer in member.layers if layer.name.startswith("fold_")]
    assert len(backbones) == 1
    assert heads == ["fold_0", "fold_1", "fold_2", "fold_3"]
    pixels = np.stack([decode_photo(path, 8) for path in load_tables(small.folder).test_paths])
    stored = np.load(small.folder.stack("single") / "predictions.npz")["test"]
    assert np.abs(model.predict(pixels, verbose=0) - stored).max() < 1e-5


def test_a_stack_is_judged_by_the_competitions_metric(small: Small, single: StackResult) -> None:
    targets = load_tables(small.folder).targets
    stored = np.load(small.folder.stack("single") / "predictions.npz")["out_of_fold"]
    assert single.metric == "roc auc"
    assert single.score == pytest.approx(roc_auc_score(targets, stored))
    assert single.log_loss == pytest.approx(log_loss(targets, stored, multiclass=False))
    assert 0 < single.log_loss_error < single.log_loss
    figures = read_json(small.folder.stack("single") / "stack.json")
    assert figures["sha256"] == compute_file_digest(single.submission)
    for name in ("metric", "score", "standard_error", "log_loss", "log_loss_error", "accuracy"):
        assert figures[name] == getattr(single, name)
        assert figures["mean"][name] == getattr(single.mean, name)
        assert figures["members"][0][name] == getattr(single.members[0], name)
    assert figures["members"][0]["name"] == "demo-conv"
    assert figures["members"][0]["fingerprint"] == MemberRecord.load(small.folder, "demo-conv").fingerprint


def test_members_of_two_sizes_make_a_stack_of_two_inputs(small: Small) -> None:
    train_members(["demo-dense"], weights="none", unfreeze="none", folds=4, image_size=12, workspace=small.workspace)
    result = stack(["demo-conv", "demo-dense"], workspace=small.workspace)
    model = keras.saving.load_model(result.model)
    assert [tensor.name for tensor in model.inputs] == ["pixels_8", "pixels_12"]
    tables = load_tables(small.folder)
    pixels = [np.stack([decode_photo(path, size) for path in tables.test_paths]) for size in (8, 12)]
    stored = np.load(small.folder.stack(result.name) / "predictions.npz")["test"]
    assert np.abs(model.predict(pixels, verbose=0) - stored).max() < 1e-5


def test_a_finished_fold_is_not_trained_again_and_a_lost_one_is(small: Small) -> None:
    arguments = {"weights": str(small.workspace.data.parent / "weights"), "unfreeze": "none", "folds": 4}
    place = small.folder.member("demo-conv")
    kept, lost = place / "fold-0" / "fold.json", place / "fold-2" / "fold.json"
    time, before = kept.stat().st_mtime_ns, np.load(lost.parent / "predictions.npz")["held_out"]
    lost.unlink()
    train_members(["demo-conv"], workspace=small.workspace, **arguments)  # type: ignore[arg-type]
    assert kept.stat().st_mtime_ns == time
    assert np.array_equal(np.load(lost.parent / "predictions.npz")["held_out"], before)


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"image_size": 16}, Mismatch, r"image_size 8 \(stored\) / 16 \(requested\)"),
        ({"folds": 5}, Mismatch, "contains 4 folds instead of 5"),
        ({"repeats": 2}, Mismatch, "contains 1 repeat instead of 2"),
        ({"folds": 0}, BadChoice, "folds must be a whole number, at least 1"),
        ({"batch_size": 0}, BadChoice, "batch_size must be a whole number, at least 1"),
        ({"weights": "nowhere"}, BadChoice, r"The folder /.*/nowhere does not exist"),
        ({"weights": "imagenet"}, BadChoice, "no ImageNet weights"),
        ({"members": ["demo-cnov"]}, BadChoice, "did you mean demo-conv"),
        ({"members": ["demo-conv", "demo-conv"]}, BadChoice, "each member once"),
        ({"members": ["demo-separable"]}, BadChoice, "contains weights of demo-conv, demo-dense"),
        ({"competition": "smal"}, BadChoice, "did you mean small"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(
    small: Small, changed: dict[str, object], kind: type[EnsemblerError], words: str
) -> None:
    arguments: dict[str, object] = {
        "members": ["demo-conv"],
        "weights": str(small.workspace.data.parent / "weights"),
        "unfreeze": "none",
        "folds": 4,
        **changed,
    }
    before = sorted(small.folder.root.rglob("*"))
    with pytest.raises(kind, match=words):
        train_members(workspace=small.workspace, **arguments)  # type: ignore[arg-type]
    assert sorted(small.folder.root.rglob("*")) == before


def test_weights_that_do_not_fit_are_told_by_the_job(small: Small, tmp_path: Path) -> None:
    wrong = tmp_path / "demo-separable.weights.h5"
    wrong.write_bytes((small.workspace.data.parent / "weights" / "demo-dense.weights.h5").read_bytes())
    with pytest.raises(BadChoice, match="do not fit demo-separable"):
        train_members(["demo-separable"], weights=str(tmp_path), unfreeze="none", folds=4, workspace=small.workspace)
    result = stack(workspace=small.workspace)
    assert "demo-separable" not in [member.name for member in result.members]


def test_changed_labels_make_members_useless(small: Small, tmp_path: Path) -> None:
    table = small.folder.train
    content = table.read_text()
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        rows.loc[0, "label"] = "a" if rows.loc[0, "label"] == "b" else "b"
        table.write_text(rows.to_csv(index=False))
        with pytest.raises(Mismatch, match="other photos or labels"):
            stack(["demo-conv"], workspace=small.workspace)
    finally:
        table.write_text(content)


@pytest.mark.parametrize("name", ["demo-cnv", "b0"])
def test_only_trained_members_can_be_stacked(small: Small, name: str) -> None:
    with pytest.raises(BadChoice, match="trained member"):
        stack([name], workspace=small.workspace)


def test_a_network_that_memorises_its_rows_knows_nothing_of_those_held_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Truth 1, by the only proof there is: labels are coin tosses, so whoever scores well has seen them."""
    adopt(write_photos(tmp_path / "photos", 100, told=False), "noise", workspace=workspace)
    result = train_members(["demo-dense"], weights="none", folds=2, epochs=40, workspace=workspace)[0]
    history = pd.read_csv(workspace.competition("noise").fold("demo-dense", 0) / "history.csv")
    assert history["training_loss"].iloc[-1] < 0.2
    assert result.log_loss > 0.65


def test_the_same_seed_gives_the_same_member_and_csv(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40, told=True)
    found = []
    for run in ("first", "second"):
        workspace = Workspace(tmp_path / run / "data", tmp_path / run / "submissions")
        adopt(photos, "same", workspace=workspace)
        train_members(["demo-dense"], weights="none", folds=2, epochs=2, workspace=workspace)
        result = stack(workspace=workspace)
        folder = workspace.competition("same")
        predictions = np.load(folder.fold("demo-dense", 1) / "predictions.npz")["held_out"]
        found.append((folder.folds.read_bytes(), predictions.tobytes(), result.submission.read_bytes()))
    assert found[0] == found[1]
