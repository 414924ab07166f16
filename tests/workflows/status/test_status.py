from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.members_made import FOLDS, make_member, record_of
from helpers.photos import Heard
from helpers.stacks_made import as_if_on_kaggle
from helpers.standing_made import Made, made_below, stacked, uploaded

from ensembler.callers import address_command_line
from ensembler.errors import BadChoice, BadData, Mismatch
from ensembler.options.command_line import save_call
from ensembler.serialization import write_json
from ensembler.storage import remove_file, write_text
from ensembler.submission.kaggle.facts import Submission
from ensembler.workflows.members.listing import list_members
from ensembler.workflows.stack import stack
from ensembler.workflows.status.status import status


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A competition below the usual folders, and nothing trained yet; without a GPU."""
    return made_below(tmp_path, monkeypatch)


def test_a_competition_that_was_brought_in(made: Made) -> None:
    folder, tables, workspace = made
    found = status(workspace=workspace).competition
    assert found is not None
    assert (found.training, found.test, found.unreadable) == (len(tables.train), len(tables.test), 0)
    assert (found.folder, found.folds, found.manifest) == (folder, FOLDS, tables.manifest)
    assert (found.members, found.stacks, found.newest_csv, found.submissions) == ((), (), None, ())
    assert status(workspace=workspace).next.command == "ensembler train-members --members mobilenetv2,b0,mobilenet"
    remove_file(folder.folds)
    assert status(workspace=workspace).competition.folds == 0


def test_an_answer_whose_labels_are_here_is_scored_here(made: Made) -> None:
    csv = stacked(made)
    found = status(workspace=made[2])
    assert found.next.command == "ensembler score"
    assert found.competition is not None
    assert found.competition.newest_csv == csv.absolute()
    (stack,) = found.competition.stacks
    assert (stack.name, stack.members, stack.metric, stack.score) == ("a_b", ("a", "b"), "log loss", 0.4)


def test_competitions_in_short(made: Made) -> None:
    folder, tables, workspace = made
    stacked(made)
    make_member(folder, tables, "c")
    (folder.fold("c", 0) / "fold.json").unlink()
    write_text(workspace.competition("bad").manifest, "x = 1\n")
    bad, brief = status(workspace=workspace).competitions
    assert "unknown keys: x" in bad.trouble
    assert (brief.task, brief.metric, brief.finished, brief.members, brief.score) == (
        "multiclass",
        "log loss",
        2,
        3,
        0.4,
    )


def test_no_current_competition_among_several(made: Made) -> None:
    workspace = made[2]
    remove_file(workspace.marker)
    found = status(workspace=workspace)
    assert (found.competition, found.next.command) == (None, "ensembler status -c made")


def test_what_is_told_can_be_json(made: Made) -> None:
    csv = stacked(made)
    as_if_on_kaggle(made[0], "cars")
    uploaded(made, csv, Submission(7, "COMPLETE", public=0.45, description="x"))
    printed = json.loads(json.dumps(status(workspace=made[2]).to_json()))
    assert printed["competition"]["name"] == "made"
    assert [member["name"] for member in printed["competition"]["members"]] == ["a", "b"]
    assert printed["next"]["command"].startswith("ensembler ")


def test_what_cannot_be_read_is_refused(made: Made) -> None:
    folder, _, workspace = made
    with pytest.raises(BadChoice, match="did you mean made"):
        status("mode", workspace=workspace)
    stacked(made)
    write_json(folder.stack("a_b") / "stack.json", {"name": "a_b"})
    found = status(workspace=workspace, progress=(heard := Heard()))
    assert "the field members is missing: build the stack again" in " ".join(heard.warnings)
    assert found.competition is not None
    assert (len(found.competition.members), found.competition.stacks) == (2, ())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "cannot be read as a CSV: restore it"),
        (lambda text: "\x00\xff" + text, "restore it"),
        (
            lambda text: text[: len(text) // 2].rpartition("\n")[0] + "\n",
            r"lacks \d+ photos \(first: .*restore the file",
        ),
        (lambda text: text.replace(",0", ",x"), "must contain numbers from 0 as folds: restore it"),
        (None, "is missing: restore it"),
    ],
)
def test_damaged_folds_are_named_and_members_are_not_trained_again(
    made: Made, damage: Callable[[str], str] | None, says: str
) -> None:
    folder, tables, workspace = made
    make_member(folder, tables, "demo-conv")
    whole = folder.folds.read_text()
    if damage:
        folder.folds.write_text(damage(whole), "latin-1")
    else:
        folder.folds.unlink()
    found = status(workspace=workspace)
    assert found.next.command == ""
    assert re.search(f"folds.csv .*{says}", found.next.reason)
    text = repr(found)
    assert "demo-conv: unusable, waiting for folds.csv to be restored" in text
    assert "restart" not in text.replace(found.next.reason, "")
    with pytest.raises((BadData, Mismatch), match=f"folds.csv .*{says}"):
        stack(workspace=workspace)
    heard = Heard()
    assert "restart" not in repr(list_members(workspace=workspace, progress=heard))
    assert heard.warnings == [found.next.reason]
    folder.folds.write_text(whole)
    assert status(workspace=workspace).next.command == "ensembler stack"


def test_members_that_have_only_begun_are_said_once_and_hinder_nothing(made: Made) -> None:
    folder, tables, workspace = made
    record_of(folder, tables, "failed@x").save(folder)
    save_call(folder, "failed@x", ["demo-conv@x", "--weights", "none"])
    found = status(workspace=workspace)
    assert found.competition is not None
    assert (found.competition.members, found.competition.begun) == ((), ("failed@x",))
    assert found.next.command == "ensembler train-members --members demo-conv@x --weights none"
    assert found.next.reason == "Not trained yet: failed@x. `ensembler.remove_members('failed@x')` removes it."
    assert found.notes == ()
    stacked(made)
    with address_command_line():
        found = status(workspace=workspace)
    assert found.next.command == "ensembler score"
    assert found.notes == (
        "Not trained yet: failed@x. `ensembler members rm failed@x` removes it. "
        "`ensembler train-members --members demo-conv@x --weights none` resumes it.",
    )
    assert repr(found).count("failed@x") == 2 + repr(found).count("demo-conv@x") - 1
    assert [brief.members for brief in found.competitions] == [2]
    heard = Heard()
    assert "failed@x" not in list_members(workspace=workspace, progress=heard)
    assert heard.notes == ["Not trained yet: failed@x. `ensembler.status()` says how to resume or remove it."]
    heard = Heard()
    with pytest.raises(BadChoice, match="spam"):
        stack(["a", "spam"], workspace=workspace, progress=heard)
    assert heard.warnings == []
    with pytest.raises(Mismatch, match="failed@x"):
        stack("failed@x", workspace=workspace)
