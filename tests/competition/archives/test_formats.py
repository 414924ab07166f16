from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from helpers.archives_made import seven_zip_bytes, tar_bytes
from helpers.photos import zip_bytes

from ensembler.competition.archives.formats import describe_format, is_archive, open_archive
from ensembler.competition.archives.members import ArchiveEntry, EncryptedArchive

FILES = {"a/1.txt": b"one", "2.txt": b"twotwo"}
ARCHIVES = {
    "x.zip": zip_bytes({**FILES, "folder/": b""}),
    "x.7z": seven_zip_bytes(FILES),
    "x.tar": tar_bytes(FILES),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((f"train.{kind}", kind) for kind in ("zip", "7z", "tar", "tgz", "gz", "bz2", "xz", "tbz2", "txz")),
        ("TRAIN.ZIP", "zip"),
        ("train.csv.gz", "gz"),
        *((name, None) for name in ("train.csv", "zip", "train", "train.rar", "train.zip.001", "train.tfrec")),
    ],
)
def test_archives_are_known_by_their_suffix(name, kind):
    assert is_archive(Path(name)) is (kind is not None)
    assert describe_format(Path(name)) == (kind or "zip")


class Sinks:
    def __init__(self):
        self.files = {}

    def __call__(self, member):
        self.files[member.name] = io.BytesIO()
        return _Kept(self.files[member.name])

    def content(self):
        return {name: stream.getvalue() for name, stream in self.files.items()}


class _Kept:
    """Lends a stream that stays open."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self.stream

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("name", ARCHIVES)
def test_all_kinds_are_read_alike(tmp_path, name):
    (tmp_path / name).write_bytes(ARCHIVES[name])
    sinks = Sinks()
    with open_archive(tmp_path / name) as opened:
        files = [member for member in opened.entries if member.kind == "file"]
        assert files == [ArchiveEntry("a/1.txt", "file", 3), ArchiveEntry("2.txt", "file", 6)]
        opened.unpack(files, sinks)
    assert sinks.content() == FILES


@pytest.mark.parametrize("name", ARCHIVES)
def test_some_files_alone(tmp_path, name):
    (tmp_path / name).write_bytes(ARCHIVES[name])
    sinks = Sinks()
    with open_archive(tmp_path / name) as opened:
        opened.unpack([member for member in opened.entries if member.name == "2.txt"], sinks)
    assert sinks.content() == {"2.txt": b"twotwo"}


@pytest.mark.parametrize(
    ("name", "inside"), [("train.csv.gz", "train.csv"), ("train.tar.gz", "train.tar"), ("train.tgz", "train.tar")]
)
def test_a_compressed_file_is_one_member(tmp_path, name, inside):
    (tmp_path / name).write_bytes(gzip.compress(b"content", mtime=0))
    sinks = Sinks()
    with open_archive(tmp_path / name) as opened:
        assert opened.entries == [ArchiveEntry(inside, "file")]
        opened.unpack(opened.entries, sinks)
    assert sinks.content() == {inside: b"content"}


def test_encrypted_members_and_names(tmp_path):
    (tmp_path / "x.7z").write_bytes(seven_zip_bytes(FILES, "secret"))
    with open_archive(tmp_path / "x.7z") as opened:
        assert all(member.encrypted for member in opened.entries)
    (tmp_path / "x.7z").write_bytes(seven_zip_bytes(FILES, "secret", hide_names=True))
    with pytest.raises(EncryptedArchive), open_archive(tmp_path / "x.7z"):
        pass
