from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from members_made import FOLDS, SETTINGS, make_member, record_of, small_competition

from ensembler.errors import BadData
from ensembler.members.phases import Phase
from ensembler.members.records import MemberRecord, load_fold, network_files, trained_members


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    record.save(folder)
    assert MemberRecord.load(folder, "demo-conv") == record
    assert trained_members(folder) == ["demo-conv"]
    assert record.unfinished(folder) == list(range(FOLDS))


def test_a_fold_counts_for_its_own_settings_only(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    record = record_of(folder, tables)
    assert record.unfinished(folder) == []
    other = replace(record, settings=replace(SETTINGS, seed=1))
    assert other.unfinished(folder) == list(range(FOLDS))


def test_predictions_that_were_tampered_with_are_refused(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    path = folder.fold("demo-conv", 0) / "predictions.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BadData, match="not what was written"):
        load_fold(folder, record_of(folder, tables), 0)


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", '{"settings": {"colour": "red"}}'])
def test_a_record_of_another_version_is_refused(content: str, tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record_of(folder, tables).save(folder)
    (folder.member("demo-conv") / "member.json").write_text(content)
    with pytest.raises(BadData, match=r"member\.json"):
        MemberRecord.load(folder, "demo-conv")


@pytest.mark.parametrize(
    ("phases", "names"),
    [
        ((), ["backbone.keras", "fold-0/head.keras", "fold-1/head.keras", "fold-2/head.keras"]),
        ((Phase("all", 2, 1e-4),), ["fold-0/model.keras", "fold-1/model.keras", "fold-2/model.keras"]),
    ],
)
def test_the_files_that_make_up_a_member(phases: tuple[Phase, ...], names: list[str], tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    record = replace(record, settings=replace(SETTINGS, phases=phases))
    place = folder.member("demo-conv")
    assert [path.relative_to(place).as_posix() for path in network_files(folder, record)] == names
