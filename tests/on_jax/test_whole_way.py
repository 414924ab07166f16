"""From photos to predictions by the commands of a user, on JAX alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest
from helpers.command_line import ensembler
from helpers.two_classes import write_photos

FROZEN, TUNED = "demo-conv", "demo-dense"
TRAINING = ("train-members", "--folds", "2", "--weights", "none", "--batch-size", "16", "--seed", "1")
TUNING = (*TRAINING, "--members", TUNED, "--unfreeze", "all", "--epochs", "2", "--tensorboard")

Run = Callable[..., CompletedProcess[str]]


def run_in(folder: Path, *words: str, **environment: str) -> CompletedProcess[str]:
    """Run a command in which Keras finds its backend by itself."""
    return ensembler(*words, folder=folder, KERAS_BACKEND="", **environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a frozen and a fine-tuned member, and their stack."""
    folder = tmp_path_factory.mktemp("workspace")
    write_photos(folder / "photos", 48, told=True)
    for words in (
        ("adopt", "photos", "--name", "two"),
        (*TRAINING, "--members", FROZEN, "--unfreeze", "none"),
        TUNING,
        ("stack", "--name", "both"),
    ):
        ended = run_in(folder, *words)
        assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    def run(*words: str, code: int = 0, **environment: str) -> CompletedProcess[str]:
        ended = run_in(folder, *words, **environment)
        assert ended.returncode == code, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    return run


def member(folder: Path, name: str) -> Path:
    return folder / "data" / "two" / "members" / name


def test_records_name_the_backend(folder: Path) -> None:
    for name in (FROZEN, TUNED):
        assert json.loads((member(folder, name) / "member.json").read_text())["backend"] == "jax"
        for fold in (0, 1):
            versions = json.loads((member(folder, name) / f"fold-{fold}" / "fold.json").read_text())["versions"]
            assert versions["jax"] == version("jax")
            assert "tensorflow" not in versions


def test_the_stack_predicts_the_photos_of_its_csv(folder: Path, run: Run) -> None:
    csv = next((folder / "submissions" / "two").glob("*both.csv"))
    answer = pd.read_csv(csv, dtype={0: str})
    photos = [
        next((folder / "photos").glob(f"*/{row}.png"))
        for row in answer.iloc[:, 0].str.rpartition("/")[2].str.removesuffix(".png")
    ]
    run("predict", *map(str, photos), "--stack", "both", "-o", "predicted.csv")
    predicted = pd.read_csv(folder / "predicted.csv")
    assert predicted.iloc[:, -1].to_numpy() == pytest.approx(answer.iloc[:, -1].to_numpy(), abs=1e-5)


def test_a_fold_that_is_trained_again_has_the_same_bits(folder: Path, run: Run) -> None:
    place = member(folder, TUNED) / "fold-1"
    first = (place / "predictions.npz").read_bytes()
    shutil.rmtree(place)
    assert "fold 0" not in run(*TUNING).stderr, "a finished fold is not trained again"
    assert (place / "predictions.npz").read_bytes() == first


def test_tensorboard_has_a_file_for_each_fold(folder: Path) -> None:
    found = (folder / "data" / "two" / "logs" / "tensorboard" / TUNED).glob("fold-*/events.out.tfevents.*")
    assert {path.parent.name for path in found} == {"fold-0", "fold-1"}


def test_photos_are_explained(folder: Path, run: Run) -> None:
    photo = next((folder / "photos").glob("a/*.png"))
    run("explain", str(photo), "--stack", "both", "--output", "explained")
    assert list((folder / "explained").rglob("*.png"))


@pytest.mark.parametrize("command", ["status", "config"])
def test_the_backend_and_the_device_are_told(command: str, run: Run) -> None:
    assert f"Keras {version('keras')} on JAX {version('jax')}, CPU" in run(command).stdout


@pytest.mark.parametrize(
    "words",
    [("members",), ("folds",), ("backbones",), ("check",), ("report",), ("score",), ("layout",)],
    ids=lambda words: words[0],
)
def test_other_commands_work(words: tuple[str, ...], run: Run) -> None:
    run(*words)


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (("export", "--output", "x"), {}, "cannot be exported: tensorflow"),
        (TRAINING, {"KERAS_BACKEND": "tensorflow"}, "tensorflow, which is not installed: run pip install"),
        (("predict", "photos", "-o", "x.csv"), {"KERAS_BACKEND": "torch"}, "choose tensorflow or jax"),
    ],
    ids=["export", "another backend", "an unknown backend"],
)
def test_what_is_impossible_is_one_sentence(
    words: tuple[str, ...], environment: dict[str, str], sentence: str, folder: Path, run: Run
) -> None:
    words = (*words, "--members", "demo-conv@x") if words == TRAINING else words
    ended = ensembler(*words, folder=folder, **{"KERAS_BACKEND": "", **environment})
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not member(folder, "demo-conv@x").exists()
    assert not list(folder.glob("x*"))


def test_tensorflow_is_absent() -> None:
    with pytest.raises(ImportError):
        __import__("tensorflow")
