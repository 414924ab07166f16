"""Pictures of explained photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.photos import write_photo
from PIL import Image

from ensembler.competition.pixels import PLAIN
from ensembler.explanations.explanation import Explanation, MemberExplanation
from ensembler.explanations.overlays import draw_overlay, encode_picture, lay_over, open_upright
from ensembler.explanations.pictures import choose_picture_names, draw_explanation

HEAT = np.zeros((56, 56), np.float32)
HEAT[:28, :28] = 1 / 28**2


def explanation(photo: Path, **changes: object) -> Explanation:
    member = MemberExplanation("a", 0.8, 1.0, HEAT, "HiResCAM of two layers")
    fields = {"photo": photo, "id": "1", "label": "кот", "out_of_fold": True, "class_name": "狗", "predicted": "狗"}
    return Explanation(
        **{**fields, "probabilities": {"кот": 0.1, "狗": 0.9}, "heat": HEAT, "members": (member,), **changes}
    )  # type: ignore[arg-type]


def test_the_colours_are_where_the_map_is() -> None:
    grey = Image.new("RGB", (80, 40), (120, 120, 120))
    drawn = np.asarray(lay_over(grey, HEAT)).astype(int)
    assert np.abs(drawn[30:, 60:] - 120).max() <= 2
    # Yellow is the strongest: much red and green, little blue.
    red, green, blue = drawn[5, 10]
    assert min(red, green) > 180 > 120 > blue


def test_a_map_without_evidence_leaves_the_photo_grey() -> None:
    photo = Image.new("RGB", (20, 20), (200, 50, 50))
    drawn = np.asarray(lay_over(photo, np.zeros((56, 56), np.float32)))
    assert (drawn == drawn[0, 0]).all()


@pytest.mark.parametrize(("turns", "size"), [(0, (160, 80)), (1, (80, 160))])
def test_an_overlay_has_the_shape_of_the_photo_as_it_is_turned(
    tmp_path: Path, turns: int, size: tuple[int, int]
) -> None:
    assert draw_overlay(write_photo(tmp_path / "1.png", size=(40, 20)), HEAT, turns=turns).size == size


def test_a_photo_is_upright_by_its_exif_tag(tmp_path: Path) -> None:
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :20, 0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "1.jpg", exif=exif, quality=95)
    upright = np.asarray(open_upright(tmp_path / "1.jpg", 40))
    assert upright.shape == (40, 20, 3)
    assert upright[5, 10, 0] > 200 > 50 > upright[35, 10, 0]


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_picture_becomes_a_file_of_its_format(form: str) -> None:
    assert len(encode_picture(Image.new("RGB", (8, 8)), form)) > 20


@pytest.mark.parametrize(
    ("photos", "names"),
    [
        (["a/1.png", "b/1.png", "b/1.jpg"], ["1.png", "1-2.png", "1-3.png"]),
        (["a/Cat.png", "b/cat.png"], ["Cat.png", "cat-2.png"]),
        (["a/1-2.png", "a/1.png", "b/1.png"], ["1-2.png", "1.png", "1-3.png"]),
        (["собака 狗.jpeg"], ["собака 狗.png"]),
    ],
)
def test_photos_of_one_name_have_pictures_of_their_own(photos: list[str], names: list[str]) -> None:
    assert choose_picture_names(list(map(Path, photos))) == names


def test_a_panel_for_each_member_is_drawn_where_asked(tmp_path: Path) -> None:
    found = explanation(write_photo(tmp_path / "1.png"))
    alone, with_members = (draw_explanation(found, "both", PLAIN, members=asked) for asked in (False, True))
    assert with_members.width > 1.4 * alone.width
    learned = explanation(found.photo, out_of_fold=False)
    assert draw_explanation(learned, "both", PLAIN, members=False).size == alone.size
