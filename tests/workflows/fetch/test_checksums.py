from __future__ import annotations

import hashlib
import os

import pytest
from helpers.photos import Heard

from ensembler.workflows.fetch.checksums import is_another, write_checksum

CONTENT, OTHER = b"what was unpacked", b"something else...."[:17]


@pytest.fixture
def folder(workspace):
    folder = workspace.competition("pets")
    folder.raw.mkdir(parents=True)
    folder.archive.write_bytes(CONTENT)
    return folder


@pytest.fixture
def given(tmp_path, folder):
    """Another file, by default of another time than ours."""

    def write(content, same_time=False):
        path = tmp_path / "given.zip"
        path.write_bytes(content)
        moment = folder.archive.stat().st_mtime_ns if same_time else 10**18
        os.utime(path, ns=(moment, moment))
        return path

    return write


def test_the_checksum_is_what_others_write(folder):
    heard = Heard()
    write_checksum(folder, heard)
    assert folder.digest.read_text() == f"{hashlib.sha256(CONTENT).hexdigest()}  pets.zip\n"
    assert (heard.labels, heard.totals, heard.steps, heard.finished) == (["checksum of pets.zip"], [17], 17, 1)


@pytest.mark.parametrize(
    ("content", "same_time", "another", "read"),
    [
        (CONTENT, True, False, []),
        (CONTENT + b"more", False, True, []),
        (CONTENT, False, False, ["checksum of given.zip"]),
        (OTHER, False, True, ["checksum of given.zip"]),
    ],
)
def test_which_archive_is_the_same(folder, given, content, same_time, another, read):
    write_checksum(folder, Heard())
    heard = Heard()
    assert is_another(given(content, same_time), folder, heard) is another
    assert heard.labels == read


@pytest.mark.parametrize(("content", "another"), [(CONTENT, False), (OTHER, True)])
def test_a_checksum_outlives_its_archive(folder, given, content, another):
    write_checksum(folder, Heard())
    folder.archive.unlink()
    assert is_another(given(content), folder, Heard()) is another


def test_a_checksum_that_nobody_wrote_down_is_taken_now(folder, given):
    assert not is_another(given(CONTENT), folder, Heard())
    assert folder.digest.is_file()


def test_what_nobody_knows_is_another(folder, given):
    folder.archive.unlink()
    assert is_another(given(CONTENT), folder, Heard())
