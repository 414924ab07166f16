from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.photos import photo_bytes, write_csv, zip_bytes

from ensembler.competition.archives.mirror import mirror
from ensembler.competition.archives.packed_folders import find_packed

PHOTOS: dict[str, bytes | str] = {f"train/{row}.jpg": photo_bytes(row) for row in range(10)}


def write_files(root: Path, files: dict[str, bytes | str]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("name", "members", "beside", "is_needed"),
    [
        ("train.zip", PHOTOS, {}, True),
        ("a/train.zip", PHOTOS, {}, True),
        ("train.zip", PHOTOS, PHOTOS, False),
        ("all.zip", PHOTOS, {f"all/{name}": content for name, content in PHOTOS.items()}, False),
        ("train.zip", PHOTOS, {**PHOTOS, "train/1.jpg": b"", "train/2.jpg": b""}, True),
        ("train.zip", PHOTOS, dict(list(PHOTOS.items())[:5]), True),
        ("tables.zip", {"train.csv": "id,label\n"}, {}, True),
        ("outer.zip", {"train.7z": b""}, {}, True),
        ("code.zip", {"train.py": "", "readme.md": ""}, {}, False),
        (".hidden.zip", PHOTOS, {}, False),
        ("__MACOSX/train.zip", PHOTOS, {}, False),
        ("ours/train.zip", PHOTOS, {}, False),
    ],
)
def test_archives_that_are_not_unpacked(
    tmp_path: Path,
    name: str,
    members: dict[str, bytes | str],
    beside: dict[str, bytes | str],
    *,
    is_needed: bool,
) -> None:
    write_files(tmp_path, {name: zip_bytes(members), **beside})
    assert find_packed(tmp_path, tmp_path / "ours") == ([tmp_path / name] if is_needed else [])


def test_a_damaged_archive_is_left_to_the_unpacking(tmp_path: Path) -> None:
    write_files(tmp_path, {"train.zip": b"PK nothing"})
    assert find_packed(tmp_path, tmp_path / "ours") == [tmp_path / "train.zip"]


@pytest.mark.parametrize("refused", [(), ("link",), ("link", "symlink")])
def test_all_files_appear_elsewhere(tmp_path: Path, refused: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    root = tmp_path / "root"
    write_csv(root / "a" / "b" / "labels.csv", "id,label;1,cat")
    write_files(root, {"1.jpg": b"photo", "ours/2.jpg": b""})
    (root / "again.jpg").symlink_to("1.jpg") if "symlink" not in refused else write_files(root, {"again.jpg": b"photo"})
    mirror(root, tmp_path / "target", root / "ours")
    found = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*.*")}
    assert found == {"a/b/labels.csv", "1.jpg", "again.jpg"}
    assert (tmp_path / "target" / "again.jpg").read_bytes() == b"photo"
    (tmp_path / "target" / "1.jpg").unlink()
    assert (root / "1.jpg").read_bytes() == b"photo"
