from __future__ import annotations

import shutil

from helpers.photos import Heard, truncate, write_photo, write_photos

from ensembler.images.photo_scan import scan_photos
from ensembler.progress import Progress


def test_each_photo_is_looked_at(tmp_path):
    write_photos(tmp_path, "train/1.jpg", "train/2.png", "test/3.jpg")
    shutil.copy(tmp_path / "train/1.jpg", tmp_path / "test/1 again.jpg")
    truncate(write_photo(tmp_path / "test/cut.jpg", 9, (100, 100)))
    (tmp_path / "test/no.jpg").write_text("no photo")
    asked = ["train/1.jpg", "train/2.png", "test/1 again.jpg", "test/cut.jpg", "test/no.jpg", "test/missing.jpg"]
    census = scan_photos(tmp_path, asked, Progress())
    assert list(census.digests) == ["train/1.jpg", "train/2.png", "test/1 again.jpg"]
    assert census.digests["train/1.jpg"] == census.digests["test/1 again.jpg"] != census.digests["train/2.png"]
    assert list(census.problems) == ["test/cut.jpg", "test/no.jpg", "test/missing.jpg"]
    assert "truncated" in census.problems["test/cut.jpg"]
    assert "cannot identify" in census.problems["test/no.jpg"]
    assert "No such file" in census.problems["test/missing.jpg"]


def test_progress_hears_of_every_photo(tmp_path):
    heard = Heard()
    scan_photos(write_photos(tmp_path, "1.jpg", "2.jpg"), ["1.jpg", "2.jpg"], heard)
    assert heard.labels == ["scan photos"]


def test_no_photos(tmp_path):
    census = scan_photos(tmp_path, [], Progress())
    assert (census.digests, census.problems) == ({}, {})
