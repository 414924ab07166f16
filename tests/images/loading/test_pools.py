"""Processes that decode photos: the same pixels, errors that are told, and an end with the process that began them."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.photos import write_photo

from ensembler.competition.pixels import PLAIN
from ensembler.errors import StorageError, UnreadablePhoto
from ensembler.images.batches import Misfits, iterate_pixel_batches, iterate_readable_batches
from ensembler.images.decoding import decode_photo
from ensembler.images.loading import pools
from ensembler.images.loading.pools import Pool, map_photos, open_pool
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos
from ensembler.images.photo_store import PhotoStore
from ensembler.images.row_photos import RotatedPhotos
from ensembler.images.training_photos import TrainingPhotos
from ensembler.progress import SILENT

COUNT, SIZE = 40, 8
TARGETS = np.eye(COUNT, dtype=np.float32)


@pytest.fixture(scope="module")
def pool():
    """Return two processes, which all tests share."""
    pool = Pool(2, uses_processes=True)
    pool.start()
    yield pool
    pool.close()


@pytest.fixture
def processes(pool, monkeypatch):
    """Have all work done by processes."""
    monkeypatch.setattr(pools, "MIN_PHOTOS", 0)
    monkeypatch.setattr(pools, "get_process_pool", lambda: pool)
    return pool


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed) for seed in range(COUNT)]


def make_source(kind, paths, folder):
    if kind == "store":
        store = PhotoStore(folder, paths)
        store.fill([SIZE], SILENT)
        return store.open_photos(SIZE)
    if kind == "rotated":
        return RotatedPhotos(FilePhotos(paths, SIZE), np.arange(COUNT)[::-1], np.arange(COUNT) % 4)
    return {"files": FilePhotos, "memory": InMemoryPhotos}[kind](paths, SIZE)


def make_epoch(source, augmentation, number=1, first_batch=0):
    batches = TrainingPhotos(source, TARGETS).iterate_epoch(
        number, batch_size=12, seed=3, augmentation=augmentation, first_batch=first_batch, accumulation_steps=2
    )
    # The batches are copied, because their memory is used again.
    return [tuple(np.array(part) for part in batch) for batch in batches]


def assert_same(one, other):
    assert len(one) == len(other) > 0
    for batch, expected in zip(one, other, strict=True):
        for part, other_part in zip(batch, expected, strict=True):
            np.testing.assert_array_equal(part, other_part)


@pytest.mark.parametrize("augmentation", ["none", "crops", "pixels", "strong"])
@pytest.mark.parametrize("kind", ["files", "memory", "store", "rotated"])
def test_processes_make_the_same_epoch_as_threads(paths, pool, monkeypatch, tmp_path, kind, augmentation):
    expected = make_epoch(make_source(kind, paths, tmp_path / "one"), augmentation)
    monkeypatch.setattr(pools, "MIN_PHOTOS", 0)
    monkeypatch.setattr(pools, "get_process_pool", lambda: pool)
    source = make_source(kind, paths, tmp_path / "other")
    assert_same(make_epoch(source, augmentation), expected)
    # Once more, when the photos of memory are decoded, and resumed.
    assert source.is_decoded == (kind in {"memory", "store"})
    assert_same(make_epoch(source, augmentation, first_batch=1), expected[2:])


def test_photos_in_memory_are_decoded_once_for_all_processes(paths, processes, tmp_path):
    copies = [write_photo(tmp_path / path.name, seed) for seed, path in enumerate(paths)]
    source = InMemoryPhotos(copies, SIZE)
    assert not source.is_decoded
    expected = make_epoch(source, "crops")
    assert source.is_decoded
    for path in copies:
        path.unlink()
    assert_same(make_epoch(source, "crops"), expected)
    with pytest.raises(ValueError, match="read-only"):
        source.read_photo(0)[:] = 0


def test_batches_to_predict_are_the_same_and_may_be_kept(paths, processes):
    kept = list(iterate_pixel_batches(FilePhotos(paths, SIZE), 1))
    np.testing.assert_array_equal(np.concatenate(kept), [decode_photo(path, SIZE) for path in paths])


def test_photos_at_several_sizes_come_with_errors_in_their_place(paths, processes, tmp_path):
    files = [paths[0], tmp_path / "missing.png", *paths[1:]]
    found = [photo for batch in iterate_readable_batches(files, [SIZE, 5], 9, PLAIN, Misfits()) for photo in batch]
    assert isinstance(found[1], UnreadablePhoto)
    assert "missing.png" in str(found.pop(1))
    for photo, path in zip(found, paths, strict=True):
        assert_same([photo], [[decode_photo(path, size) for size in (SIZE, 5)]])


def test_memory_is_used_again_when_nobody_refers_to_it(processes):
    first = processes.allocate((3, 4))
    memory, pixels = first.memory, processes.deliver(first)[1:, :2]
    pixels[:] = 7
    del first
    gc.collect()
    assert processes.allocate((3, 4)).memory is not memory
    assert (pixels == 7).all()
    del pixels
    gc.collect()
    assert memory in processes._free


def test_an_unreadable_photo_is_named(paths, processes, tmp_path):
    for augmentation in ("none", "strong"):
        with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
            make_epoch(FilePhotos([*paths[:-1], tmp_path / "missing.jpg"], SIZE), augmentation)
    # The processes go on.
    assert len(make_epoch(FilePhotos(paths, SIZE), "none")) == 8


def test_a_bug_keeps_its_traceback(pool):
    with pytest.raises(AttributeError, match="no attribute 'read'") as caught:
        pool.submit(pool.call, decode_photo, 5, SIZE).result()
    assert "decoding.py" in caught.value.__notes__[0]


def test_a_killed_process_is_told_and_replaced(paths):
    pool = Pool(1, uses_processes=True)
    try:
        number = pool.submit(pool.call, os.getpid).result()
        assert number != os.getpid()
        os.kill(number, signal.SIGKILL)
        with pytest.raises(StorageError, match=r"A process that decodes photos was ended by SIGKILL.*run the command"):
            pool.submit(pool.call, os.getpid).result()
        assert pool.submit(pool.call, os.getpid).result() not in {number, os.getpid()}
    finally:
        pool.close()


def test_threads_take_over_where_no_process_can_be_started(paths, monkeypatch, caplog):
    def refuse() -> Any:
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(pools, "WorkerProcess", refuse)
    pool = Pool(2, uses_processes=True)
    monkeypatch.setattr(pools, "MIN_PHOTOS", 0)
    monkeypatch.setattr(pools, "get_process_pool", lambda: pool)
    found = make_epoch(FilePhotos(paths, SIZE), "strong")
    pool.close()
    monkeypatch.undo()
    assert_same(found, make_epoch(FilePhotos(paths, SIZE), "strong"))
    assert "Photos are decoded by threads, because no further process can be started" in caplog.text


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


PARENT = """
import os, signal, sys, time
from ensembler.images.loading.pools import Pool
pool = Pool(2, uses_processes=True)
memory = pool.allocate((1000, 1000))
pool.start()
print(*[worker.number for worker in pool._workers], flush=True)
working = [pool.submit(pool.call, time.sleep, 0.2) for _ in range(3)]
{end}
"""


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "pool.close()", "pass"])
def test_processes_end_with_the_one_that_started_them(end):
    ended = subprocess.run([sys.executable, "-c", PARENT.format(end=end)], stdout=subprocess.PIPE, text=True)
    numbers = [int(number) for number in ended.stdout.split()]
    assert len(numbers) == 2
    deadline = time.monotonic() + 20
    while any(map(is_running, numbers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_running, numbers))


def test_a_worker_ignores_ctrl_c_and_memory_has_no_name(pool):
    before = set(Path("/dev/shm").iterdir())
    memory = pool.allocate((100, 100))
    for worker in pool._workers:
        os.kill(worker.number, signal.SIGINT)
    pool.submit(pool.call, np.size, memory).result()
    assert set(Path("/dev/shm").iterdir()) == before
    assert all(is_running(worker.number) for worker in pool._workers)


LOADED = "' '.join({name.partition('.')[0] for name in __import__('sys').modules})"


def test_a_process_is_light(paths, processes):
    make_epoch(RotatedPhotos(InMemoryPhotos(paths, SIZE), np.arange(COUNT), np.arange(COUNT) % 4), "strong")
    loaded = set(processes.submit(processes.call, eval, LOADED).result().split())
    assert {"numpy", "PIL"} <= loaded
    assert not loaded & {"tensorflow", "keras", "jax", "pandas", "scipy", "sklearn", "rich", "click", "msgspec"}


def test_a_function_that_a_process_does_not_have_is_an_error(pool):
    with pytest.raises(ModuleNotFoundError, match="test_pools"):
        pool.submit(pool.call, is_running, 1).result()


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_results_keep_the_order(processes, count):
    with map_photos(abs, range(-count, 0)) as results:
        assert list(results) == list(range(count, 0, -1))


def test_no_item_is_begun_after_the_block() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.001)
        return item

    with map_photos(work, range(200)) as results:
        assert [next(results) for _ in range(5)] == list(range(5))
    count = len(begun)
    assert count < 200
    time.sleep(0.01)
    assert len(begun) == count


def test_few_photos_need_no_processes() -> None:
    with open_pool(pools.MIN_PHOTOS - 1) as few:
        assert not few.uses_processes


@pytest.mark.parametrize(
    ("kind", "augmentation", "least", "starts"),
    [
        ("files", "none", COUNT, True),
        ("files", "none", COUNT + 1, False),
        ("memory", "none", COUNT, True),
        ("store", "none", COUNT, False),
        ("store", "crops", COUNT, True),
    ],
)
def test_processes_start_ahead_where_an_epoch_will_use_them(
    paths, pool, monkeypatch, tmp_path, kind, augmentation, least, starts
):
    begun = []
    monkeypatch.setattr(pools, "get_process_pool", lambda: pool)
    monkeypatch.setattr(pool, "begin_start", lambda: begun.append(True))
    photos = TrainingPhotos(make_source(kind, paths, tmp_path), TARGETS)
    monkeypatch.setattr(pools, "MIN_PHOTOS", least)
    photos.start_loading(augmentation)
    assert bool(begun) == starts
