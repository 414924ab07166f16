from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import write_photo

from ensembler.errors import UnreadablePhoto
from ensembler.images import photo_source
from ensembler.images.decoding import decode_photo
from ensembler.images.photo_source import (
    FilePhotos,
    InMemoryPhotos,
    can_fit_in_memory,
    compute_memory_limit,
    make_photo_source,
)

COUNT, SIZE = 5, 8


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{seed}.jpg", seed) for seed in range(COUNT)]


@pytest.mark.parametrize("kind", [FilePhotos, InMemoryPhotos.from_files])
def test_photos_by_their_numbers(paths, kind):
    source = kind(paths, SIZE)
    assert len(source) == COUNT
    np.testing.assert_array_equal(source.read_photo(3), decode_photo(paths[3], SIZE))
    rows = np.array([4, 0, 4])
    np.testing.assert_array_equal(source.gather(rows), [decode_photo(paths[row], SIZE) for row in rows])


@pytest.mark.parametrize(("memory", "kind"), [(0, FilePhotos), (COUNT * SIZE * SIZE * 3, InMemoryPhotos)])
def test_what_fits_into_memory_is_held(paths, monkeypatch, memory, kind):
    monkeypatch.setattr(photo_source, "compute_memory_limit", lambda: memory)
    assert type(make_photo_source(paths, SIZE)) is kind
    assert can_fit_in_memory(COUNT, SIZE) is (kind is InMemoryPhotos)


def test_held_photos_stay_as_they_are(paths):
    with pytest.raises(ValueError, match="read-only"):
        InMemoryPhotos.from_files(paths, SIZE).read_photo(0)[:] = 0


def test_an_unreadable_photo_is_named(paths, tmp_path):
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        InMemoryPhotos.from_files([*paths, tmp_path / "missing.jpg"], SIZE)


@pytest.mark.parametrize(("machine", "expected"), [(2**33, 2**29), (2**37, 2**33)])
def test_a_large_machine_holds_more_photos(monkeypatch, machine, expected):
    monkeypatch.setattr(photo_source, "read_machine_memory", lambda: machine)
    assert compute_memory_limit() == expected
