"""Stacks of each task, with one and two sizes of photos, loaded from one file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.jobs_here import CPU, replace_local_engine, run_here
from helpers.photos import Heard, truncate, write_csv, write_photo

from ensembler.competition.tables import load_tables
from ensembler.engines.job import Job
from ensembler.engines.local import LocalEngine
from ensembler.errors import Mismatch, UnreadablePhoto
from ensembler.members import work
from ensembler.members.features import shards
from ensembler.paths import Workspace
from ensembler.progress import Progress
from ensembler.serialization import read_arrays
from ensembler.stacking.card import attach_card
from ensembler.stacking.jobs.loaded_stack import load_stack
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.predict import predict
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Real processes train and stack real members.
pytestmark = pytest.mark.slow

LABELS = {"binary": "ab", "multiclass": "abc", "multilabel": ["a", "a b", "b c", "c"]}
OUTPUTS = {"binary": ("b",), "multiclass": ("a", "b", "c"), "multilabel": ("a", "b", "c")}
SIZES = {"one-size": (8,), "two-sizes": (8, 12)}
# Neither in the order of sizes nor in alphabetical order.
MEMBERS = {"one-size": ["demo-dense", "demo-conv"], "two-sizes": ["wide", "demo-dense"]}
ROWS = 48


@dataclass(frozen=True)
class Built:
    """A finished stack: its file, its test photos, and their stored predictions."""

    task: str
    workspace: Workspace
    name: str
    members: list[str]
    file: Path
    paths: list[Path]
    stored: np.ndarray


@pytest.fixture(scope="module", params=list(LABELS))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Workspace]:
    """Frozen random networks with fitted heads: two of 8 pixels, one of 12."""
    root = tmp_path_factory.mktemp(request.param)
    labels = LABELS[request.param]
    rows = [(str(row), labels[row % len(labels)]) for row in range(ROWS)]
    for row, _ in rows:
        write_photo(root / "photos" / f"{row}.png", int(row))
    write_csv(root / "photos" / "labels.csv", ";".join(["id,tags", *(f"{row},{label}" for row, label in rows)]))
    workspace = Workspace(root / "data", root / "submissions")
    with pytest.MonkeyPatch.context() as patch:
        replace_local_engine(patch)
        adopt(root / "photos", "made", workspace=workspace)
        common = {"weights": "none", "unfreeze": "none", "folds": 3, "workspace": workspace}
        train_members(["demo-dense", "demo-conv"], image_size=8, **common)
        train_members(["demo-conv"], name="wide", image_size=12, **common)
    return request.param, workspace


@pytest.fixture(scope="module", params=list(SIZES))
def built(request: pytest.FixtureRequest, trained: tuple[str, Workspace]) -> Built:
    task, workspace = trained
    members = MEMBERS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        replace_local_engine(patch)
        result = stack(members, name=request.param, workspace=workspace)
    folder = workspace.competition("made")
    stored = read_arrays(folder.stack(result.name) / "predictions.npz")["test"]
    return Built(task, workspace, result.name, members, result.model, load_tables(folder).test_paths, stored)


def test_a_copy_of_the_file_repeats_the_stored_predictions(built: Built, tmp_path: Path) -> None:
    loaded = load_stack(shutil.copyfile(built.file, tmp_path / "copy.keras"))
    given = loaded.predict_proba(built.paths, batch_size=4)
    outputs = OUTPUTS[built.task]
    assert loaded.classes == (("a", "b") if built.task == "binary" else outputs)
    assert given.shape == (len(built.paths), len(loaded.classes))
    assert np.abs(given[:, -len(outputs) :] - built.stored).max() < 1e-5
    assert built.task == "multilabel" or np.abs(given.sum(axis=1) - 1).max() < 1e-6
    card = loaded.card
    assert (card.task, card.outputs, card.image_sizes) == (built.task, outputs, SIZES[built.name])


def test_classes_are_those_of_the_largest_probability(built: Built, tmp_path: Path) -> None:
    loaded = load_stack(built.file)
    lost = truncate(write_photo(tmp_path / "lost.png"))
    given = loaded.predict([lost, *built.paths], skip_unreadable=True)
    if built.task == "multilabel":
        assert given[0].tolist() == [-1, -1, -1]
        assert np.array_equal(given[1:], built.stored > 0.5)
        return
    assert given[0] == ""
    second = (built.stored[:, 0] > 0.5).astype(int)
    wanted = second if built.task == "binary" else built.stored.argmax(axis=1)
    assert given[1:].tolist() == [loaded.classes[one] for one in wanted]


def test_the_card_names_the_layers_of_the_members(built: Built) -> None:
    loaded = load_stack(built.file)
    for member in loaded.card.members:
        assert loaded.network.get_layer(member.layer).input_shape == (None, member.image_size, member.image_size, 3)
    assert [member.name for member in loaded.card.members] == built.members


ELSEWHERE = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ensembler":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import keras, numpy, zipfile
from PIL import Image, ImageOps

file, *paths = sys.argv[1:]
model = keras.saving.load_model(file, safe_mode=True)
assert not model.trainable_weights
given = {}
for dtype in ("uint8", "float32"):
    rows = []
    for path in paths:
        photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        scaled = [photo.resize(tensor.shape[1:3], Image.Resampling.BILINEAR) for tensor in model.inputs]
        pixels = [numpy.asarray(photo)[None].astype(dtype) for photo in scaled]
        rows += model.predict(pixels if len(pixels) > 1 else pixels[0], verbose=0).tolist()
    given[dtype] = rows
given["outputs"] = json.loads(zipfile.ZipFile(file).read("ensembler.json"))["outputs"]
print("\\n" + json.dumps(given))
"""


def test_plain_keras_predicts_the_same_without_this_package(built: Built) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, built.file, *built.paths[:4]],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    output = json.loads(ended.stdout.splitlines()[-1])
    assert output["outputs"] == list(OUTPUTS[built.task])
    for dtype in ("uint8", "float32"):
        assert np.abs(np.array(output[dtype]) - built.stored[:4]).max() < 1e-5


def test_an_unreadable_photo_is_an_error_or_a_row_of_nan(built: Built, tmp_path: Path) -> None:
    lost = truncate(write_photo(tmp_path / "lost.png"))
    loaded, heard = load_stack(built.file), Heard()
    with pytest.raises(UnreadablePhoto, match=r"lost\.png"):
        loaded.predict_proba([*built.paths, lost])
    given = loaded.predict_proba([built.paths[0], lost, built.paths[1]], skip_unreadable=True, progress=heard)
    assert np.isnan(given[1]).all()
    assert np.abs(given[[0, 2], -built.stored.shape[1] :] - built.stored[:2]).max() < 1e-5
    assert [str(lost) in warning for warning in heard.warnings] == [True]


def test_the_workflow_predicts_files_and_folders_by_a_stacks_name(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_local_engine(monkeypatch)
    for path in built.paths[1:]:
        shutil.copyfile(path, tmp_path / path.name)
    found = predict([built.paths[0], tmp_path], stack=built.name, workspace=built.workspace)
    places = {path.name: place for place, path in enumerate(built.paths)}
    assert set(found.photos) == {built.paths[0], *(tmp_path / path.name for path in built.paths[1:])}
    rows = [places[path.name] for path in found.photos]
    assert rows[0] == 0
    assert np.abs(found.probabilities - built.stored[rows]).max() < 1e-5
    assert (found.stack, found.task, found.outputs) == (built.name, built.task, OUTPUTS[built.task])


def test_shards_of_photos_have_the_same_bits(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write_photo(tmp_path / f"{row}.png", row) for row in range(50)]
    truncate(paths[17])
    names: list[str] = []

    def run(jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        names.extend(job.name for job in jobs)
        return run_here(jobs, logs, progress)

    replace_local_engine(monkeypatch, run, CPU)
    options = {"stack": built.name, "workspace": built.workspace, "batch_size": 8}
    whole = predict(paths, **options)
    monkeypatch.setattr(work, "MIN_SHARD_WORK", 1e-9)
    monkeypatch.setattr(shards, "PHOTOS_PER_FILE", 8)
    monkeypatch.setattr(LocalEngine, "count_slots", lambda *_: 3)
    heard = Heard()
    divided = predict(paths, progress=heard, **options)
    assert names == ["predict", *(f"predict-{number}-of-3" for number in (1, 2, 3))]
    assert np.array_equal(divided.probabilities, whole.probabilities)
    assert (divided.photos, divided.unreadable) == (whole.photos, (paths[17],))
    assert [str(paths[17]) in warning for warning in heard.warnings] == [True]


def test_a_card_of_another_file_is_refused(built: Built, tmp_path: Path) -> None:
    pixels = keras.Input((9, 9, 3))
    other = keras.Model(pixels, keras.layers.Dense(7)(keras.layers.Flatten()(pixels)))
    other.save(tmp_path / "other.keras")
    attach_card(tmp_path / "other.keras", load_stack(built.file).card)
    with pytest.raises(Mismatch, match=r"has inputs of \(9,\) pixels and 7 outputs"):
        load_stack(tmp_path / "other.keras")
