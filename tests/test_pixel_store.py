from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photos import Heard, truncate, write_photo
from test_resume import Stopping

from ensembler.errors import Interrupted, UnreadablePhoto
from ensembler.images import pixel_store
from ensembler.images.decoding import decode_photo
from ensembler.images.pixel_store import PixelStore

ROWS = np.array([4, 0, 2])


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [write_photo(tmp_path / "photos" / f"{row}.jpg", row) for row in range(5)]


def batches(store: PixelStore, size: int) -> list[np.ndarray]:
    return list(store.batches(size, ROWS, 2))


def test_photos_are_those_that_others_decode_and_read_once(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    real = pixel_store.open_photo
    monkeypatch.setattr(pixel_store, "open_photo", lambda path: opened.append(path) or real(path))
    heard = Heard()
    with PixelStore(paths, [8, 12, 8], tmp_path / "cache") as store:
        store.fill(heard)
        for size in (8, 12):
            given = batches(store, size)
            assert [len(batch) for batch in given] == [2, 1]
            expected = [decode_photo(paths[row], size) for row in ROWS]
            assert np.array_equal(np.concatenate(given), expected)
    assert sorted(opened) == paths
    assert heard.steps == 5
    assert not list((tmp_path / "cache").iterdir())


def test_sizes_without_room_are_decoded_by_who_wants_them(paths: list[Path], tmp_path: Path) -> None:
    with PixelStore(paths, [8, 12], tmp_path / "cache", limit=5 * 8 * 8 * 3) as store:
        assert store.sizes == [8]
        store.fill(Heard())
        assert np.array_equal(np.concatenate(batches(store, 12)), [decode_photo(paths[row], 12) for row in ROWS])


@pytest.mark.parametrize("trouble", ["damaged", "interrupted"])
def test_what_is_cut_off_leaves_nothing_behind(trouble: str, paths: list[Path], tmp_path: Path) -> None:
    if trouble == "damaged":
        truncate(paths[3])
    with (
        pytest.raises(UnreadablePhoto if trouble == "damaged" else Interrupted),
        PixelStore(paths, [8], tmp_path / "cache") as store,
    ):
        store.fill(Heard() if trouble == "damaged" else Stopping(0))
    assert not list((tmp_path / "cache").iterdir())


def test_nothing_to_decode(tmp_path: Path) -> None:
    with PixelStore([], [8], tmp_path / "cache") as store:
        store.fill(Heard())
