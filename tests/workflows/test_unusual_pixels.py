"""Cut-outs and photos of 12 bits from the archive to the answer: every way to decode them gives the same pixels."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.photos import Heard, pixels, zip_bytes
from PIL import Image

from ensembler.competition.csv_tables import read_table
from ensembler.competition.layout.hints import Hints
from ensembler.competition.manifest import Manifest
from ensembler.competition.pixels import PixelRule
from ensembler.competition.tables import load_tables
from ensembler.images.decoding import decode_photo
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_arrays
from ensembler.stacking.jobs.loaded_stack import load_stack
from ensembler.submission.notebook.bundle import is_list_name
from ensembler.submission.notebook.folder import write_notebook
from ensembler.submission.notebook.jobs.offline import answer_offline
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.results import StackResult
from ensembler.workflows.stack import stack
from ensembler.workflows.train.preview import show_augmented
from ensembler.workflows.train.train import train_members

# Real networks are trained and stacked.
pytestmark = pytest.mark.slow

ROWS = 30
RULE = PixelRule("white", unsigned=(0, 4095))
PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"


def photo_bytes(seed: int) -> bytes:
    """A cut-out, a grey photo of 12 bits, or an ordinary photo."""
    colours = pixels(seed, (40, 40))
    if seed % 3 == 0:
        photo = Image.new("RGB", (40, 40))
        photo.putalpha(Image.fromarray(colours[..., 0]))
    elif seed % 3 == 1:
        photo = Image.fromarray((colours[..., 0] * (4095 / 255)).astype(np.uint16))
    else:
        photo = Image.fromarray(colours)
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True)
class Built:
    """A competition of unusual photos with a finished stack."""

    workspace: Workspace
    folder: CompetitionFolder
    result: StackResult
    stored: np.ndarray


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("unusual")
    train = {f"train/{'cat' if row % 2 else 'dog'}.{row}.png": photo_bytes(row) for row in range(ROWS)}
    test = {f"test/{row}.png": photo_bytes(100 + row) for row in range(9)}
    sample = "id,label\n" + "".join(f"{row},0.5\n" for row in range(9))
    (root / "made.zip").write_bytes(zip_bytes({**train, **test, "sample_submission.csv": sample}))
    workspace = Workspace(root / "data", root / "submissions")
    with pytest.MonkeyPatch.context() as patch:
        replace_local_engine(patch)
        fetch("cut-outs", archive=root / "made.zip", hints=Hints(positive="dog"), workspace=workspace)
        options = {"weights": "none", "folds": 3, "image_size": 8, "workspace": workspace}
        train_members(["demo-dense"], unfreeze="none", **options)
        train_members(["demo-conv"], epochs=1, **options)
        result = stack(["demo-dense", "demo-conv"], workspace=workspace)
    folder = workspace.competition("cut-outs")
    stored = read_arrays(folder.stack(result.name) / "predictions.npz")["test"]
    return Built(workspace, folder, result, stored)


def test_the_stack_repeats_the_stored_predictions(built: Built) -> None:
    tables = load_tables(built.folder)
    assert tables.manifest.pixels == RULE
    loaded = load_stack(built.result.model)
    assert loaded.card.pixel_rule == RULE
    heard = Heard()
    given = loaded.predict_proba(tables.test_paths, progress=heard)
    assert np.abs(given[:, 1:] - built.stored).max() < 1e-5
    assert heard.warnings == []


def test_the_notebook_repeats_the_submission(built: Built, tmp_path: Path) -> None:
    written = write_notebook(
        built.folder, load_tables(built.folder), built.result.name, tmp_path / "out", owner="me", gpu=False
    )
    (tmp_path / "competitions").mkdir()
    (tmp_path / "competitions" / "cut-outs").symlink_to(built.folder.extracted)
    listed = next(path for path in written.dataset.iterdir() if is_list_name(path.name))
    heard = Heard()
    answer = read_table(answer_offline(listed, tmp_path, tmp_path / "submission.csv", progress=heard))
    expected = read_table(built.result.submission)
    assert answer["id"].tolist() == expected["id"].tolist()
    assert answer["label"].astype(float).to_numpy() == pytest.approx(expected["label"].astype(float), abs=1e-5)
    assert heard.warnings == []


def test_the_lines_of_the_document_give_the_same_pixels(built: Built) -> None:
    [lines] = re.findall(r"```python\n(import json.*?)\n\nmodel = ", PAGE.read_text("utf-8"), re.DOTALL)
    scope: dict = {}
    exec(re.sub(r'file = ".*"', f"file = {str(built.result.model)!r}", lines), scope)
    for path in load_tables(built.folder).test_paths:
        np.testing.assert_array_equal(scope["decode"](path, 8), decode_photo(path, 8, RULE))
    model = keras.saving.load_model(built.result.model)
    batch = np.stack([scope["decode"](path, 8) for path in load_tables(built.folder).test_paths])
    assert np.abs(model.predict(batch, verbose=0) - built.stored).max() < 1e-5


def test_the_sheet_of_augmented_photos_shows_them(built: Built, tmp_path: Path) -> None:
    drawn = show_augmented(
        tmp_path / "sheet.png", ["demo-conv"], competition="cut-outs", image_size=8, workspace=built.workspace
    )
    assert drawn.file.is_file()


def test_the_notebook_reads_the_rule_without_msgspec(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Manifest.load(built.folder.manifest)
    monkeypatch.setitem(__import__("sys").modules, "msgspec", None)
    assert Manifest.load(built.folder.manifest) == expected
