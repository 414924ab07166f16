from __future__ import annotations

from pathlib import Path

import pytest
from helpers.members_made import make_member, small_competition
from helpers.stacks_made import make_stack

from ensembler.errors import BadChoice, Busy
from ensembler.images.views import WHOLE_VIEW
from ensembler.locks import hold_lock
from ensembler.members.features.files import build_feature_path
from ensembler.members.records import MemberRecord, list_trained_members
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import count_folder_bytes, write_bytes, write_text
from ensembler.workflows.members.removal import remove_members

Made = tuple[CompetitionFolder, Workspace]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Members a, b and c, of which a stack has a and b; all have the same backbone."""
    folder, tables = small_competition(tmp_path)
    for name in "abc":
        make_member(folder, tables, name)
    make_stack(folder, tables)
    write_bytes(build_feature_path(folder, MemberRecord.load(folder, "a"), WHOLE_VIEW), b"7" * 100)
    return folder, Workspace(tmp_path / "data", tmp_path / "submissions")


def test_a_member_goes_with_all_its_files(made: Made) -> None:
    folder, workspace = made
    there = count_folder_bytes(folder.member("c"))
    removed = remove_members(["c"], workspace=workspace)
    assert (removed.members, removed.stacks, removed.features, removed.freed_bytes) == (("c",), (), (), there)
    assert list_trained_members(folder) == ["a", "b"]
    assert sorted(path.name for path in (folder.root / "members").iterdir()) == ["a", "b"]


def test_features_go_with_the_last_that_uses_them(made: Made) -> None:
    folder, workspace = made
    there = count_folder_bytes(folder.root / "members")
    removed = remove_members(["a", "b", "c", "a"], force=True, workspace=workspace)
    assert removed.members == ("a", "b", "c")
    assert (len(removed.features), removed.freed_bytes) == (1, there + 100)
    assert not list(folder.features.iterdir())


@pytest.mark.parametrize("damaged", ["a", "c"])
def test_a_damaged_member_can_be_removed_and_leaves_all_features(made: Made, damaged: str) -> None:
    folder, workspace = made
    write_text(folder.member(damaged) / "member.json", "{}")
    assert remove_members(["c", "a"], force=True, workspace=workspace).features == ()
    assert list_trained_members(folder) == ["b"]


def test_a_member_of_a_finished_stack_is_removed_only_if_that_was_meant(made: Made) -> None:
    folder, workspace = made
    with pytest.raises(BadChoice, match="Stack a_b contains a: remove them anyway with force=True"):
        remove_members(["c", "a"], workspace=workspace)
    assert list_trained_members(folder) == ["a", "b", "c"]
    assert remove_members(["c", "a"], force=True, workspace=workspace).stacks == ("a_b",)
    assert (folder.stack("a_b") / "stack.json").is_file()


def test_none_is_removed_while_one_is_trained(made: Made) -> None:
    folder, workspace = made
    with hold_lock(folder.member_lock("c"), "it"), pytest.raises(Busy, match="The member c is in use by process"):
        remove_members(["b", "c"], force=True, workspace=workspace)
    assert list_trained_members(folder) == ["a", "b", "c"]


@pytest.mark.parametrize(("names", "words"), [(["d"], "no trained member named 'd'"), ([], "at least one")])
def test_who_is_not_there_cannot_be_removed(made: Made, names: list[str], words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        remove_members(names, workspace=made[1])
