from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from helpers.photos import write_photo
from PIL import Image

from ensembler.images.augmentation import Augmentation
from ensembler.images.augmentation import contact_sheet as module
from ensembler.images.augmentation.contact_sheet import (
    GAP,
    LINE_HEIGHT,
    MAX_PHOTOS,
    MAX_SHOWN_SIZE,
    MIN_SHOWN_SIZE,
    draw_contact_sheet,
    format_caption,
)
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import FilePhotos
from ensembler.images.row_photos import RowPhotos
from ensembler.images.training_photos import TrainingPhotos, shuffle_rows

COUNT, SIZE, VIEWS = 10, 130, 2
# Two photos in ten are dogs.
TARGETS = np.array([[float(row in (3, 8))] for row in range(COUNT)], np.float32)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed, (SIZE, SIZE)) for seed in range(COUNT)]


def tile(sheet, row, column, side=SIZE):
    left, top = GAP + column * (side + GAP), LINE_HEIGHT + row * (side + LINE_HEIGHT)
    return np.asarray(sheet.crop((left, top, left + side, top + side)))


def rows_shown(sheet, paths):
    """Which photos stand in the first column."""
    photos = [decode_photo(path, SIZE).tobytes() for path in paths]
    return [photos.index(tile(sheet, row, 0).tobytes()) for row in range(min(MAX_PHOTOS, len(paths)))]


@pytest.mark.parametrize("augmentation", get_args(Augmentation))
def test_each_row_shows_what_the_epochs_of_a_training_give(paths, augmentation):
    sheet = draw_contact_sheet(
        RowPhotos.list_rows(paths), ["cat", "dog"], TARGETS, SIZE, augmentation, seed=3, views=VIEWS
    )
    rows = rows_shown(sheet, paths)
    assert len(set(rows)) == MAX_PHOTOS
    photos = TrainingPhotos(FilePhotos([paths[row] for row in rows], SIZE), TARGETS[rows])
    for number in range(VIEWS):
        pixels, _, _ = next(photos.iterate_epoch(number, batch_size=MAX_PHOTOS, seed=3, augmentation=augmentation))
        for place, row in enumerate(shuffle_rows(MAX_PHOTOS, number, 3)):
            np.testing.assert_array_equal(tile(sheet, row, 1 + number), pixels[place])


def test_rare_classes_are_shown_too_and_the_seed_chooses(paths):
    chosen = set()
    for seed in range(5):
        rows = rows_shown(
            draw_contact_sheet(RowPhotos.list_rows(paths), ["cat", "dog"], TARGETS, SIZE, "none", seed, views=1), paths
        )
        assert {3, 8} < set(rows)
        chosen.add(tuple(rows))
    assert len(chosen) > 1


@pytest.mark.parametrize(("size", "side"), [(8, MIN_SHOWN_SIZE), (SIZE, SIZE), (300, MAX_SHOWN_SIZE)])
def test_the_sheet_has_room_for_all(paths, size, side):
    sheet = draw_contact_sheet(
        RowPhotos.list_rows(paths[:2]), ["cat", "dog"], TARGETS[:2], size, "crops", seed=0, views=3
    )
    assert sheet.mode == "RGB"
    assert sheet.size == (4 * (side + GAP) + GAP, LINE_HEIGHT + 2 * (side + LINE_HEIGHT) + GAP)
    assert np.asarray(sheet)[:, -GAP:].min() == 255


def test_a_small_photo_keeps_its_squares(paths):
    sheet = draw_contact_sheet(RowPhotos.list_rows(paths[:1]), ["cat", "dog"], TARGETS[:1], 8, "none", seed=0, views=1)
    expected = Image.fromarray(decode_photo(paths[0], 8)).resize(
        (MIN_SHOWN_SIZE, MIN_SHOWN_SIZE), Image.Resampling.NEAREST
    )
    np.testing.assert_array_equal(tile(sheet, 0, 0, MIN_SHOWN_SIZE), np.asarray(expected))


@pytest.mark.parametrize(
    ("target", "labels", "text"),
    [
        ([0], ["cat", "dog"], "cat"),
        ([1], ["cat", "dog"], "dog"),
        ([0.3], ["cat", "dog"], "cat 0.70 dog 0.30"),
        ([0.998], ["cat", "dog"], "dog"),
        ([0, 1, 0], ["a", "b", "c"], "b"),
        ([0.25, 0, 0.75], ["a", "b", "c"], "c 0.75 a 0.25"),
        ([1, 0, 1], ["sun", "rain", "wind"], "sun wind"),
        ([1, 0, 0.6], ["sun", "rain", "wind"], "sun wind 0.60"),
        ([0, 0, 0], ["sun", "rain", "wind"], "no label"),
        ([1], ["cactus"], "cactus"),
        ([0], ["cactus"], "no label"),
    ],
)
def test_captions_tell_labels_and_their_shares(target, labels, text):
    assert format_caption(np.array(target, np.float32), labels) == text


def test_captions_stand_under_their_photos(paths, monkeypatch):
    written = []
    monkeypatch.setattr(module, "_draw_text", lambda pen, place, text, width: written.append((place, text)))
    draw_contact_sheet(RowPhotos.list_rows(paths[3:5]), ["cat", "dog"], TARGETS[3:5], SIZE, "none", seed=0, views=1)
    column = SIZE + GAP
    texts = dict(written)
    assert texts[GAP, 0] == "as decoded"
    assert texts[GAP + column, 0] == "none, epoch 1"
    for left in (GAP, GAP + column):
        assert {texts[left, LINE_HEIGHT + SIZE], texts[left, LINE_HEIGHT + SIZE + SIZE + LINE_HEIGHT]} == {"cat", "dog"}


def test_long_captions_are_cut_off_at_the_photo(paths):
    labels = ["a very long name of a class of animals", "dog"]
    sheet = np.asarray(
        draw_contact_sheet(RowPhotos.list_rows(paths[:1]), labels, TARGETS[:1], 8, "none", seed=0, views=1)
    )
    under = sheet[LINE_HEIGHT + MIN_SHOWN_SIZE : LINE_HEIGHT + MIN_SHOWN_SIZE + LINE_HEIGHT]
    assert under[:, GAP : GAP + MIN_SHOWN_SIZE].min() < 50
    assert under[:, GAP + MIN_SHOWN_SIZE : GAP + MIN_SHOWN_SIZE + GAP].min() == 255
