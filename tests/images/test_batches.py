from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers.photos import write_photo
from PIL import Image

from ensembler.competition.pixels import PLAIN
from ensembler.errors import UnreadablePhoto
from ensembler.images.batches import Misfits, count_steps, iterate_pixel_batches, iterate_readable_batches
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos

COUNT, SIZE = 11, 8


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed) for seed in range(COUNT)]


def assert_same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", [FilePhotos, InMemoryPhotos.from_files])
@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 11), (4, [4, 4, 3]), (11, [11]), (50, [11])])
def test_photos_come_in_order(paths, kind, batch_size, sizes):
    found = list(iterate_pixel_batches(kind(paths, SIZE), batch_size))
    assert [len(batch) for batch in found] == sizes
    assert len(found) == count_steps(COUNT, batch_size)
    np.testing.assert_array_equal(np.concatenate(found), [decode_photo(path, SIZE) for path in paths])


@pytest.mark.parametrize("kind", [FilePhotos, InMemoryPhotos.from_files])
def test_some_photos_come_in_the_order_of_their_numbers(paths, kind):
    rows = np.array([7, 0, 7])
    found = list(iterate_pixel_batches(kind(paths, SIZE), 2, rows))
    np.testing.assert_array_equal(np.concatenate(found), [decode_photo(paths[row], SIZE) for row in rows])


@pytest.mark.parametrize(("batch_size", "lengths"), [(4, [4, 4, 3]), (50, [11])])
def test_each_photo_is_decoded_once_for_all_sizes(paths, monkeypatch, batch_size, lengths):
    decoded = []
    real = Image.Image.convert
    monkeypatch.setattr(Image.Image, "convert", lambda photo, mode: decoded.append(photo) or real(photo, mode))
    found = list(iterate_readable_batches(paths, [SIZE, 5, 12], batch_size, PLAIN, Misfits()))
    monkeypatch.undo()
    assert [len(batch) for batch in found] == lengths
    assert len(decoded) == COUNT
    for path, photo in zip(paths, itertools.chain(*found), strict=True):
        assert_same(photo, [decode_photo(path, size) for size in (SIZE, 5, 12)])


def test_a_photo_that_cannot_be_read_is_there_as_its_error(paths, tmp_path):
    files = [paths[0], tmp_path / "nowhere.png", paths[1]]
    [[first, lost, last]] = iterate_readable_batches(files, [SIZE], 4, PLAIN, Misfits())
    assert isinstance(lost, UnreadablePhoto)
    assert_same([first[0], last[0]], [decode_photo(path, SIZE) for path in paths[:2]])


def test_no_photos_are_no_batches():
    assert list(iterate_readable_batches([], [SIZE], 4, PLAIN, Misfits())) == []
    assert list(iterate_pixel_batches(FilePhotos([], SIZE), 4)) == []


def test_an_unreadable_photo_is_named(paths, tmp_path):
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        list(iterate_pixel_batches(FilePhotos([*paths[:-1], tmp_path / "missing.jpg"], SIZE), 4))


@pytest.mark.parametrize(("photos", "batch_size", "count"), [(0, 4, 0), (1, 4, 1), (4, 4, 1), (5, 4, 2)])
def test_steps(photos, batch_size, count):
    assert count_steps(photos, batch_size) == count
