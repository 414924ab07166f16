from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.exports_made import make_card, make_figures

from ensembler.exports.card import ExportRecord, locate_record
from ensembler.exports.placing import compute_digests, count_megabytes, find_kept, list_parts, place_file

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


def test_an_interrupted_placement_leaves_no_record_of_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, record = place(tmp_path, "a.xml")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ensembler.exports.placing.shutil.copyfile", stop)
    with pytest.raises(KeyboardInterrupt):
        place_file(tmp_path / "scratch" / "a.xml", file, record)
    assert not locate_record(file).exists()
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.bin", "a.xml"]
