"""A disk that is full or takes nothing: one sentence, nothing half-written, and a later run goes on."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.photos import write_photos

from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.workflows.fetch.adopt import adopt

pytestmark = pytest.mark.skipif(os.name != "posix", reason="disks are limited by POSIX means")
# What is left free: the tables and logs of a run fit, a network does not.
FREE = 96 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    photos = write_photos(tmp_path / "photos", *(f"{'ab'[row % 2]}/{row}.png" for row in range(40)))
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    adopt(photos, "made", workspace=workspace)
    return workspace.competition("made")


def train_members(folder: CompetitionFolder, most_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
    """Type the command; no file of it may have more bytes than told."""

    def limit() -> None:
        if most_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    typed = ["--members", "demo-dense", "--weights", "none", "--folds", "2", "--epochs", "2"]
    command = [sys.executable, "-m", "ensembler", "--data", str(folder.root.parent), "train-members", *typed]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)


@contextlib.contextmanager
def file_system_at(place: Path) -> Iterator[Path]:
    """Put what lies at a place onto a small file system of its own."""
    aside = place.with_name("aside")
    place.rename(aside)
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(place)], check=True)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def assert_whole(folder: CompetitionFolder) -> None:
    """Nothing is left half-written, and what says that a fold is finished tells the truth."""
    names = [path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*")]
    assert not [name for name in names if ".writing-" in name]
    assert not [name for name in names if name.endswith(("fold.json", ".keras", "checkpoint.npz"))]
    for path in folder.root.rglob("*.json"):
        read_json(path)


def assert_sentence(ended: subprocess.CompletedProcess[str], words: str) -> None:
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: Cannot write or read ")
    assert words in last
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_files_that_grow_no_further(folder: CompetitionFolder) -> None:
    assert_sentence(train_members(folder, FREE), "File too large; choose a folder on a file system for larger files")
    assert_whole(folder)


@pytest.mark.slow
def test_a_full_disk_and_then_room(folder: CompetitionFolder) -> None:
    with file_system_at(folder.root.parent) as place:
        ballast = place / "ballast"
        with ballast.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(4096))
        os.truncate(ballast, ballast.stat().st_size - FREE)
        assert_sentence(train_members(folder), "No space left on device; free some space")
        assert_whole(folder)
        ballast.unlink()
        ended = train_members(folder)
        assert (ended.returncode, ended.stderr.count("Error")) == (0, 0)
        assert len(list(folder.root.rglob("fold.json"))) == 2


def test_a_disk_that_is_read_only(folder: CompetitionFolder) -> None:
    with file_system_at(folder.root.parent) as place:
        before = sorted(place.rglob("*"))
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        ended = train_members(folder)
        assert sorted(place.rglob("*")) == before
    assert_sentence(ended, "Read-only file system; change its permissions")
