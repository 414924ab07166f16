from __future__ import annotations

import io

import pytest
from helpers.photos import photo_bytes
from PIL import Image

from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.pictures.file_kinds import (
    OTHER,
    PHOTO,
    SYSTEM,
    list_photo_suffixes,
    recognise_content,
    walk_files,
)
from ensembler.errors import BadData

HEIC = b"\0\0\0\x18ftypheic" + bytes(40)


def bytes_in(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, kind)
    return buffer.getvalue()


def kinds_below(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return dict(walk_files(root))


def test_folders_of_systems_are_entered_on_request(tmp_path):
    files = {"__MACOSX/train/1.jpg": b"", ".git/objects/1.png": b"", "train/1.jpg": b""}
    assert kinds_below(tmp_path, files) == {"train/1.jpg": PHOTO}
    entered = dict(walk_files(tmp_path, enter_systems=True))
    assert entered == {path: PHOTO if path == "train/1.jpg" else SYSTEM for path in files}


def test_suffixes_of_photos_are_those_that_pillow_decodes():
    suffixes = list_photo_suffixes()
    assert {".jpg", ".jfif", ".avif", ".ppm", ".pgm", ".jp2", ".webp", ".tiff", ".png"} <= suffixes
    assert not {".pdf", ".eps", ".mpg", ".h5", ".csv", ".wmf"} & suffixes


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("1.JFIF", b"", PHOTO),
        ("a/1.ppm", b"", PHOTO),
        ("1", photo_bytes(1), PHOTO),
        ("img.0007", photo_bytes(1, ".png"), PHOTO),
        ("1.heic", HEIC, "HEIC"),
        ("1", HEIC, "HEIC"),
        ("a/1.dcm", b"", "DICOM"),
        ("1", bytes(128) + b"DICM", "DICOM"),
        ("1.npy", b"", "NumPy"),
        ("1.MP4", b"", "video"),
        ("LICENSE", b"Permission is granted", OTHER),
        ("notes.txt", photo_bytes(1), OTHER),
        ("a/empty", b"", OTHER),
        (".hidden.jpg", b"", SYSTEM),
        ("a/Thumbs.db", b"", SYSTEM),
        ("~$train.csv", b"", SYSTEM),
    ],
)
def test_the_kind_of_a_file(tmp_path, name, content, kind):
    assert kinds_below(tmp_path, {name: content}) == {name: kind}


@pytest.mark.parametrize(
    "name", ["a/.ipynb_checkpoints/1.jpg", "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/a/1.jpg"]
)
def test_folders_of_systems_are_not_entered(tmp_path, name):
    assert kinds_below(tmp_path, {name: photo_bytes(1), "a/1.jpg": photo_bytes(1)}) == {"a/1.jpg": PHOTO}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "PPM", "QOI", "AVIF"])
def test_a_photo_without_a_suffix_is_known_by_its_first_bytes(tmp_path, kind):
    (tmp_path / "photo").write_bytes(bytes_in(kind))
    assert recognise_content(tmp_path / "photo") == PHOTO


def test_photos_and_pictures_of_other_formats_are_told_apart(tmp_path):
    kinds_below(tmp_path, {"a/1": photo_bytes(1), "a/2.avif": b"", "a/3.heic": HEIC, "b.csv": b"", ".x/4.jpg": b""})
    photos = PhotoFiles.list_below(tmp_path)
    assert photos.paths == ("a/1", "a/2.avif")
    assert photos.undecodable == {"a/3.heic": "HEIC"}


def test_a_folder_of_other_formats_alone_names_them(tmp_path):
    kinds_below(tmp_path, {"1.heic": HEIC, "2.heic": HEIC, "3.dcm": b""})
    with pytest.raises(BadData, match=r"its pictures cannot be decoded here \(2 HEIC, 1 DICOM\)"):
        PhotoFiles.list_below(tmp_path)
