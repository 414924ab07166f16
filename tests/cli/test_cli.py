"""The command line as a person uses it: real processes, what they print, and how they exit."""

from __future__ import annotations

import errno
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from helpers.command_line import ensembler
from PIL import Image

from ensembler.cli import main
from ensembler.errors import BadChoice, BadData, Interrupted
from ensembler.workflows.results import SubmitResult


def photos(folder: Path, names: list[str]) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 7), (number * 7 % 256, 50, 90)).save(path)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Folders to adopt, good and bad."""
    photos(tmp_path / "good", [f"{name}/{n}.png" for name in "ab" for n in range(6)])
    (tmp_path / "empty").mkdir()
    photos(tmp_path / "mute", [f"{n}.png" for n in range(4)])
    photos(tmp_path / "missing", [f"train/{n}.png" for n in range(5)])
    (tmp_path / "missing" / "labels.csv").write_text("id,label\n0,a\n1,b\n2,a\n3,b\n")
    photos(tmp_path / "unknown", [f"train/{n}.png" for n in range(3)])
    (tmp_path / "unknown" / "labels.csv").write_text("id,label\n0,a\n1,b\n2,a\n9,b\n")
    photos(tmp_path / "strange", [*(f"train/{n}.png" for n in range(4)), "test/7.png"])
    (tmp_path / "strange" / "labels.csv").write_text("id,label\n0,a\n1,b\n2,c\n3,a\n")
    (tmp_path / "strange" / "sample_submission.csv").write_text("id,x,y,z\n7,0.3,0.3,0.4\n")
    (tmp_path / "no.zip").write_text("this is no zip")
    (tmp_path / "file").write_text("not a folder")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["adopt", "nowhere", "--name", "x"], 2, "The folder nowhere does not exist"),
        (["adopt", "empty", "--name", "x"], 1, "contains no photos"),
        (["adopt", "mute", "--name", "x"], 1, "have no labels: neither"),
        (["adopt", "missing", "--name", "x"], 1, "has no label for 1 photo"),
        (["adopt", "unknown", "--name", "x"], 1, "names 1 photo missing in"),
        (["adopt", "strange", "--name", "x"], 1, "no class matches the columns x, y, z"),
        (["adopt", "good", "--name", "a/b"], 2, "not a valid name of a competition"),
        (["adopt", "good", "--name", "x", "--test-size", "1.5"], 2, "--test-size"),
        (["--data", "file/below", "adopt", "good", "--name", "x"], 1, "file"),
        (["fetch", "some-slug", "--archive", "nowhere.zip"], 2, "The file nowhere.zip does not exist"),
        (["fetch", "some-slug", "--archive", "no.zip"], 1, "damaged or not a zip file"),
        (["fetch", "https://example.org/x"], 2, "is not a competition"),
        (["train-members", "--members", "b0"], 2, "start with `ensembler fetch SLUG`"),
        (["train-members", "--members", "b00"], 2, "did you mean"),
        (
            ["train-members", "--members", "b0", "--epochs", "many"],
            2,
            "--epochs must be a whole number, at least 1. Rec",
        ),
        (["train-members", "--members", "b0", "--phase", "all"], 2, "The phase 'all' lacks epochs and learning-rate"),
        (["train-members", "--members", "b0", "--config", "nowhere.toml"], 2, "Cannot read nowhere.toml"),
        (["train-members", "--members", "b0", "--show-augmented", "a.gif"], 2, "--show-augmented writes a PNG"),
        (["config", "--members", "b00"], 2, "did you mean"),
        (["config", "--preset", "great"], 2, "--preset takes quick, good or best. Received: great"),
        (["stack"], 2, "start with `ensembler fetch SLUG`"),
        (["adopt", "file", "--name", "x"], 2, "file is a file, not a folder"),
        (["submit"], 2, "start with `ensembler fetch SLUG`"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_half_written(
    words: list[str], code: int, said: str, files: Path
) -> None:
    ended = ensembler(*words, folder=files)
    assert ended.returncode == code
    lines = ended.stderr.strip().splitlines()
    assert lines[-1].startswith("Error: ")
    assert said in lines[-1]
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert not list(files.glob("data/*/competition.toml"))


@pytest.mark.parametrize("words", [["train-members"], ["fetch"], ["stack", "--nonsense"], ["nonsense"]])
def test_wrong_usage_is_exit_code_2(words: list[str], tmp_path: Path) -> None:
    ended = ensembler(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert "Usage:" in ended.stderr


def test_adopt_prints_what_was_found_out(files: Path) -> None:
    ended = ensembler("adopt", "good", "--name", "letters", folder=files)
    assert ended.returncode == 0, ended.stderr
    assert "`b` is the probability of 'b', not 'a'" in ended.stdout
    assert "10 to train on, 2 to predict" in ended.stdout
    assert (files / "data" / "letters" / "competition.toml").is_file()


def test_options_have_environment_variables(files: Path) -> None:
    ended = ensembler("adopt", "good", "--name", "x", folder=files, ENSEMBLER_DATA="elsewhere", ENSEMBLER_QUIET="1")
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert (files / "elsewhere" / "x" / "train.csv").is_file()


def test_environment_variables_are_named_after_what_is_typed(files: Path) -> None:
    ensembler("adopt", "good", "--name", "x", folder=files)
    variables = {
        "ENSEMBLER_SUBMISSIONS_JSON": "1",
        "ENSEMBLER_SUBMISSIONS_ALL": "1",
        "ENSEMBLER_SUBMISSIONS_OFFLINE": "1",
    }
    ended = ensembler("submissions", folder=files, **variables)
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr


@pytest.mark.parametrize(
    ("status", "public", "private", "says"),
    [
        ("PENDING", None, None, "Submission 7: not scored yet; `ensembler.submissions()` will show its score."),
        ("COMPLETE", 0.04, None, "Submission 7: public score 0.04"),
        ("COMPLETE", 0.04, 0.05, "Submission 7: public score 0.04, private score 0.05"),
        ("COMPLETE", None, 0.05, "Submission 7: private score 0.05"),
        ("COMPLETE", None, None, "Submission 7: accepted, without a score"),
    ],
)
def test_what_became_of_a_submission(status: str, public: float | None, private: float | None, says: str) -> None:
    submitted = SubmitResult(Path("a.csv"), "pets", "[a]", 7, status, public, private)
    assert repr(submitted) == says


@pytest.mark.parametrize(
    "option", [["--timeout", "0"], ["--timeout", "inf"], ["--unpack-limit", "nan"], ["--unpack-limit", "-1"]]
)
def test_numbers_that_are_none_are_wrong_options(option: list[str], files: Path) -> None:
    assert ensembler("fetch", "pets", *option, folder=files).returncode == 2


def test_options_of_training_come_from_the_command_its_variables_a_file_and_a_preset(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("epochs = 3\nema = 0.5\nhidden = 4\n")
    variables = {"ENSEMBLER_TRAIN_MEMBERS_EMA": "0.25", "ENSEMBLER_TRAIN_MEMBERS_EPOCHS": "4"}
    words = ["config", "--preset", "best", "--config", "a.toml", "--epochs", "5"]
    ended = ensembler(*words, folder=tmp_path, **variables)
    assert ended.returncode == 0, ended.stderr
    options = tomllib.loads(ended.stdout)
    assert [options[name] for name in ("epochs", "ema", "hidden", "tta")] == [5, 0.25, 4, "crops"]


def test_the_sources_of_options_are_named_as_they_are(tmp_path: Path) -> None:
    words = ["config", "--preset", "quick", "--seed", "3"]
    shown = ensembler(*words, folder=tmp_path, ENSEMBLER_TRAIN_MEMBERS_EPOCHS="4", ENSEMBLER_TRAIN_MEMBERS_SEED="5")
    lines = {line.split(" = ")[0]: line.partition("# ")[2] for line in shown.stdout.splitlines()}
    assert (lines["preset"], lines["seed"]) == ("command line", "command line")
    assert lines["epochs"] == "ENSEMBLER_TRAIN_MEMBERS_EPOCHS"
    assert lines["flips"] == "preset quick"


def test_phases_in_a_variable_are_separated_by_semicolons(tmp_path: Path) -> None:
    phases = "none epochs=1 learning-rate=0.5 batch-norm=frozen; all epochs=2 learning-rate=0.25 batch-norm=train"
    ended = ensembler("config", folder=tmp_path, ENSEMBLER_TRAIN_MEMBERS_PHASE=phases)
    assert tomllib.loads(ended.stdout)["phases"] == phases.split("; ")


def test_a_members_help_is_in_sections(tmp_path: Path) -> None:
    help_text = ensembler("train-members", "--help", folder=tmp_path).stdout
    titles = [line for line in help_text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options:", "Machines:", "Start:", "Fine-tuning:", "Head:", "Photos and labels:", "Steps:"]


@pytest.mark.slow
def test_augmented_photos_are_drawn_and_nothing_is_trained(files: Path) -> None:
    ensembler("adopt", "good", "--name", "x", folder=files)
    words = ["train-members", "--members", "b0", "--image-size", "32", "--augment", "strong"]
    ended = ensembler(*words, "--show-augmented", "a.png", folder=files)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "a.png: b0 with --augmentation strong; nothing was trained.\n"
    assert (files / "a.png").is_file()
    assert not (files / "data" / "x" / "members").exists()


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]


def test_a_file_of_events_tells_the_beginning_the_work_and_the_end(files: Path) -> None:
    assert ensembler("--events", "a.jsonl", "adopt", "good", "--name", "x", folder=files).returncode == 0
    lines = events(files)
    assert (lines[0]["event"], lines[0]["command"]) == ("command_began", "adopt")
    assert ("task_ended", "scan photos") in [(line["event"], line.get("label")) for line in lines]
    assert {name: lines[-1][name] for name in ("event", "command", "exit_code")} == {
        "event": "command_ended",
        "command": "adopt",
        "exit_code": 0,
    }


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["adopt", "empty", "--name", "x"], 1, "contains no photos"),
        (["fetch", "--timeout", "0", "x"], 2, "is not in the range"),
    ],
)
def test_a_file_of_events_tells_the_sentence_of_an_error(
    words: list[str], code: int, sentence: str, files: Path
) -> None:
    assert ensembler(*words, folder=files, ENSEMBLER_EVENTS="a.jsonl").returncode == code
    failed, ended = events(files)[-2:]
    assert failed["event"] == "command_failed"
    assert sentence in failed["text"]
    assert (ended["event"], ended["exit_code"]) == ("command_ended", code)


def test_events_that_cannot_be_written_are_one_sentence(files: Path) -> None:
    ended = ensembler("--events", "good", "adopt", "good", "--name", "x", folder=files)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: Cannot write or read good: ")


@pytest.mark.parametrize("arguments", [("-v", "adopt"), ("adopt", "--verbose")], ids=" ".join)
def test_details_are_printed_on_demand_before_or_behind_the_command(arguments: tuple[str, ...], files: Path) -> None:
    photos(files / "one", ["a/1.png", "a/2.png", "b/1.png", "b/2.png"])
    ended = ensembler(*arguments, "one", "--name", "x", "--force", folder=files)
    assert "scan photos: 4 photos in" in ended.stderr


@pytest.mark.slow
def test_quiet_prints_errors_and_what_is_asked_for_alone(files: Path) -> None:
    photos(files / "one", ["a/1.png", "a/2.png", "b/1.png", "b/2.png"])
    (files / "one" / "a" / "3.png").write_text("no photo")
    loud = ensembler("adopt", "one", "--name", "x", folder=files)
    assert "Warning: " in loud.stderr
    quiet = ensembler("-q", "adopt", "one", "--name", "y", folder=files)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    assert quiet.stdout.startswith("y\n")
    failed = ensembler("-q", "adopt", "empty", "--name", "z", folder=files)
    assert failed.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), 1, "x.csv: No space left on device"),
        (BadChoice("No."), 2, "Error: No."),
        (BadData("No."), 1, "Error: No."),
        (KeyboardInterrupt(), 130, "run the same command again"),
        (Interrupted("in epoch 3 of 5 of b0, fold 2"), 130, "Interrupted in epoch 3 of 5 of b0, fold 2; run the same"),
    ],
)
def test_errors_become_output_in_one_place(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ensembler.workflows.stack.stack", fail)
    monkeypatch.setattr(sys, "argv", ["ensembler", "stack"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert said in capsys.readouterr().err


def test_a_bug_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ensembler.workflows.stack.stack", fail)
    monkeypatch.setattr(sys, "argv", ["ensembler", "stack"])
    with pytest.raises(ZeroDivisionError):
        main()
