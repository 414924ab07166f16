from __future__ import annotations

import stat
import zipfile

import pytest
from photos import Heard, photo_bytes, truncate, zip_bytes

from ensembler.competition.archives import extract
from ensembler.errors import BadData, StorageError
from ensembler.progress import Progress

PHOTO = photo_bytes(1)


def unpacked(tmp_path, content):
    """Paths of the files that come out of the zip ``content``."""
    archive = tmp_path / "pets.zip"
    archive.write_bytes(content)
    extract(archive, tmp_path / "raw" / "extracted", Progress())
    root = tmp_path / "raw" / "extracted"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def left_behind(tmp_path):
    return sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_plain_archive(tmp_path, compression):
    members = {"train/cat.1.jpg": PHOTO, "train/": b"", "sample_submission.csv": b"id,label\n"}
    files = unpacked(tmp_path, zip_bytes(members, compression))
    assert files == {"train/cat.1.jpg": PHOTO, "sample_submission.csv": b"id,label\n"}
    assert left_behind(tmp_path / "raw")[0] == "extracted"


def test_archives_in_archives_as_kaggle_nests_them(tmp_path):
    inner = zip_bytes({"train/cat.1.jpg": PHOTO, "train/dog.1.jpg": PHOTO})
    files = unpacked(tmp_path, zip_bytes({"train.zip": inner, "sample_submission.csv": "id,label\n"}))
    assert set(files) == {"train/cat.1.jpg", "train/dog.1.jpg", "sample_submission.csv"}


def test_an_inner_archive_without_a_folder_of_its_name_gets_one(tmp_path):
    members = {
        "train.zip": zip_bytes({"1.jpg": PHOTO, "2.jpg": PHOTO}),
        "data/labels.csv.ZIP": zip_bytes({"labels.csv": "id"}),
        "test.zip": zip_bytes({"deep.zip": zip_bytes({"3.jpg": PHOTO})}),
    }
    files = unpacked(tmp_path, zip_bytes(members))
    assert set(files) == {"train/1.jpg", "train/2.jpg", "data/labels.csv", "test/deep/3.jpg"}


def test_names_from_windows(tmp_path):
    assert set(unpacked(tmp_path, zip_bytes({"train\\cat.1.jpg": PHOTO}))) == {"train/cat.1.jpg"}


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "train/../../evil.jpg", "/tmp/evil.jpg", "..\\evil.jpg", "C:\\evil.jpg", "c:evil.jpg", "."]
)
@pytest.mark.parametrize("nested", [False, True])
def test_members_that_would_land_outside(tmp_path, name, nested):
    content = zip_bytes({"good.jpg": PHOTO, name: PHOTO})
    with pytest.raises(BadData, match=r"pets\.zip has a member that would land outside its folder"):
        unpacked(tmp_path, zip_bytes({"train.zip": content}) if nested else content)
    assert left_behind(tmp_path) == ["pets.zip", "raw"]


def test_a_colon_is_no_drive(tmp_path):
    assert set(unpacked(tmp_path, zip_bytes({"at 12:30.jpg": PHOTO}))) == {"at 12:30.jpg"}


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("train")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(link, "/etc")
        opened.writestr("train/passwd", "x")
    with pytest.raises(BadData, match=r"pets\.zip has a link among its members: 'train'"):
        extract(archive, tmp_path / "extracted", Progress())
    assert left_behind(tmp_path) == ["pets.zip"]


def broken(content, old, new):
    assert content.count(old) >= 1
    return content.replace(old, new)


STORED = zip_bytes({"a.txt": "x" * 100, "b.txt": "hello world"}, zipfile.ZIP_STORED)
DEFLATED = zip_bytes({"a.jpg": photo_bytes(3, ".jpg", (200, 200))})
DAMAGED = {
    "not a zip": b"<html>Please sign in</html>",
    "empty": b"",
    "truncated": STORED[:-30],
    "a wrong checksum": broken(STORED, b"hello world", b"hellO world"),
    "a broken stream": DEFLATED[:60] + b"\xff" * 40 + DEFLATED[100:],
    "a broken directory": broken(STORED, b"PK\x01\x02", b"PK\x09\x09"),
    "encrypted": broken(
        broken(STORED, b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
        b"PK\x03\x04\x14\x00\x00",
        b"PK\x03\x04\x14\x00\x01",
    ),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_leaves_nothing(tmp_path, content):
    with pytest.raises(BadData, match=r"pets\.zip is damaged or no zip .*download it again"):
        unpacked(tmp_path, content)
    assert left_behind(tmp_path) == ["pets.zip", "raw"]


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_inside_is_named(tmp_path, content):
    with pytest.raises(BadData, match=r"train\.zip in .*pets\.zip is damaged or no zip"):
        unpacked(tmp_path, zip_bytes({"good.jpg": PHOTO, "train.zip": content}))
    assert left_behind(tmp_path) == ["pets.zip", "raw"]


def test_what_was_extracted_before_stays(tmp_path):
    unpacked(tmp_path, zip_bytes({"old.jpg": PHOTO}))
    with pytest.raises(BadData):
        unpacked(tmp_path, DAMAGED["a wrong checksum"])
    assert left_behind(tmp_path / "raw") == ["extracted", "extracted/old.jpg"]
    assert set(unpacked(tmp_path, zip_bytes({"new.jpg": PHOTO}))) == {"new.jpg"}
    assert left_behind(tmp_path / "raw") == ["extracted", "extracted/new.jpg"]


def test_an_archive_cut_off_on_the_way(tmp_path):
    archive = tmp_path / "pets.zip"
    archive.write_bytes(DEFLATED)
    truncate(archive)
    with pytest.raises(BadData, match="not a zip file"):
        extract(archive, tmp_path / "extracted", Progress())


def test_no_archive_at_all(tmp_path):
    with pytest.raises(StorageError, match=r"pets\.zip"):
        extract(tmp_path / "pets.zip", tmp_path / "extracted", Progress())
    assert left_behind(tmp_path) == []


def test_no_room(tmp_path):
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("huge.jpg", b"")
        opened.infolist()[0].file_size = 10**18
    with pytest.raises(StorageError, match=r"Unpacking pets\.zip needs 1000000000\.00 GB"):
        extract(archive, tmp_path / "extracted", Progress())
    assert left_behind(tmp_path) == ["pets.zip"]


def test_progress_is_told_of_each_archive(tmp_path):
    (tmp_path / "pets.zip").write_bytes(zip_bytes({"train.zip": zip_bytes({"1.jpg": PHOTO})}))
    heard = Heard()
    extract(tmp_path / "pets.zip", tmp_path / "extracted", heard)
    assert heard.labels == ["unpack pets.zip", "unpack train.zip"]
