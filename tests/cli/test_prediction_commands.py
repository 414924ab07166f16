"""The command with the work left out: what is written where, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ensembler.cli import commands
from ensembler.errors import Interrupted
from ensembler.workflows.predict import Predictions
from ensembler.workflows.turn import TurnedPhoto, TurnedPhotos

# A name whose last byte is no letter, as Linux allows.
ODD = "a\udcff.png"


def found(*unreadable: str) -> Predictions:
    lost = tuple(map(Path, unreadable))
    return Predictions("both", "binary", ("dog",), (Path(ODD),), np.array([[0.5]], np.float32), lost)


def typed(monkeypatch: pytest.MonkeyPatch, result: Predictions | BaseException, *words: str) -> Result:
    def run(photos: tuple[Path, ...], **options: Any) -> Predictions:
        assert photos == (Path("photos"),)
        assert options.keys() >= {"stack", "model", "competition", "batch_size", "workspace", "progress"}
        if isinstance(result, BaseException):
            raise result
        return result

    monkeypatch.setattr("ensembler.workflows.predict.predict", run)
    return CliRunner().invoke(commands, ["predict", "photos", *words])


def test_the_csv_goes_to_standard_output_with_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = typed(monkeypatch, found())
    assert (ended.exit_code, ended.stdout_bytes) == (0, b"photo,dog\na\xff.png,0.5\n")


@pytest.mark.parametrize("as_json", [False, True])
def test_output_goes_to_a_file_in_a_new_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, as_json: bool
) -> None:
    file = tmp_path / "new" / "file"
    ended = typed(monkeypatch, found(), "-o", str(file), *(["--json"] if as_json else []))
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert json.loads(file.read_text())["outputs"] == ["dog"] if as_json else file.read_bytes().startswith(b"photo,dog")
    assert list(file.parent.iterdir()) == [file]


def test_photos_that_are_left_out_are_exit_code_1_and_the_rest_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = typed(monkeypatch, found("1.png", "2.png"))
    assert ended.exit_code == 1
    assert ended.stdout_bytes.startswith(b"photo,dog\na")
    assert ended.stderr == "Error: Left out 2 of 3 photos, which cannot be decoded: replace or remove them.\n"


def test_an_interruption_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("as it was")
    ended = typed(monkeypatch, Interrupted("after 32 of 64 photos"), "-o", str(file))
    assert (ended.exit_code, ended.stdout, ended.stderr) == (130, "", "Interrupted; nothing was written.\n")
    assert file.read_text() == "as it was"


def test_a_folder_is_no_file_to_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert typed(monkeypatch, found(), "-o", str(tmp_path)).exit_code == 2


@pytest.mark.parametrize(
    ("words", "passed"),
    [
        ([], {"exif": False}),
        (["--exif", "--confidence", "0.9", "--batch-size", "4"], {"exif": True, "confidence": 0.9, "batch_size": 4}),
    ],
)
@pytest.mark.parametrize("unreadable", [(), (Path("lost.png"),)])
def test_turned_photos_are_summarised(
    monkeypatch: pytest.MonkeyPatch, words: list[str], passed: dict[str, Any], unreadable: tuple[Path, ...]
) -> None:
    def run(photos: tuple[Path, ...], output: Path, **options: Any) -> TurnedPhotos:
        assert (photos, output) == ((Path("photos"),), Path("out"))
        assert passed.items() <= options.items()
        photo = TurnedPhoto(Path("photos/1.png"), Path("out/1.png"), 90, 0.97, 6, True, "turned")
        return TurnedPhotos("turner", output, (photo,), unreadable)

    monkeypatch.setattr("ensembler.workflows.turn.turn_photos", run)
    ended = CliRunner().invoke(commands, ["predict", "photos", "--turn", "out", *words])
    assert ended.exit_code == bool(unreadable)
    assert "turned" in ended.stdout
    assert "disagrees with upright pixels: photos/1.png (tag 6)" in ended.stdout
    assert ended.stderr.startswith("Error: Left out 1 of 2 photos") is bool(unreadable)


@pytest.mark.parametrize(
    "words",
    [["--exif"], ["--confidence", "0.5"], ["--turn", "out", "-o", "found.csv"], ["--turn", "out", "--model", "a.onnx"]],
)
def test_options_of_turning_belong_together(words: list[str]) -> None:
    ended = CliRunner().invoke(commands, ["predict", "photos", *words])
    assert ended.exit_code == 2
    assert "--turn" in ended.stderr
