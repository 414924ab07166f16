"""The command that shows folds and makes others, on members that are made up here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.members_made import make_member, small_competition
from helpers.stacks_made import make_stack

from ensembler.competition.csv_tables import read_table
from ensembler.errors import BadChoice, Busy, Mismatch
from ensembler.locks import hold_lock
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json, write_json
from ensembler.storage import compute_file_digest
from ensembler.workflows.folds import ObsoleteResults, find_obsolete_results, folds

Made = tuple[CompetitionFolder, Workspace]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A competition in three folds, with a member and a stack."""
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    make_stack(folder, tables)
    record = folder.stack("a_b") / "stack.json"
    write_json(record, {**read_json(record), "folds": compute_file_digest(folder.folds)})
    return folder, Workspace(tmp_path / "data", tmp_path / "submissions")


def test_what_the_folds_are(made: Made) -> None:
    result = folds(workspace=made[1])
    assert (result.folds, result.repeats, result.photos, result.scored) == (3, 1, 24, 24)
    assert [split.photos for split in result.splits] == [8, 8, 8]
    assert sum(result.splits[0].shares.values()) == pytest.approx(1)
    table = result.build_table()
    columns, rows = table.columns, table.rows
    assert columns == ["fold", "held out", "groups", "near-duplicates", "a %", "b %", "c %"]
    assert [row[0] for row in rows] == ["fold-0", "fold-1", "fold-2", "all photos"]
    assert result.describe() == [f"3 folds, 1 repeat: {made[0].folds}"]
    assert result.to_json()["splits"][2]["fold"] == 2


def test_others_are_refused_as_long_as_something_rests_on_those_there_are(made: Made) -> None:
    folder, workspace = made
    before = folder.folds.read_bytes()
    error = r"New folds make 1 member \(demo-conv\) and 1 stack \(a_b\) obsolete: .* force=True"
    with pytest.raises(BadChoice, match=error):
        folds(folds=4, workspace=workspace)
    assert folder.folds.read_bytes() == before
    asked = find_obsolete_results(None, folds=4, repeats=None, seed=None, workspace=workspace)
    assert asked == ObsoleteResults(("demo-conv",), ("a_b",))
    assert folder.folds.read_bytes() == before


@pytest.mark.parametrize("text", [None, "", "id,fold\n1,x\n"], ids=["missing", "empty", "without numbers"])
def test_a_damaged_file_does_not_hide_what_rests_on_its_folds(made: Made, text: str | None) -> None:
    folder, workspace = made
    before = folder.folds.read_text()
    if text is None:
        folder.folds.unlink()
    else:
        folder.folds.write_text(text)
    asked = find_obsolete_results(None, folds=5, repeats=None, seed=None, workspace=workspace)
    assert asked == ObsoleteResults(("demo-conv",), ("a_b",))
    with pytest.raises(BadChoice, match=r"New folds make 1 member \(demo-conv\) and 1 stack \(a_b\) obsolete"):
        folds(folds=5, workspace=workspace)
    # A restored file is used as before.
    folder.folds.write_text(before)
    assert folds(workspace=workspace).useless == ObsoleteResults((), ())


def test_others_are_made_all_the_same_if_a_person_says_so(made: Made) -> None:
    _, workspace = made
    result = folds(folds=2, repeats=2, force=True, workspace=workspace)
    assert (result.folds, result.repeats, len(result.splits)) == (2, 2, 4)
    assert result.useless == ObsoleteResults(("demo-conv",), ("a_b",))
    assert "obsolete now: 1 member (demo-conv) and 1 stack (a_b)" in result.describe()[-1]
    assert result.build_table().columns[:3] == ["fold", "repeat", "held out"]
    # Nothing rests on these yet; the other number stays.
    again = folds(seed=5, workspace=workspace)
    assert (again.folds, again.repeats, again.useless) == (2, 2, ObsoleteResults((), ()))


def test_the_photos_of_a_folder_are_one_fold(made: Made) -> None:
    folder, workspace = made
    train = read_table(folder.train)
    train.loc[:5, "path"] = "valid/" + train.loc[:5, "path"]
    train.loc[5:6, "group"] = "one"
    train.to_csv(folder.train, index=False)
    with pytest.raises(BadChoice, match="New folds make"):
        folds(hold_out="valid", workspace=workspace)
    result = folds(hold_out="./valid/", force=True, workspace=workspace)
    assert (result.folds, result.scored, [split.photos for split in result.splits]) == (1, 7, [7])
    assert result.describe()[0].startswith("one held-out fold, 1 repeat")
    assert read_table(folder.folds)["fold"].tolist() == ["0"] * 7 + [""] * 17
    assert folds(workspace=workspace).scored == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"hold_out": "nowhere"}, "'nowhere' contains none of them"),
        ({"hold_out": "valid", "folds": 3}, "hold_out makes one fold: omit folds, repeats and seed"),
    ],
)
def test_a_folder_that_cannot_be_held_out(made: Made, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChoice, match=says):
        folds(**arguments, force=True, workspace=made[1])


def test_none_are_made_while_a_member_is_trained_on_those_there_are(made: Made) -> None:
    folder, workspace = made
    before = folder.folds.read_bytes()
    with hold_lock(folder.member_lock("demo-conv"), "it"), pytest.raises(Busy, match="demo-conv of made is in use by"):
        folds(folds=2, force=True, workspace=workspace)
    assert folder.folds.read_bytes() == before


def test_the_same_folds_make_nothing_useless(made: Made) -> None:
    folder, workspace = made
    before = folder.folds.read_bytes()
    assert not folds(folds=3, seed=0, workspace=workspace).useless
    assert folder.folds.read_bytes() == before


def test_folds_that_cannot_be_read_are_made_anew(made: Made) -> None:
    folder, workspace = made
    folder.folds.write_text("id,fold\nx,0\ny,1\n")
    with pytest.raises(Mismatch, match=r"`ensembler\.folds\(folds=2\)`"):
        folds(workspace=workspace)
    assert folds(folds=1, workspace=workspace).scored == 5


def test_there_are_none_yet(made: Made) -> None:
    made[0].folds.unlink()
    with pytest.raises(BadChoice, match=r"has no folds yet: `ensembler\.train_members\(\)` makes them"):
        folds(workspace=made[1])
