from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from ensembler.cli import commands
from ensembler.cli.training_options import select_given_options
from ensembler.options.command_line import build_call, format_command, group_training_commands, save_call
from ensembler.options.configuration import configure
from ensembler.options.reading import OPTIONS, read_options
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import write_text

PHASES = ("none epochs=2 learning-rate=0.001 batch-norm=frozen", "all epochs=1 learning-rate=0.0001 batch-norm=train")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weights": "a folder", "image_size": 96, "unfreeze": "none", "flips": False},
        {"phases": PHASES, "data_parallel": True, "label_smoothing": 0.1, "augmentation": "strong"},
        {"backbones": ("mine=nets:build,size=96,preprocessing=tf",), "ema": 0.5},
    ],
    ids=["none", "plain", "phases", "own backbone"],
)
def test_the_words_of_a_call_are_understood_as_they_were_given(options: dict[str, Any]) -> None:
    asked = configure(options)
    member, *words = build_call("b0@x", {"name": "y", "preset": "best"}, asked.command)
    parameters = commands.commands["train-members"].make_context("train-members", ["--members", member, *words]).params
    assert (parameters["members"], parameters["name"], parameters["preset"]) == (["b0@x"], "y", "best")
    typed = select_given_options({name: parameters[name] for name in OPTIONS})
    assert read_options(typed) == read_options(options)


def test_what_was_not_said_is_not_typed() -> None:
    assert build_call("b0", {}, configure({}).command) == ["b0"]


def test_members_of_the_same_options_share_a_command(tmp_path: Path) -> None:
    folder = CompetitionFolder(tmp_path / "made")
    save_call(folder, "b0", ["b0", "--epochs", "3"])
    save_call(folder, "strong", ["b1@x", "--name", "strong", "--epochs", "3"])
    save_call(folder, "b2", ["b2", "--epochs", "3"])
    assert [words for _, words in group_training_commands(folder, ["b0", "strong", "b2"])] == [
        ["train-members", "--members", "b0,b2", "--epochs", "3"],
        ["train-members", "--members", "b1@x", "--name", "strong", "--epochs", "3"],
    ]


def test_the_copies_of_corrections_serve_and_members_with_the_same_ones_share_a_command(tmp_path: Path) -> None:
    folder = CompetitionFolder(tmp_path / "made")
    rows = {"a": "1,exclude,\n", "b": "1,exclude,\n", "c": "1,exclude,\n2,relabel,cat\n"}
    for name, content in rows.items():
        save_call(folder, name, [name, "--exclude", "doubts.csv", "--epochs", "3", "--relabel", "doubts.csv"])
        write_text(folder.member(name) / "corrections.csv", f"id,suggestion,new_label\n{content}")
    # The file of this one had no effect.
    save_call(folder, "d", ["d", "--exclude", "doubts.csv"])
    copies = {name: str(folder.member(name) / "corrections.csv") for name in rows}
    assert [words[2:] for _, words in group_training_commands(folder, "abcd")] == [
        ["a,b", "--epochs", "3", "--exclude", copies["a"]],
        ["c", "--epochs", "3", "--exclude", copies["c"], "--relabel", copies["c"]],
        ["d", "--exclude", "doubts.csv"],
    ]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"train-members": []}'])
def test_a_member_whose_call_is_not_known_is_asked_for_by_name(tmp_path: Path, content: str | None) -> None:
    folder = CompetitionFolder(tmp_path / "made")
    if content is not None:
        write_text(folder.member("b0") / "call.json", content)
    assert group_training_commands(folder, ["b0"]) == [(["b0"], ["train-members", "--members", "b0"])]


@pytest.mark.parametrize(
    ("workspace", "competition", "line"),
    [
        (Workspace(Path("data"), Path("submissions")), "", "ensembler stack"),
        (Workspace(Path("data"), Path("submissions")), "cars", "ensembler stack -c cars"),
        (Workspace(Path("/my data"), Path("submissions")), "", "ensembler --data '/my data' stack"),
    ],
)
def test_a_command_is_written_as_it_is_typed(workspace: Workspace, competition: str, line: str) -> None:
    assert format_command(["stack"], workspace, competition) == line
    assert shlex.split(line)[0] == "ensembler"
