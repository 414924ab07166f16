"""The handle: paths as text, names, and a process that changes its working folder."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest
from helpers.command_line import ensembler as command_line
from helpers.members_made import make_member, small_competition
from helpers.stacks_made import make_stack

import ensembler
from ensembler.errors import BadChoice, Mismatch
from ensembler.progress import SILENT


@pytest.fixture
def competition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ensembler.Competition:
    """A competition ``made`` in a relative workspace, with the member ``a`` and the stack ``first``."""
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    make_stack(folder, tables, "first")
    monkeypatch.chdir(tmp_path)
    return ensembler.open("made", progress=SILENT)


def test_a_name_is_in_a_list_as_it_indexes_it(competition: ensembler.Competition) -> None:
    assert "demo-conv" in competition.members
    assert "demo-dense" not in competition.members
    assert competition.members["demo-conv"] in competition.members
    assert "first" in competition.stacks


def test_the_folder_is_a_path(competition: ensembler.Competition, tmp_path: Path) -> None:
    assert Path(competition.folder) == tmp_path / "data" / "made" == Path(str(competition.folder))
    assert (competition.folder / "train.csv").is_file()


def test_a_handle_outlives_a_change_of_the_working_folder(
    competition: ensembler.Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = competition.status()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert competition.workspace.competitions() == ["made"]
    assert list(competition.submissions) == []
    after = competition.status()
    assert [one.name for one in after.competition.members] == ["demo-conv"]
    assert "--data" not in before.next.command
    # From here the command needs the folders.
    assert f"--data {tmp_path / 'data'}" in after.next.command
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_handle_with_another_workspace_is_a_contradiction(competition: ensembler.Competition, tmp_path: Path) -> None:
    assert len(ensembler.list_members(competition, workspace=tmp_path)) == 1
    assert ensembler.status(competition, workspace=ensembler.Workspace("data", "submissions")).competition
    for function in (ensembler.list_members, ensembler.status, ensembler.layout, ensembler.open):
        with pytest.raises(BadChoice, match=r"The handle of made belongs to .* leave that argument out"):
            function(competition, workspace="elsewhere")


def test_a_stack_says_where_its_file_is_and_when_it_was_built(
    competition: ensembler.Competition, tmp_path: Path
) -> None:
    built = competition.stacks["first"]
    assert built.folder == tmp_path / "data" / "made" / "stacks" / "first"
    assert built.model == built.folder / "stack.keras"
    assert built.built.tzinfo is UTC
    assert built.to_json()["built"][:2] == "20"


def test_a_workspace_is_named_by_the_folder_above(competition: ensembler.Competition, tmp_path: Path) -> None:
    del competition
    assert ensembler.open("made", workspace=str(tmp_path)).folder.root == tmp_path / "data" / "made"
    assert ensembler.open("made", workspace=ensembler.Workspace("data", "submissions")).name == "made"
    with pytest.raises(BadChoice, match="contains the competitions themselves"):
        ensembler.open("made", workspace=tmp_path / "data")


def test_suggested_commands_name_a_competition_that_is_not_the_current_one(
    competition: ensembler.Competition, tmp_path: Path
) -> None:
    with pytest.raises(Mismatch, match=r"`ensembler\.folds\(folds=4\)`"):
        competition.train_members("demo-dense", weights="none", folds=4)
    ensembler.adopt(tmp_path / "photos", "another", progress=SILENT)
    with pytest.raises(Mismatch, match=r"`ensembler\.folds\(folds=4, competition='made'\)`"):
        competition.train_members("demo-dense", weights="none", folds=4)
    with pytest.raises(Mismatch, match=r"`ensembler\.folds\(folds=4, competition='made'\)`"):
        ensembler.train_members("demo-dense", weights="none", folds=4, competition="made")
    with pytest.raises(BadChoice, match=r"`ensembler\.folds\(folds=5\)`"):
        ensembler.folds("another")
    words = ["--data", "data", "train-members", "-c", "made", "--members", "demo-dense", "--folds", "4"]
    words += ["--weights", "none"]
    ended = command_line(*words, folder=tmp_path)
    assert "`ensembler --data data folds --folds 4 -c made`" in ended.stderr


def test_paths_may_be_text(tmp_path: Path) -> None:
    small_competition(tmp_path)
    photos, place = str(tmp_path / "photos"), str(tmp_path)
    letters = ensembler.adopt(photos, "letters", workspace=place, progress=SILENT)
    assert letters.photos.training == 24
    answer = tmp_path / "answer.csv"
    answer.write_bytes(letters.folder.sample.read_bytes())
    scored = letters.score(str(answer), truth=str(letters.folder.solution))
    assert scored.submission == answer
    drawn = letters.show_augmented(str(tmp_path / "a.png"), "demo-conv", weights="none")
    assert drawn.file == tmp_path / "a.png"


def test_single_names_are_one_item(competition: ensembler.Competition) -> None:
    with pytest.raises(BadChoice, match="named 'demo-den'"):
        competition.stack("demo-den")
    assert competition.remove_members("demo-conv").members == ("demo-conv",)
