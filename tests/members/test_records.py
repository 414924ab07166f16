from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.members_made import FOLDS, SETTINGS, make_member, networks, record_of, small_competition

from ensembler.errors import BadData
from ensembler.members.records import (
    MemberRecord,
    check_networks,
    list_network_files,
    list_trained_members,
    load_fold,
    remove_leftovers,
)
from ensembler.options.phases import Phase
from ensembler.storage import write_bytes, write_file_atomically


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    record.save(folder)
    assert MemberRecord.load(folder, "demo-conv") == record
    assert list_trained_members(folder) == ["demo-conv"]
    assert record.list_unfinished_folds(folder) == list(range(FOLDS))


def test_the_backend_counts_and_records_of_the_default_one_are_those_of_earlier_versions() -> None:
    record = MemberRecord("a", SETTINGS, "0123", "4567", 3, ("cat", "dog"))
    assert record.fingerprint == "4130e2fcaa0a1407"
    assert replace(record, backend="jax").fingerprint != record.fingerprint


def test_a_fold_counts_for_its_own_settings_only(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    record = record_of(folder, tables)
    assert record.list_unfinished_folds(folder) == []
    other = replace(record, settings=replace(SETTINGS, seed=1))
    assert other.list_unfinished_folds(folder) == list(range(FOLDS))


def test_predictions_that_were_tampered_with_are_refused(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    path = folder.fold("demo-conv", 0) / "predictions.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(BadData, match="was changed after training"):
        load_fold(folder, record_of(folder, tables), 0)


@pytest.mark.parametrize("phases", [(), (Phase("all", 2, 1e-4),)], ids=["frozen", "fine-tuned"])
def test_a_damaged_network_is_refused(phases: tuple[Phase, ...], tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = replace(record_of(folder, tables), settings=replace(SETTINGS, phases=phases))
    for path in networks(folder, record):
        check_networks(folder, record)
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole[:-1] + b"x", None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            with pytest.raises(
                BadData, match=rf"{path} is missing or was changed after training: .*(restart=True|again)\.$"
            ):
                check_networks(folder, record)
        path.write_bytes(whole)


def test_what_a_kill_left_is_removed_and_a_checkpoint_that_is_needed_is_not(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    record = record_of(folder, tables)
    for fold in (0, 1):
        write_bytes(folder.checkpoint("demo-conv", fold), b"some state")
    (folder.fold("demo-conv", 1) / "fold.json").unlink()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with write_file_atomically(folder.fold("demo-conv", 0) / "a") as temporary:
        temporary.touch()
        ours = temporary.parent
        left = ours.with_name(ours.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
        left.mkdir()
        remove_leftovers(folder, record)
        assert ours.is_dir()
    assert not left.exists()
    assert not folder.checkpoint("demo-conv", 0).exists()
    assert folder.checkpoint("demo-conv", 1).exists()


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
    assert [path.relative_to(place).as_posix() for path in list_network_files(folder, record)] == names
