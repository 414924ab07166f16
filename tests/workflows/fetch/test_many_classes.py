"""The layout of Stanford Cars: 196 classes in folders of train/ and test/, with names as people have them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.photos import Heard
from PIL import Image

from ensembler.competition.csv_tables import read_table
from ensembler.competition.tables import load_tables
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.results import PreparedCompetition
from ensembler.workflows.stack import stack
from ensembler.workflows.submit.score import score
from ensembler.workflows.train.train import train_members

CLASSES, TRAINING, TEST = 196, 4, 1
# The class "Ram C/V Cargo Van Minivan 2012", whose slash cannot be in the name of a folder, as copies of the data have
# it: removed, replaced, percent-encoded, or by the division slash and the fullwidth solidus.
ESCAPED = ("Ram C-V 2012", "Ram C_V 2012", "Ram C%2FV 2012", "Ram C\u2215V 2012", "Ram C\uff0fV 2012", "Ram CV 2012")
ODD = (*ESCAPED, "AM General Hummer SUV 2000", "smart fortwo 2012", "Audi S4, 2007", "Rolls 'Drophead' #1 [2012]")
_REGULAR = (f"Make {number // 7} Model {number} Sedan {1991 + number % 22}" for number in range(CLASSES - len(ODD)))
NAMES = (*ODD, *_REGULAR)


@dataclass(frozen=True)
class Cars:
    root: Path
    workspace: Workspace
    folder: CompetitionFolder
    result: PreparedCompetition
    warnings: list[str]


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> Cars:
    """Photos of 8 pixels, whose colours tell the class."""
    root = tmp_path_factory.mktemp("cars")
    colours = np.random.default_rng(0).integers(0, 256, (CLASSES, 2, 2, 3))
    noise = np.random.default_rng(1)
    for number, name in enumerate(NAMES):
        for row in range(TRAINING + TEST):
            place = root / "car_data" / ("train" if row < TRAINING else "test") / name / f"{number:03}{row:02}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.clip(colours[number] + noise.integers(-25, 26, (2, 2, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).resize((8, 8), Image.Resampling.NEAREST).save(place)
    workspace, heard = Workspace(root / "data", root / "submissions"), Heard()
    result = adopt(root / "car_data", "cars", workspace=workspace, progress=heard)
    return Cars(root, workspace, workspace.competition("cars"), result, heard.warnings)


def test_classes_are_named_as_their_folders(cars: Cars) -> None:
    manifest = cars.result.manifest
    assert (manifest.task, manifest.train.folder, manifest.test.folder) == ("multiclass", "train", "test")
    assert set(manifest.classes) == set(NAMES)
    assert len(manifest.classes) == CLASSES
    assert (cars.result.training, cars.result.test) == (CLASSES * TRAINING, CLASSES * TEST)
    counts = load_tables(cars.folder).train["label"].value_counts()
    assert counts.to_dict() == dict.fromkeys(NAMES, TRAINING)


def test_each_class_has_a_column(cars: Cars) -> None:
    sample = read_table(Path(cars.result.manifest.answer.sample))
    assert list(sample.columns) == ["id", *cars.result.manifest.classes]
    assert len(sample) == CLASSES * TEST


def test_what_test_folders_tell_is_kept_apart(cars: Cars) -> None:
    hidden = read_table(cars.folder.solution)
    table = pd.DataFrame({"id": hidden["id"], "folder": hidden["id"].str.split("/").str[1], "label": hidden["label"]})
    assert (table["folder"] == table["label"]).all()
    assert set(table["label"]) == set(NAMES)
    assert "label" not in load_tables(cars.folder).test


@pytest.mark.slow
def test_train_stack_and_score(cars: Cars) -> None:
    options = {"weights": "none", "unfreeze": "none", "folds": 2, "workspace": cars.workspace}
    train_members(["demo-dense", "demo-conv"], **options)  # type: ignore[arg-type]
    made = stack(meta="greedy", workspace=cars.workspace)
    answer = read_table(made.submission)
    assert list(answer.columns) == ["id", *cars.result.manifest.classes]
    found = score(workspace=cars.workspace)
    # Chance is 0.005.
    assert found.accuracy > 0.3
    assert found.log_loss is not None
    assert found.log_loss < np.log(CLASSES)
