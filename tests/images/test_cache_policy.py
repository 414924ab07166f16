from __future__ import annotations

import os
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from helpers.photos import write_photo

from ensembler.competition.pixels import PixelRule
from ensembler.errors import BadChoice, UnreadablePhoto
from ensembler.images import cache_policy as store_room
from ensembler.images.cache_policy import (
    compute_store_bytes,
    estimate_seconds_saved,
    make_room,
    mark_used,
    parse_cache_limit,
    select_fitting_sizes,
)

Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, None),
        ("0", 0),
        (0, 0),
        ("20GB", 20_000_000_000),
        (" 1.5 g ", 1_500_000_000),
        ("500MB", 500_000_000),
        ("3k", 3000),
        ("2tb", 2 * 10**12),
        (12345, 12345),
    ],
)
def test_limits(told: str | int | None, expected: int | None) -> None:
    assert parse_cache_limit(told) == expected


@pytest.mark.parametrize("told", ["", "GB", "-1", "20 apples", "1e9", -5])
def test_what_is_no_limit_is_refused(told: str | int) -> None:
    with pytest.raises(BadChoice, match="cache_limit must be a size such as 20GB"):
        parse_cache_limit(told)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk on which 1,000 bytes are free."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(2000, 1000, 1000))


def stored(folder: Path, size: int, count: int, used: float = 0.0) -> None:
    place = folder / str(size)
    place.mkdir(parents=True)
    (place / "00000.npy").write_bytes(b"x" * count)
    os.utime(place, (used, used))


def there(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.glob("*/*")}


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    ("needed", "limit", "room", "left"),
    [
        (100, None, True, {"now/8", "now/12", "now/16"}),
        (500, None, True, {"now/8", "now/12", "now/16"}),
        (501, None, False, {"now/8"}),
        (100, 700, True, {"now/8", "now/12", "now/16"}),
        # The one of 12 pixels was used longer ago.
        (101, 700, True, {"now/8", "now/16"}),
        (301, 700, True, {"now/8"}),
        (501, 700, False, {"now/8"}),
        (1001, 10**9, False, {"now/8"}),
        (0, 600, True, {"now/8", "now/12", "now/16"}),
        (0, 0, False, {"now/8"}),
    ],
)
def test_room_is_made_within_the_limit(
    tmp_path: Path, needed: int, limit: int | None, room: bool, left: set[str]
) -> None:
    now = tmp_path / "now"
    stored(now, 8, 200, used=1)
    stored(now, 12, 200, used=2)
    stored(now, 16, 200, used=3)
    assert make_room(now, 8, needed, limit) is room
    assert there(tmp_path) == left


@pytest.mark.usefixtures("free")
def test_photos_as_they_were_before_are_deleted(tmp_path: Path) -> None:
    stored(tmp_path / "before", 8, 200)
    assert make_room(tmp_path / "now", 8, 100, None)
    assert there(tmp_path) == set()
    assert not (tmp_path / "before").exists()


@pytest.mark.usefixtures("free")
def test_what_was_used_last_is_kept_longest(tmp_path: Path) -> None:
    for size in (12, 16):
        stored(tmp_path / "now", size, 200, used=size)
    mark_used(tmp_path / "now", 12)
    assert make_room(tmp_path / "now", 8, 300, 500)
    assert there(tmp_path) == {"now/12"}
    mark_used(tmp_path / "now", 99)


@pytest.mark.usefixtures("free")
def test_what_a_process_writes_is_not_deleted(tmp_path: Path) -> None:
    for size in (12, 16):
        stored(tmp_path / "now", size, 200, used=size)
    assert make_room(tmp_path / "now", 8, 300, 500, lambda size: size == "12")
    assert there(tmp_path) == {"now/12"}
    assert not make_room(tmp_path / "now", 8, 400, 500, lambda size: size == "12")


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(("limit", "kept"), [(None, [8, 10]), (3 * 64 + 3 * 100 - 1, [8]), (0, [])])
def test_sizes_that_fit(tmp_path: Path, limit: int | None, kept: list[int]) -> None:
    assert select_fitting_sizes([10, 8, 10, 12], 1, tmp_path, limit) == kept


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("photos")
    return [write_photo(root / f"{row}.jpg", row) for row in range(100)]


def test_what_a_store_saves_is_told_by_the_time_of_a_sample(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[Path] = []

    def decode(path: Path, size: int, rule: PixelRule) -> np.ndarray:
        decoded.append(path)
        return np.zeros((size, size, 3), np.uint8)

    # A clock that each look moves on by a second for each photo decoded so far.
    monkeypatch.setattr(store_room, "decode_photo", decode)
    monkeypatch.setattr(store_room.time, "perf_counter", lambda: float(len(decoded)))
    assert estimate_seconds_saved(paths, 8, 100, 1000) == pytest.approx(900, abs=0.01)
    assert len(decoded) == len(set(decoded)) == store_room.SAMPLE_PHOTOS
    assert estimate_seconds_saved(paths, 8, 0, 1000) == pytest.approx(1000, abs=0.01)
    # Pixels that take longer to write and read than to decode.
    assert estimate_seconds_saved(paths, 10_000, 100, 200) < 100


def test_photos_that_are_decoded_once_save_nothing_and_cost_no_look(paths: list[Path]) -> None:
    assert estimate_seconds_saved([*paths, Path("missing.jpg")], 8, 100, 100) == 0


def test_an_unreadable_photo_is_named() -> None:
    with pytest.raises(UnreadablePhoto, match=r"missing\.jpg"):
        estimate_seconds_saved([Path("missing.jpg")], 8, 1, 2)


def test_bytes() -> None:
    assert compute_store_bytes(10, 224) == 10 * 224 * 224 * 3
