from __future__ import annotations

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.photos import Heard, truncate, write_photo
from helpers.stopping import Stopping
from PIL import Image

from ensembler.errors import Interrupted, StorageError, UnreadablePhoto
from ensembler.images import photo_store
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_store import PhotoStore
from ensembler.locks import hold_lock
from ensembler.progress import SILENT

COUNT = 7
ROWS = np.array([6, 0, 2])


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_store, "PHOTOS_PER_FILE", 3)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [write_photo(tmp_path / "photos" / f"{row}.jpg", row) for row in range(COUNT)]


@pytest.fixture
def store(paths: list[Path], tmp_path: Path) -> PhotoStore:
    return PhotoStore(tmp_path / "store", paths)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_photos_are_those_that_others_decode_and_decoded_once(
    paths: list[Path], store: PhotoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[Image.Image] = []
    real = Image.Image.convert
    monkeypatch.setattr(Image.Image, "convert", lambda photo, mode: decoded.append(photo) or real(photo, mode))
    heard = Heard()
    store.fill([8, 12], heard)
    for size in (8, 12):
        found = store.open_photos(size)
        assert (len(found), found.is_decoded) == (COUNT, True)
        some = store.open_photos(size, ROWS)
        pixels = found.gather(ROWS), some.gather(np.arange(len(ROWS))), [some.read_photo(row) for row in range(3)]
        assert len(decoded) == COUNT
        for given in pixels:
            assert np.array_equal(given, [decode_photo(paths[row], size) for row in ROWS])
        del decoded[COUNT:]
    assert heard.steps == COUNT
    assert names(tmp_path / "store" / "8") == ["00000.npy", "00001.npy", "00002.npy"]
    assert store.count_missing(8) == 0
    # What is given is a copy.
    found.read_photo(0)[:] = 0
    assert np.array_equal(found.read_photo(0), decode_photo(paths[0], 12))


@pytest.mark.parametrize("trouble", ["deleted", "truncated", "another shape"])
def test_what_is_missing_is_decoded_and_made_again(
    trouble: str, paths: list[Path], store: PhotoStore, tmp_path: Path
) -> None:
    store.fill([8], SILENT)
    file = tmp_path / "store" / "8" / "00000.npy"
    if trouble == "deleted":
        file.unlink()
    elif trouble == "truncated":
        truncate(file)
    else:
        np.save(file, np.zeros((2, 8, 8, 3), np.uint8))
    assert store.count_missing(8) == 3
    found = store.open_photos(8, ROWS)
    assert not found.is_decoded
    assert np.array_equal(found.gather(np.arange(3)), [decode_photo(paths[row], 8) for row in ROWS])
    # Those of the last file are all there.
    assert store.open_photos(8, np.array([6])).is_decoded
    heard = Heard()
    store.fill([8], heard)
    assert heard.steps == 3
    assert store.open_photos(8, ROWS).is_decoded


def test_finished_files_outlast_an_interruption(store: PhotoStore, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        store.fill([8], Stopping(1))
    assert names(tmp_path / "store" / "8") == ["00000.npy"]
    heard = Heard()
    store.fill([8], heard)
    assert heard.steps == COUNT - 3


def test_a_photo_that_cannot_be_read_leaves_no_half_written_file(
    paths: list[Path], store: PhotoStore, tmp_path: Path
) -> None:
    truncate(paths[4])
    with pytest.raises(UnreadablePhoto, match=r"4\.jpg"):
        store.fill([8], SILENT)
    assert names(tmp_path / "store" / "8") == ["00000.npy"]


def test_only_the_files_of_the_needed_photos_are_written(store: PhotoStore, tmp_path: Path) -> None:
    heard = Heard()
    store.fill([8], heard, np.array([6, 5]))
    assert names(tmp_path / "store" / "8") == ["00001.npy", "00002.npy"]
    assert (heard.totals, heard.steps) == ([4], 4)
    assert store.open_photos(8, np.array([6, 3])).is_decoded


def test_those_who_fill_one_store_decode_each_photo_once(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_store, "PHOTOS_PER_FILE", 1)
    decoded: list[Path] = []
    real = photo_store.decode_at_sizes

    def decode_slowly(path: Path, *rest: Any) -> Any:
        decoded.append(path)
        time.sleep(0.05)
        return real(path, *rest)

    monkeypatch.setattr(photo_store, "decode_at_sizes", decode_slowly)
    stores = [PhotoStore(tmp_path / "store", paths, locks=tmp_path / "locks") for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda store: (store.fill([8], SILENT), store.open_photos(8))[1], stores))
    assert sorted(decoded) == sorted(paths)
    assert all(photos.is_decoded for photos in found)
    assert not stores[0].is_being_filled()


def test_a_file_that_another_process_writes_is_waited_for(paths: list[Path], tmp_path: Path) -> None:
    store = PhotoStore(tmp_path / "store", paths, locks=tmp_path / "locks")
    with hold_lock(tmp_path / "locks" / "00001", "it"):
        assert store.is_being_filled()
        with pytest.raises(Interrupted):
            store.fill([8], Stopping(4))
        assert names(tmp_path / "store" / "8") == ["00000.npy", "00002.npy"]
    store.fill([8], SILENT)
    assert store.open_photos(8).is_decoded


def test_nothing_to_decode(tmp_path: Path) -> None:
    heard = Heard()
    PhotoStore(tmp_path, []).fill([8], heard)
    assert heard.labels == []


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="memory is read from /proc")
def test_what_was_read_is_not_held(tmp_path: Path) -> None:
    size = 500
    paths = [write_photo(tmp_path / f"{row}.png", row) for row in range(8)]
    store = PhotoStore(tmp_path / "store", paths)
    store.fill([size], SILENT)
    photos = store.open_photos(size)
    photos.gather(np.arange(8))
    maps = Path("/proc/self/smaps").read_text().split(str(tmp_path / "store"))[1:]
    held = [int(line.split()[1]) for mapped in maps for line in mapped.splitlines() if line.startswith("Rss:")]
    assert len(maps) == 3
    assert max(held[:1]) < 8 * size * size * 3 / 1024 / 4


def test_a_full_disk_is_an_error_before_photos_are_written(
    store: PhotoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, start: int, size: int) -> None:
        # All bytes are reserved, those of the header too.
        assert (start, size) == (0, os.fstat(descriptor).st_size)
        assert size > 3 * 12 * 12 * 3
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(StorageError, match=r"store.12.00000\.npy: No space left on device; free some space"):
        store.fill([12], SILENT)
    assert names(tmp_path / "store" / "12") == []


def test_a_disk_that_cannot_reserve_space_is_used(store: PhotoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    store.fill([12], SILENT)
    assert store.count_missing(12) == 0
