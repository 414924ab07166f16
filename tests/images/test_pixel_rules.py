from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ensembler.competition.pixels import PLAIN, PixelRule
from ensembler.images.pixel_rules import (
    PixelFacts,
    choose_ground,
    choose_range,
    choose_rule,
    list_faint_photos,
    list_hidden_photos,
    measure_pixels,
)


def spread(low, high):
    return np.linspace(low, high, 5000)


RANGES = {
    "10 bits": ("unsigned", 0, 1000, (0, 1023)),
    "exactly 10 bits": ("unsigned", 3, 1023, (0, 1023)),
    "11 bits": ("unsigned", 0, 1024, (0, 2047)),
    "12 bits": ("unsigned", 100, 4000, (0, 4095)),
    "16 bits": ("unsigned", 0, 65000, (0, 65535)),
    "8 bits of 16": ("unsigned", 0, 190, (0, 255)),
    "black": ("unsigned", 0, 0, (0, 255)),
    "24 bits": ("unsigned", 0, 2**24 - 2, (0, 2**24 - 1)),
    "signed, none below 0": ("signed", 0, 255, (0, 255)),
    "Hounsfield units": ("signed", -1024, 3071, (-1024, 3071)),
    "one negative number": ("signed", -5, -5, (-5, -4)),
    "floats to 1": ("floats", 0.1, 0.9, (0, 1)),
    "floats around 0": ("floats", -0.7, 0.9, (-1, 1)),
    "floats to 255": ("floats", 0, 250.5, (0, 255)),
    "floats slightly above 1": ("floats", 0, 1.2, (0, 1.2)),
    "small floats": ("floats", 0, 0.00301, (0, 0.00301)),
    "large floats": ("floats", 0, 40123.4, (0, 40200)),
    "negative floats": ("floats", -56.78, 12.34, (-56.8, 12.4)),
    "the same float": ("floats", 300, 300, (300, 301)),
}


@pytest.mark.parametrize(("depth", "low", "high", "expected"), RANGES.values(), ids=RANGES)
def test_the_range_is_that_of_the_format_or_of_the_numbers(depth, low, high, expected):
    assert choose_range(depth, low, high, spread(low, high)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("depth", "high", "usual", "expected"),
    [
        # A few saturated pixels in photos of 12 bits.
        ("unsigned", 65535, 4000, (0, 4095)),
        # Pixels that are bright, but not far brighter than the others.
        ("unsigned", 65535, 20000, (0, 65535)),
        ("floats", 40000, 0.9, (0, 1)),
    ],
)
def test_rare_numbers_far_away_are_clipped(depth, high, usual, expected):
    assert choose_range(depth, 0, high, np.append(spread(0, usual), high)) == expected


@pytest.mark.parametrize(
    ("depth", "missing", "low", "high", "expected"),
    [
        ("floats", -9999, 0, 0.8, (0, 1)),
        ("floats", 1e6, -3, 4, (-3, 4)),
        ("signed", -32768, -1024, 3071, (-1024, 3071)),
        ("signed", -2000, -1024, 3071, (-2000, 3071)),
        ("unsigned", 65535, 0, 4000, (0, 4095)),
    ],
)
def test_a_number_that_stands_for_missing_pixels_does_not_count(depth, missing, low, high, expected):
    sample = np.append(spread(low, high), np.full(3000, missing))
    assert choose_range(depth, min(low, missing), max(high, missing), sample) == expected


def test_few_bright_pixels_on_black_are_kept():
    assert choose_range("unsigned", 0, 60000, np.append(np.zeros(5000), 60000)) == (0, 65535)


WHITE, BLACK, GREY = (0.0, 255.0, 127.0), (255.0, 0.0, 128.0), (127.0, 128.0, 0.0)


@pytest.mark.parametrize(
    ("contrasts", "expected"),
    [
        ([BLACK] * 3, "white"),
        ([GREY] * 3, "white"),
        ([WHITE] * 3, "black"),
        ([WHITE] * 3 + [GREY], "black"),
        ([WHITE] * 3 + [BLACK] * 3, "grey"),
        # A few white cut-outs among dark ones.
        ([BLACK] * 19 + [WHITE], "white"),
        # All grounds hide some: the one that hides fewest is taken.
        ([WHITE] * 3 + [BLACK] * 2 + [GREY], "grey"),
        ([()], "white"),
        ([(), WHITE], "black"),
    ],
)
def test_the_ground_is_one_on_which_cut_outs_are_seen(contrasts, expected):
    assert choose_ground(contrasts) == expected


def measure(path):
    with Image.open(path) as opened:
        return measure_pixels(opened, path)


def test_nothing_is_unusual_about_opaque_photos_of_8_bits(tmp_path):
    for mode in ("RGB", "L", "RGBA", "LA", "P", "1"):
        Image.new(mode, (8, 8), 1).convert("RGBA" if mode == "P" else mode).save(tmp_path / "x.png")
        if mode in ("RGBA", "LA"):
            photo = Image.new(mode[:-1], (8, 8))
            photo.putalpha(255)
            photo.save(tmp_path / "x.png")
        assert measure(tmp_path / "x.png") is None


def test_a_cut_out_is_compared_with_each_ground(tmp_path):
    photo = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    photo.paste((255, 255, 255, 255), (20, 20, 40, 40))
    photo.save(tmp_path / "x.png")
    facts = measure(tmp_path / "x.png")
    assert facts.contrasts == pytest.approx(WHITE)
    assert choose_rule([facts]) == PixelRule("black")
    Image.new("RGBA", (60, 60), (9, 9, 9, 0)).save(tmp_path / "x.png")
    assert measure(tmp_path / "x.png").contrasts == ()


def test_numbers_are_measured_without_those_that_stand_for_missing_ones(tmp_path):
    values = np.array([[np.nan, -3.4e38, 0.25], [np.inf, 0.5, 0.75]], np.float32)
    Image.fromarray(values).save(tmp_path / "x.tif")
    facts = measure(tmp_path / "x.tif")
    assert (facts.depth, facts.low, facts.high, facts.contrasts) == ("floats", 0.25, 0.75, None)
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "x.tif")
    assert choose_rule([measure(tmp_path / "x.tif")]) == PixelRule(floats=(0, 1))


def deep(low, high, depth="unsigned"):
    return PixelFacts(depth, low, high, spread(low, high), None)


def test_each_kind_of_numbers_has_one_range_for_all_photos():
    photos = [deep(0, 200), deep(0, 4000), deep(-10, 10, "signed"), deep(0, 1, "floats")]
    assert choose_rule(photos) == PixelRule("", (0, 4095), (-10, 10), (0, 1))
    assert choose_rule([replace(photos[0], contrasts=BLACK)]) == PixelRule("white", (0, 255))
    assert choose_rule([]) == PLAIN


def test_photos_that_the_rule_makes_faint_are_named_if_they_are_many():
    photos = {"dark.png": deep(0, 200), **{f"{row}.png": deep(0, 4000) for row in range(9)}}
    assert list_faint_photos(photos, PixelRule(unsigned=(0, 4095))) == ["dark.png"]
    assert list_faint_photos(photos, PixelRule(unsigned=(0, 255))) == []
    many = photos | {f"{row}.png": deep(0, 4000) for row in range(99)}
    assert list_faint_photos(many, PixelRule(unsigned=(0, 4095))) == []


def test_cut_outs_that_the_ground_hides_are_named_if_they_are_many():
    photos = {
        name: PixelFacts(None, 0, 0, np.empty(0), contrasts)
        for name, contrasts in {"white.png": WHITE, "black.png": BLACK, "empty.png": (), "deep.png": None}.items()
    }
    assert list_hidden_photos(photos, PixelRule("white")) == ["white.png"]
    assert list_hidden_photos(photos, PixelRule("black")) == ["black.png"]
    assert list_hidden_photos(photos, PixelRule("grey")) == list_hidden_photos(photos, PixelRule("none")) == []
