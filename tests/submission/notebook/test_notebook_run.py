"""The notebook as Kaggle runs it: another environment, no network, photos and dataset mounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Demo
from helpers.photos import Heard, truncate

from ensembler.competition.csv_tables import read_table
from ensembler.competition.tables import compute_prior, load_tables
from ensembler.submission.notebook.bundle import is_list_name
from ensembler.submission.notebook.folder import NotebookFolder, write_notebook
from ensembler.submission.notebook.jobs.offline import answer_offline

# Real processes train and stack real members.
pytestmark = pytest.mark.slow

# What the environment of these tests has, and Kaggle's image has not.
NOT_IN_THE_IMAGE = (
    "ensembler",
    "__editable__",
    "tomli_w",
    "keras",
    "msgspec",
    "_pytest",
    "pytest",
    "pip",
    "setuptools",
)
SOCKETS_BLOCKED = """
import socket

def refuse(*_, **__):
    raise OSError("the internet is off")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = refuse
"""
RUN = """
import json, sys
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile(cell["source"], cell["id"], "exec"), globals())
import socket
try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    blocked = str(error)
places = {name: sys.modules[name].__file__ for name in ("ensembler", "keras", "tensorflow")}
json.dump({"blocked": blocked, **places}, open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def written(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> NotebookFolder:
    tables = load_tables(demo.folder)
    place = tmp_path_factory.mktemp("written") / "out"
    return write_notebook(demo.folder, tables, demo.stacked.name, place, owner="me", gpu=False)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Plays what Kaggle's image has installed: no package of ours, and a Keras that is too old."""
    image = tmp_path / "image"
    image.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(NOT_IN_THE_IMAGE) and path.suffix != ".pth":
            (image / path.name).symlink_to(path)
    old = image / "keras-3.6.0.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.6.0\n")
    (old / "RECORD").write_text("keras-3.6.0.dist-info/METADATA,,\nkeras-3.6.0.dist-info/RECORD,,\n")
    (image / "keras").mkdir()
    (image / "keras" / "__init__.py").write_text("raise ImportError('This Keras is too old.')\n")
    return image


@pytest.fixture
def python(tmp_path: Path, image: Path) -> Path:
    """A fresh virtual environment upon the image, its sockets blocked."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    packages = Path(asked.stdout.strip())
    (packages / "image.pth").write_text(f"{image}\n")
    (packages / "sitecustomize.py").write_text(SOCKETS_BLOCKED)
    return python


def mount(root: Path, demo: Demo, written: NotebookFolder) -> Path:
    (root / "competitions").mkdir(parents=True)
    (root / "datasets" / "me").mkdir(parents=True)
    (root / "competitions" / "digits").symlink_to(demo.folder.extracted)
    (root / "datasets" / "me" / written.slug).symlink_to(written.dataset)
    return root


def assert_same_numbers(answer: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(answer.columns) == list(expected.columns)
    assert answer["id"].tolist() == expected["id"].tolist()
    given, wanted = (table.iloc[:, 1:].astype(float).to_numpy() for table in (answer, expected))
    assert np.abs(given - wanted).max() < 1e-5


def test_the_notebook_gives_our_own_answer(demo: Demo, written: NotebookFolder, python: Path, tmp_path: Path) -> None:
    inputs = mount(tmp_path / "input", demo, written)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    places = {"ENSEMBLER_KAGGLE_INPUT": str(inputs), "ENSEMBLER_KAGGLE_OUTPUT": str(tmp_path / "submission.csv")}
    ended = subprocess.run(
        [python, "-c", RUN, str(written.code), str(tmp_path / "told.json")],
        env={**kept, **places},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["blocked"] == "the internet is off"
    fresh, image = str(tmp_path / "venv"), str(tmp_path / "image")
    assert [told[name].startswith(fresh) for name in ("ensembler", "keras")] == [True, True]
    assert told["tensorflow"].startswith((image, sysconfig.get_path("purelib")))
    assert_same_numbers(read_table(tmp_path / "submission.csv"), read_table(demo.stacked.submission))
    assert "predict photos: 360 photos" in ended.stdout
    assert f"id,{','.join('0123456789')}" in ended.stdout


def test_hidden_photos_are_answered_by_the_mounted_sample(demo: Demo, written: NotebookFolder, tmp_path: Path) -> None:
    own = read_table(demo.stacked.submission)
    hidden = own.iloc[::-7].reset_index(drop=True)
    root = tmp_path / "competitions" / "digits"
    (root / "test").mkdir(parents=True)
    tables = load_tables(demo.folder)
    for identity in hidden["id"]:
        name = Path(tables.test.set_index("id").loc[identity, "path"]).name
        (root / "test" / name).write_bytes((demo.folder.extracted / "test" / name).read_bytes())
    truncate(root / "test" / f"{hidden['id'][0]}.png")
    (root / "test" / f"{hidden['id'][1]}.png").unlink()
    hidden.assign(**dict.fromkeys("0123456789", "0.1")).to_csv(root / "sample_submission.csv", index=False)
    progress = Heard()
    listed = next(path for path in written.dataset.iterdir() if is_list_name(path.name))
    answer = read_table(answer_offline(listed, tmp_path, tmp_path / "submission.csv", progress=progress))
    assert answer["id"].tolist() == hidden["id"].tolist()
    assert_same_numbers(answer.iloc[2:], hidden.iloc[2:])
    even = compute_prior(tables.targets)
    assert answer.iloc[:2, 1:].astype(float).to_numpy() == pytest.approx(np.tile(even / even.sum(), (2, 1)), abs=1e-8)
    assert any("2 photos missing or unreadable" in warning for warning in progress.warnings)
