from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import write_photo

from ensembler.images.batches import iterate_pixel_batches
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import FilePhotos, make_photo_source
from ensembler.images.photo_store import PhotoStore
from ensembler.images.row_photos import RowPhotos
from ensembler.progress import SILENT

SIZE = 8
TURNS = np.tile(np.arange(4), 3)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.png", seed, (20, 30)) for seed in range(3)]


@pytest.fixture(scope="module")
def rows(files):
    """Four rotations of each of three photos."""
    return RowPhotos.list_rows([path for path in files for _ in range(4)], TURNS)


def test_each_photo_is_one_file(rows, files):
    assert rows.files == files
    assert len(rows) == 12
    selected = rows.select(np.array([9, 2, 11]))
    assert selected.files == [files[0], files[2]]
    assert selected.numbers.tolist() == [0, 2]
    assert selected.places.tolist() == [1, 0, 1]
    assert selected.turns.tolist() == [1, 2, 3]


def test_rows_without_rotations_are_files_in_their_order(files):
    rows = RowPhotos.list_rows([*files, files[0]])
    selected = rows.select(np.array([3, 1]))
    assert selected.files == [files[0], files[1]]
    assert selected.numbers.tolist() == [3, 1]
    source = FilePhotos(selected.files, SIZE)
    assert selected.rotate(source) is source


@pytest.mark.parametrize("kind", ["files", "memory", "store"])
def test_pixels_are_rotated_counter_clockwise_without_loss(rows, files, kind, tmp_path):
    wanted = np.array([9, 2, 11, 0])
    selected = rows.select(wanted)
    if kind == "store":
        store = PhotoStore(tmp_path, rows.files)
        store.fill([SIZE], SILENT)
        source = selected.rotate(store.open_photos(SIZE, selected.numbers))
    else:
        make = FilePhotos if kind == "files" else make_photo_source
        source = selected.rotate(make(selected.files, SIZE))
    assert source.is_decoded is (kind == "store")
    found = np.concatenate(list(iterate_pixel_batches(source, 3)))
    expected = [np.rot90(decode_photo(files[row // 4], SIZE), row % 4) for row in wanted]
    assert np.array_equal(found, expected)


def test_a_store_decodes_each_photo_once(rows, tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        "ensembler.images.photo_store.decode_at_sizes",
        lambda path, sizes, rule: decoded.append(path) or [np.zeros((size, size, 3), np.uint8) for size in sizes],
    )
    PhotoStore(tmp_path, rows.files).fill([SIZE], SILENT)
    assert sorted(decoded) == sorted(rows.files)
