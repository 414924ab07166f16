from __future__ import annotations

import os
import threading
from typing import get_args

import numpy as np
import pytest
from helpers.photos import write_photo

from ensembler.errors import UnreadablePhoto
from ensembler.images.augmentation import Augmentation
from ensembler.images.augmentation.photos import augment_photo
from ensembler.images.batches import count_steps
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import FilePhotos, InMemoryPhotos
from ensembler.images.photo_store import PhotoStore
from ensembler.images.training_photos import TrainingPhotos, shuffle_rows
from ensembler.progress import SILENT

COUNT, SIZE = 11, 8
KINDS = get_args(Augmentation)
TARGETS = np.eye(COUNT, dtype=np.float32)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed) for seed in range(COUNT)]


SOURCES = {"files": FilePhotos, "memory": InMemoryPhotos.from_files}


@pytest.fixture(scope="module", params=[*SOURCES, "store"])
def source(request, paths, tmp_path_factory):
    """Return the photos from each kind of source."""
    if request.param != "store":
        return SOURCES[request.param](paths, SIZE)
    store = PhotoStore(tmp_path_factory.mktemp("store"), paths)
    store.fill([SIZE], SILENT)
    return store.open_photos(SIZE)


def epoch(photos, number=0, batch_size=4, seed=0, augmentation="none", accumulation_steps=1):
    """Return all batches of one epoch of a source or of paths."""
    source = FilePhotos(photos, SIZE) if isinstance(photos, list) else photos
    photos = TrainingPhotos(source, TARGETS[: len(source)])
    return list(
        photos.iterate_epoch(
            number, batch_size=batch_size, seed=seed, augmentation=augmentation, accumulation_steps=accumulation_steps
        )
    )


def joined(found):
    """Concatenate the pixels, targets and weights of all batches."""
    return [np.concatenate(arrays) for arrays in zip(*found, strict=True)]


def assert_same(one, other):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("batch_size", [1, 4, 11, 50])
def test_each_photo_counts_once_an_epoch_and_all_batches_have_one_size(paths, source, batch_size):
    found = epoch(source, batch_size=batch_size)
    assert len(found) == count_steps(COUNT, batch_size)
    for pixels, targets, weights in found:
        assert (pixels.shape, pixels.dtype) == ((batch_size, SIZE, SIZE, 3), np.uint8)
        assert (targets.shape, targets.dtype) == ((batch_size, COUNT), np.float32)
        assert (weights.shape, weights.dtype) == ((batch_size,), np.float32)
    pixels, targets, weights = joined(found)
    np.testing.assert_array_equal(targets.T @ weights, np.ones(COUNT))
    assert set(weights) <= {0.0, 1.0}
    np.testing.assert_array_equal(pixels, [decode_photo(paths[row], SIZE) for row in targets.argmax(axis=1)])


def test_a_batch_is_filled_with_different_photos(paths):
    *_, (_, targets, weights) = epoch(paths, batch_size=4)
    assert weights.tolist() == [1, 1, 1, 0]
    assert len(set(targets.argmax(axis=1))) == 4


def rows(found):
    _, targets, weights = joined(found)
    return targets[weights > 0].argmax(axis=1).tolist()


def test_the_order_depends_on_seed_and_epoch_alone(paths):
    photos = TrainingPhotos(FilePhotos(paths, SIZE), TARGETS)
    orders = {
        (number, seed): rows(photos.iterate_epoch(number, batch_size=4, seed=seed, augmentation=augmentation))
        for augmentation in ("pixels", "none")
        for number, seed in [(2, 5), (0, 5), (1, 5), (0, 6)]
    }
    for (number, seed), order in orders.items():
        assert order == rows(epoch(paths, number, 3, seed)) == shuffle_rows(COUNT, number, seed).tolist()
    assert len(set(map(tuple, orders.values()))) == 4


@pytest.mark.parametrize("augmentation", KINDS)
def test_an_epoch_is_the_same_whatever_came_before_and_wherever_photos_are(paths, source, monkeypatch, augmentation):
    photos = TrainingPhotos(source, TARGETS)
    asked = {"batch_size": 4, "seed": 7, "augmentation": augmentation}
    first, second = (joined(photos.iterate_epoch(number, **asked)) for number in (0, 1))
    for cores in (1, 7):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert_same(joined(epoch(paths, 1, seed=7, augmentation=augmentation)), second)
    assert_same(joined(photos.iterate_epoch(0, **asked)), first)


@pytest.mark.parametrize("augmentation", KINDS)
@pytest.mark.parametrize(("batch_size", "parts"), [(4, 2), (4, 4), (8, 2), (50, 10)])
def test_parts_make_up_the_batch(paths, augmentation, batch_size, parts):
    whole = epoch(paths, batch_size=batch_size, augmentation=augmentation)
    found = epoch(paths, batch_size=batch_size, augmentation=augmentation, accumulation_steps=parts)
    assert len(found) == parts * len(whole)
    assert {len(pixels) for pixels, _, _ in found} == {batch_size // parts}
    for index, batch in enumerate(whole):
        assert_same(joined(found[parts * index : parts * (index + 1)]), batch)


@pytest.mark.parametrize("augmentation", ["none", "crops", "pixels"])
def test_smaller_batches_are_the_larger_ones_cut_up(paths, augmentation):
    small, large = (joined(epoch(paths, batch_size=size, augmentation=augmentation)) for size in (3, 6))
    assert_same(small, large)


def test_what_does_not_divide_is_refused(paths):
    with pytest.raises(ValueError, match="equal division"):
        epoch(paths, accumulation_steps=3)


@pytest.mark.parametrize("augmentation", ["crops", "pixels", "strong"])
def test_each_photo_is_changed_by_numbers_of_its_own(paths, augmentation):
    found = epoch([paths[0]] * COUNT, batch_size=COUNT, augmentation=augmentation)
    again = epoch([paths[0]] * COUNT, number=1, batch_size=COUNT, augmentation=augmentation)
    assert len({photo.tobytes() for photo in found[0][0]}) > 4
    assert {photo.tobytes() for photo in found[0][0]} != {photo.tobytes() for photo in again[0][0]}


def augmented(paths, row, augmentation, number, seed):
    """What a photo becomes in an epoch, made one by one."""
    return augment_photo(decode_photo(paths[row], SIZE), augmentation, np.random.default_rng([seed, number, 1, row]))


@pytest.mark.parametrize("augmentation", ["none", "crops", "pixels"])
def test_each_photo_is_changed_as_asked_for(paths, augmentation):
    pixels, targets, _ = joined(epoch(paths, number=2, seed=9, augmentation=augmentation))
    expected = [augmented(paths, row, augmentation, 2, 9) for row in targets.argmax(axis=1)]
    np.testing.assert_array_equal(pixels, expected)


def test_order_photos_and_batches_draw_different_numbers(paths, monkeypatch):
    make_generator, numbers = np.random.default_rng, set()

    def record_number(key):
        numbers.add(make_generator(key).random())
        return make_generator(key)

    monkeypatch.setattr(np.random, "default_rng", record_number)
    epoch(paths, seed=3, augmentation="strong")
    assert len(numbers) == 1 + COUNT + count_steps(COUNT, 4)


def test_photos_that_fill_up_are_not_mixed_with_those_that_count(paths):
    mixed = 0
    for seed in range(20):
        pixels, targets, weights = joined(epoch(paths, batch_size=8, seed=seed, augmentation="strong"))
        filler = weights == 0
        order = shuffle_rows(COUNT, 0, seed)
        np.testing.assert_array_equal(targets[filler], TARGETS[np.resize(order, 16)[filler]])
        for photo, target in zip(pixels[filler], targets[filler], strict=True):
            np.testing.assert_array_equal(photo, augmented(paths, int(target.argmax()), "strong", 0, seed))
        # A partner is a photo that counts in the same batch.
        for start in (0, 8):
            counting = np.arange(start, min(start + 8, COUNT))
            inside = TARGETS[order[counting]].any(axis=0)
            assert not targets[counting][:, ~inside].any()
        np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
        mixed += int((targets.max(axis=1) < 1).sum())
    assert mixed > 20


@pytest.mark.parametrize("augmentation", ["none", "crops", "pixels"])
def test_only_strong_augmentation_changes_labels(paths, augmentation):
    _, targets, weights = joined(epoch(paths, augmentation=augmentation))
    np.testing.assert_array_equal(np.sort(targets[weights > 0], axis=0), np.sort(TARGETS, axis=0))


def test_an_epoch_that_is_left_early_leaves_no_threads_behind(paths):
    before = threading.active_count()
    flow = TrainingPhotos(FilePhotos(paths, SIZE), TARGETS).iterate_epoch(
        0, batch_size=2, seed=0, augmentation="strong"
    )
    next(flow)
    threads = threading.active_count()
    assert threads > before
    flow.close()
    assert threading.active_count() == before


def test_an_unreadable_photo_is_named(paths, tmp_path):
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        epoch([*paths[:-1], tmp_path / "missing.jpg"])


class Versions:
    """Twelve rows of pixels of one colour, the number of the row."""

    is_decoded = True
    size = SIZE

    def __len__(self):
        return 12

    def read_photo(self, row):
        return np.full((SIZE, SIZE, 3), row, np.uint8)

    def gather(self, rows):
        return np.stack([self.read_photo(row) for row in rows])


@pytest.mark.parametrize("augmentation", ["none", "pixels"])
def test_each_epoch_draws_a_version_of_each_photo(augmentation):
    photos = TrainingPhotos(Versions(), np.eye(12, dtype=np.float32), versions=4)
    assert len(photos) == 3
    seen = []
    for number in range(40):
        options = {"batch_size": 2, "seed": 5, "augmentation": augmentation}
        found = list(photos.iterate_epoch(number, **options))
        pixels, targets, weights = joined(found)
        rows = targets.argmax(axis=1)[weights > 0]
        # The label is that of the drawn version, and each photo passes once.
        if augmentation == "none":
            assert np.array_equal(pixels[weights > 0, 0, 0, 0], rows)
        assert sorted(rows // 4) == [0, 1, 2]
        seen.append(rows[np.argsort(rows // 4)] % 4)
        # A resumed epoch continues with the same photos and versions.
        resumed = joined(photos.iterate_epoch(number, **options, first_batch=1))
        assert all(np.array_equal(one, other) for one, other in zip(resumed, found[1], strict=True))
    counts = np.array([np.bincount(column, minlength=4) for column in np.transpose(seen)])
    assert (counts >= 2).all()
    assert len({tuple(row) for row in seen}) > 10
