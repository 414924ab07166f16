from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.members_made import small_competition

from ensembler.images.cache_policy import SAMPLE_PHOTOS
from ensembler.images.photo_store import PHOTOS_PER_FILE
from ensembler.members import job_files
from ensembler.members.job_files import list_photo_files
from ensembler.paths import CompetitionFolder

PHOTOS = tuple(f"/photos/{number}.png" for number in range(2000))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CompetitionFolder:
    monkeypatch.setattr(job_files, "list_all_photos", lambda _: PHOTOS)
    return small_competition(tmp_path)[0]


def test_a_shard_reads_whole_files_of_photos_and_a_sample(folder: CompetitionFolder) -> None:
    files = list_photo_files(folder, "samples", 8, None, range(300, 500))
    assert set(PHOTOS[PHOTOS_PER_FILE : 2 * PHOTOS_PER_FILE]) <= set(files.photos)
    assert len(files.photos) <= PHOTOS_PER_FILE + SAMPLE_PHOTOS
    assert files.shared == (str(folder.pixels),)
    # All jobs share the long list.
    assert list_photo_files(folder, "samples", 8, None).photos is PHOTOS


@pytest.mark.parametrize(("missing", "limit", "sends_pixels"), [(0, None, True), (1, None, False), (0, 1000, False)])
def test_decoded_photos_are_sent_if_all_are_stored_and_the_limit_allows_it(
    folder: CompetitionFolder, missing: int, limit: int | None, sends_pixels: bool
) -> None:
    store = folder.pixels / "samples" / "8"
    store.mkdir(parents=True)
    for number, first in enumerate(range(0, len(PHOTOS), PHOTOS_PER_FILE)):
        rows = min(PHOTOS_PER_FILE, len(PHOTOS) - first)
        np.save(store / f"{number:05}.npy", np.zeros((rows, 8, 8, 3), np.uint8))
    for path in sorted(store.iterdir())[:missing]:
        path.unlink()
    files = list_photo_files(folder, "samples", 8, limit)
    assert (files.reads == (str(store),), files.photos == PHOTOS) == (sends_pixels, not sends_pixels)
