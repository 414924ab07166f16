from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ensembler.engines.transport.contents import ContentStore
from ensembler.engines.transport.messages import Content
from ensembler.engines.transport.node_folder import NodeFolder
from ensembler.errors import StorageError

DAY = 86400


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    store = ContentStore(tmp_path / "contents")
    for number in range(4):
        file = tmp_path / "contents" / "new"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(100))
        digest = f"{number}{number}{number}"
        store.add(digest, file)
        # The first was used longest ago.
        place = store.locate(digest)
        os.utime(place, ns=((int(time.time()) - (4 - number) * DAY) * 10**9, place.stat().st_mtime_ns))
    return store


def kept(store: ContentStore) -> list[int]:
    return [number for number in range(4) if store.has(Content(str(number) * 3, 100))]


@pytest.mark.parametrize(
    ("free", "needed", "left"),
    [(1000, 100, [0, 1, 2, 3]), (200, 0, [1, 2, 3]), (200, 100, [2, 3]), (0, 200, [])],
)
def test_the_least_recently_used_contents_make_room(
    store: ContentStore, monkeypatch: pytest.MonkeyPatch, free: int, needed: int, left: list[int]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    store.make_room(needed)
    assert kept(store) == left


def test_contents_that_jobs_use_stay(store: ContentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.link("000", tmp_path / "in use")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(StorageError, match=r"needs 2\.5 MB in .* only 0\.0 MB are free.* ENSEMBLER_NODE_FOLDER"):
        store.make_room(2_500_000)
    assert kept(store) == [0]


def test_contents_that_nobody_used_for_a_week_are_deleted(store: ContentStore) -> None:
    place = store.locate("333")
    os.utime(place, ns=((int(time.time()) - 8 * DAY) * 10**9, place.stat().st_mtime_ns))
    store.make_room(0)
    assert kept(store) == [0, 1, 2]


def test_only_its_user_reads_the_folder_of_a_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = NodeFolder(tmp_path / "node")
    assert folder.root.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(StorageError, match="another user"):
        NodeFolder(tmp_path / "node")


def test_the_folder_of_a_node_is_chosen_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENSEMBLER_NODE_FOLDER", str(tmp_path / "large disk"))
    assert NodeFolder().root == tmp_path / "large disk"


def test_shared_folders_that_no_job_opened_for_a_week_are_deleted(tmp_path: Path) -> None:
    folder = NodeFolder(tmp_path / "node")
    old, other = folder.open_shared("driver", "/data/pixels"), folder.open_shared("another driver", "/data/pixels")
    assert old != other
    (old / "0.npy").touch()
    assert folder.open_shared("driver", "/data/pixels") == old
    os.utime(old.parent, (0, time.time() - 8 * DAY))
    folder.open_shared("another driver", "/data/pixels")
    assert not old.exists()
    assert other.exists()
