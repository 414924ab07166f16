"""`members`, `members rm` and `status` as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers.members_made import FOLDS, make_member, record_of, small_competition
from helpers.stacks_made import make_stack

from ensembler.cli import commands
from ensembler.errors import BadChoice
from ensembler.members.records import list_trained_members
from ensembler.paths import CompetitionFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompetitionFolder:
    """Members a, a@x of which a fold is missing, and c of which nothing is done; a stack has a."""
    found, tables = small_competition(tmp_path)
    for name in ("a", "a@x"):
        make_member(found, tables, name)
    (found.fold("a@x", 0) / "fold.json").unlink()
    record_of(found, tables, "c").save(found)
    make_stack(found, tables)
    monkeypatch.chdir(tmp_path)
    return found


def run(*words: str, answer: str | None = None) -> Result:
    result = CliRunner().invoke(commands, words, input=answer)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_members_are_listed_in_a_table(folder: CompetitionFolder) -> None:
    result = run("members")
    lines = result.stdout.splitlines()
    assert lines[0].split()[:3] == ["member", "folds", "log"]
    assert [line.split()[:2] for line in lines[1:]] == [["a", f"{FOLDS}/{FOLDS}"], ["a@x", "2/3"]]
    assert "Not trained yet: c. `ensembler status` says how to resume or remove it." in result.stderr
    assert "not timed on this machine: a, a@x. Time them with `ensembler members --measure`." in result.stderr


def test_members_as_json(folder: CompetitionFolder) -> None:
    listed = json.loads(run("members", "--json", "-c", "made").stdout)
    assert [(member["name"], member["finished"]) for member in listed] == [("a", True), ("a@x", False)]


def test_no_members(folder: CompetitionFolder) -> None:
    run("members", "rm", "a", "a@x", "c", "-y")
    result = run("members")
    assert (result.stdout, "No member is trained yet" in result.stderr) == ("", True)


def test_a_member_is_removed(folder: CompetitionFolder) -> None:
    result = run("members", "rm", "a@x", "c")
    assert result.stdout.startswith("Removed a@x, c, which frees 0.0 MB.")
    assert list_trained_members(folder) == ["a"]


@pytest.mark.parametrize("words", [["members", "-c", "other", "rm"], ["members", "rm", "-c", "other"]])
def test_the_competition_may_stand_before_rm(folder: CompetitionFolder, words: list[str]) -> None:
    with pytest.raises(BadChoice, match="no competition named 'other'"):
        run(*words, "c")
    assert "c" in list_trained_members(folder)


def test_removal_as_json(folder: CompetitionFolder) -> None:
    removed = json.loads(run("members", "rm", "a", "--yes", "--json").stdout)
    assert (removed["members"], removed["stacks"], removed["features"]) == (["a"], ["a_b"], [])
    assert removed["freed_bytes"] > 0


def test_without_a_terminal_a_member_of_a_stack_needs_yes(folder: CompetitionFolder) -> None:
    with pytest.raises(BadChoice, match="Stack a_b contains a: remove them anyway with"):
        run("members", "rm", "a")
    assert "a" in list_trained_members(folder)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 130), ("\n", 130)])
def test_in_a_terminal_it_is_asked(
    folder: CompetitionFolder, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("ensembler.cli.member_commands._is_terminal", lambda: True)
    result = run("members", "rm", "a", answer=answer)
    assert "Stack a_b contains a. Remove them anyway? [y/N]" in result.stderr
    assert result.exit_code == code
    assert ("a" in list_trained_members(folder)) == (code != 0)


def test_status_in_words_and_as_json(folder: CompetitionFolder) -> None:
    lines = run("status").stdout.splitlines()
    assert lines[0] == "made"
    assert lines[-1] == "next: ensembler train-members --members a@x"
    assert "Not trained yet: c. `ensembler members rm c` removes it." in lines[-3]
    standing = json.loads(run("status", "--json").stdout)
    assert standing["next"]["command"] == "ensembler train-members --members a@x"
    assert standing["competition"]["begun"] == ["c"]


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("status").stdout.splitlines()[-1] == "next: ensembler fetch SLUG"
