from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.exports_made import make_card, make_figures

from ensembler.errors import BadData, StorageError
from ensembler.exports.card import ExportRecord, locate_record
from ensembler.exports.placing import (
    compute_digests,
    count_megabytes,
    describe_replaced,
    find_kept,
    list_parts,
    place_file,
    require_unchanged,
)

NAMES = ("a.onnx", "a.tflite", "a.xml", "a.savedmodel")


def make_scratch(folder: Path, name: str) -> Path:
    file = folder / "scratch" / name
    file.parent.mkdir(exist_ok=True)
    if name.endswith(".savedmodel"):
        (file / "variables").mkdir(parents=True)
        for part in ("saved_model.pb", "variables/data"):
            (file / part).write_bytes(b"a network")
    else:
        file.write_bytes(b"a network")
    if name.endswith(".xml"):
        file.with_suffix(".bin").write_bytes(b"weights")
    return file


def place(folder: Path, name: str) -> tuple[Path, ExportRecord]:
    scratch = make_scratch(folder, name)
    digests = compute_digests(scratch)
    record = ExportRecord(make_card(), 1e-4, 12, 3, make_figures(), make_figures(), "a CPU", digests)
    place_file(scratch, folder / "out" / name, record)
    return folder / "out" / name, record


@pytest.mark.parametrize("name", NAMES)
def test_a_placed_file_is_kept_by_the_next_export(tmp_path: Path, name: str) -> None:
    file, record = place(tmp_path, name)
    assert count_megabytes(file) == pytest.approx(sum(part.stat().st_size for part in list_parts(file)) / 1e6)
    card = replace(make_card(), inputs=())
    assert find_kept(file, card, 1e-4, (12, 3)) == record
    assert find_kept(file, replace(card, source="other"), 1e-4, (12, 3)) is None
    assert find_kept(file, card, 1e-3, (12, 3)) is None
    assert find_kept(file, card, 1e-4, (12, 4)) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_or_unfinished_file_is_not_kept(tmp_path: Path, name: str) -> None:
    card = replace(make_card(), inputs=())
    file, _ = place(tmp_path, name)
    part = list_parts(file)[0]
    part.write_bytes(b"another")
    assert find_kept(file, card, 1e-4, (12, 3)) is None
    part.unlink()
    assert find_kept(file, card, 1e-4, (12, 3)) is None
    (tmp_path / "again").mkdir()
    file, _ = place(tmp_path / "again", name)
    locate_record(file).unlink()
    assert find_kept(file, card, 1e-4, (12, 3)) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["stop", "full"])
def test_a_placement_that_cannot_copy_leaves_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    file, record = place(tmp_path, name)

    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ensembler.exports.placing.shutil.copyfile", stop)
    monkeypatch.setattr("ensembler.exports.placing.shutil.copytree", stop)
    said = rf"write or read .*out/{name}: No space.* with output\." if isinstance(error, OSError) else None
    with pytest.raises((KeyboardInterrupt, StorageError), match=said):
        place_file(tmp_path / "scratch" / name, file, record)
    assert find_kept(file, replace(make_card(), inputs=()), 1e-4, (12, 3)) == record
    assert not list(file.parent.glob(".writing-*"))


def test_an_interruption_between_two_files_leaves_no_network_with_other_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, record = place(tmp_path, "a.xml")
    replace_path = Path.replace

    def stop_after_weights(path: Path, target: Path) -> Path:
        if path.name == "a.xml":
            raise KeyboardInterrupt
        return replace_path(path, target)

    monkeypatch.setattr(Path, "replace", stop_after_weights)
    with pytest.raises(KeyboardInterrupt):
        place_file(tmp_path / "scratch" / "a.xml", file, record)
    assert [path.name for path in file.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_is_not_predicted_with(tmp_path: Path, name: str) -> None:
    file, _ = place(tmp_path, name)
    renamed = file.with_name(f"b{file.suffix}")
    for part in {*list_parts(file), locate_record(file)} if file.is_file() else (file, locate_record(file)):
        part.rename(part.with_name(f"b{part.name[1:]}"))
    require_unchanged(renamed)
    list_parts(renamed)[0].write_bytes(b"another")
    with pytest.raises(BadData, match=rf"b{file.suffix} is not what b{file.suffix}\.json describes"):
        require_unchanged(renamed)
    locate_record(renamed).unlink()
    require_unchanged(renamed)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    file, _ = place(tmp_path, "a.xml")
    file.with_suffix(".bin").unlink()
    with pytest.raises(BadData, match=r"a\.bin is missing: copy it again with a\.xml"):
        require_unchanged(file)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"versions": {"keras": "4"}}, ""),
        ({"source": "other"}, "a.onnx replaces the export of another network"),
        ({"single_photo": True}, "a.onnx replaces one of a free batch."),
    ],
)
def test_what_is_replaced_is_said(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    card = replace(make_card(), **changes)
    assert describe_replaced(tmp_path / "out" / "a.onnx", card) == ""
    file, _ = place(tmp_path, "a.onnx")
    assert describe_replaced(file, card).startswith(said)
    assert bool(describe_replaced(file, card)) == bool(said)
    locate_record(file).unlink()
    assert describe_replaced(file, card) == "a.onnx replaces a file without a description beside it."
