from __future__ import annotations

import shutil

import numpy as np
from helpers.photos import Heard, pixels, truncate, write_photo, write_photos
from PIL import Image

from ensembler.competition.pixels import PixelRule
from ensembler.images.photo_scan import scan_photos
from ensembler.images.similarity import make_thumbnail
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


def save_cut_out(path, seed):
    photo = Image.fromarray(pixels(seed, (60, 60))).convert("RGBA")
    photo.paste((0, 0, 0, 0), (0, 0, 60, 20))
    photo.save(path)


def test_unusual_photos_are_seen_by_the_rule_of_all_photos(tmp_path):
    write_photos(tmp_path, "1.png")
    Image.fromarray(pixels(2, (60, 60))[..., 0].astype(np.uint16) * 4).save(tmp_path / "2.png")
    save_cut_out(tmp_path / "3.png", 3)
    write_photo(tmp_path / "4.png", 4, (60, 60))
    Image.fromarray(np.full((60, 60), 1023, np.uint16)).save(tmp_path / "5.png")
    names = [f"{number}.png" for number in range(1, 6)]
    heard = Heard()
    census = scan_photos(tmp_path, names, heard)
    assert census.rule == PixelRule("white", unsigned=(0, 1023))
    assert list(census.unusual) == ["2.png", "3.png", "5.png"]
    assert list(census.digests) == names
    assert list(census.thumbnails) == names[1:]
    assert heard.labels == ["scan photos", "convert unusual photos"]
    shown = Image.fromarray(np.round(pixels(2, (60, 60))[..., 0] * (255 / 1023 * 4)).astype(np.uint8)).convert("RGB")
    np.testing.assert_array_equal(census.thumbnails["2.png"].grey, make_thumbnail(shown).grey)
    assert (census.thumbnails["3.png"].grey[:10] == 255).all()
    assert census.plain == ["5.png"]


def test_keys_of_the_rule_that_are_known_stay(tmp_path):
    save_cut_out(tmp_path / "1.png", 3)
    Image.fromarray(np.full((60, 60), 1023, np.uint16)).save(tmp_path / "2.png")
    census = scan_photos(tmp_path, ["1.png", "2.png"], Progress(), PixelRule("black"))
    assert census.rule == PixelRule("black", unsigned=(0, 1023))
    assert (census.thumbnails["1.png"].grey[:10] == 0).all()


def test_photos_of_one_colour_are_found(tmp_path):
    Image.new("RGB", (300, 200), (9, 8, 7)).save(tmp_path / "plain.jpg")
    Image.new("L", (3, 2), 9).save(tmp_path / "tiny.png")
    Image.new("RGBA", (60, 60), (1, 2, 3, 0)).save(tmp_path / "invisible.png")
    nearly = Image.new("RGB", (300, 200), (9, 8, 7))
    nearly.putpixel((77, 77), (9, 8, 8))
    nearly.save(tmp_path / "nearly.png")
    write_photo(tmp_path / "photo.jpg", 1)
    names = ["invisible.png", "nearly.png", "photo.jpg", "plain.jpg", "tiny.png"]
    assert scan_photos(tmp_path, names, Progress()).plain == ["invisible.png", "plain.jpg", "tiny.png"]


def test_a_cut_off_photo_of_16_bits_is_a_problem(tmp_path):
    noise = np.random.default_rng(0).integers(0, 65536, (100, 100), dtype=np.uint16)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    truncate(tmp_path / "cut.png")
    census = scan_photos(tmp_path, ["cut.png"], Progress())
    assert "truncated" in census.problems["cut.png"]
    assert census.rule == PixelRule()
