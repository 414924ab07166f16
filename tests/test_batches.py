from __future__ import annotations

from itertools import chain, islice

import numpy as np
import pytest
from photos import write_photo

from ensembler.errors import UnreadablePhoto
from ensembler.images import batches
from ensembler.images.batches import pixel_batches, steps, training_batches
from ensembler.images.decoding import decode_photo

COUNT = 11


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed) for seed in range(COUNT)]


TARGETS = np.arange(COUNT, dtype=np.float32)[:, None]


def first_epochs(paths, batch_size=4, epochs=1, seed=0):
    """Batches of some epochs, a list for each."""
    flow = training_batches(paths, TARGETS, 8, batch_size, seed)
    found = [list(islice(flow, steps(COUNT, batch_size))) for _ in range(epochs)]
    flow.close()
    return found


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 11), (4, [4, 4, 3]), (11, [11]), (50, [11])])
def test_photos_come_in_order(paths, batch_size, sizes):
    found = list(pixel_batches(paths, 8, batch_size))
    assert [len(batch) for batch in found] == sizes
    assert len(found) == steps(COUNT, batch_size)
    np.testing.assert_array_equal(np.concatenate(found), [decode_photo(path, 8) for path in paths])


def test_no_photos_are_no_batches():
    assert list(pixel_batches([], 8, 4)) == []


@pytest.mark.parametrize("memory", [0, batches.IN_MEMORY])
def test_each_epoch_has_each_photo_once_in_a_new_order(paths, monkeypatch, memory):
    monkeypatch.setattr(batches, "IN_MEMORY", memory)
    orders = []
    for epoch in first_epochs(paths, epochs=3):
        for photos, targets in epoch:
            expected = [decode_photo(paths[int(row)], 8) for row in targets[:, 0]]
            np.testing.assert_array_equal(photos, expected)
        orders.append(np.concatenate([targets[:, 0] for _, targets in epoch]).tolist())
    assert all(sorted(order) == TARGETS[:, 0].tolist() for order in orders)
    assert len(set(map(tuple, orders))) == 3


def rows(epochs):
    return [targets[:, 0].tolist() for epoch in epochs for _, targets in epoch]


def test_the_seed_alone_decides_the_order(paths):
    assert rows(first_epochs(paths, epochs=2, seed=5)) == rows(first_epochs(paths, epochs=2, seed=5))
    assert rows(first_epochs(paths, seed=5)) != rows(first_epochs(paths, seed=6))


def test_photos_in_memory_and_streamed_are_the_same(paths, monkeypatch):
    held = first_epochs(paths, epochs=2)
    monkeypatch.setattr(batches, "IN_MEMORY", 0)
    streamed = first_epochs(paths, epochs=2)
    assert rows(held) == rows(streamed)
    for (one, _), (other, _) in zip(chain(*held), chain(*streamed), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("memory", "times"), [(0, 3 * COUNT), (COUNT * 8 * 8 * 3, COUNT)])
def test_what_fits_into_memory_is_decoded_once(paths, monkeypatch, memory, times):
    decoded = []
    monkeypatch.setattr(batches, "IN_MEMORY", memory)
    monkeypatch.setattr(batches, "decode_photo", lambda path, size: decoded.append(path) or decode_photo(path, size))
    first_epochs(paths, epochs=3)
    assert len(decoded) == times


def test_an_unreadable_photo_is_named(paths, tmp_path):
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        list(pixel_batches([*paths, tmp_path / "missing.jpg"], 8, 4))


@pytest.mark.parametrize(("photos", "batch_size", "count"), [(0, 4, 0), (1, 4, 1), (4, 4, 1), (5, 4, 2)])
def test_steps(photos, batch_size, count):
    assert steps(photos, batch_size) == count
