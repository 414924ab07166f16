"""Pictures of explained photos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.photos import write_photo
from PIL import Image

from ensembler.competition.pixels import PLAIN
from ensembler.explanations.explanation import Explanation, MemberExplanation
from ensembler.explanations.overlays import draw_overlay, encode_picture, lay_over, open_upright
from ensembler.explanations.pictures import choose_picture_names, draw_explanation, is_own_picture, save_picture
from ensembler.explanations.sources import ExplainedSource

HEAT = np.zeros((56, 56), np.float32)
HEAT[:28, :28] = 1 / 28**2


def explanation(photo: Path, **changes: object) -> Explanation:
    member = MemberExplanation("a", 0.8, 1.0, HEAT, "HiResCAM of two layers")
    fields = {"photo": photo, "id": "1", "label": "кот", "out_of_fold": True, "class_name": "狗", "predicted": "狗"}
    fields |= {"is_training": True}
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
        (["1.png", "1.png", "1.jpg"], ["1.png", "1-2.png", "1-3.png"]),
        (["Cat.png", "cat.png"], ["Cat.png", "cat-2.png"]),
        (["1-2.png", "1.png", "1.png"], ["1-2.png", "1.png", "1-3.png"]),
        (["собака 狗.jpeg"], ["собака 狗.png"]),
        (["1.jpg", "1@90.jpg"], ["1.png", "1@90.png"]),
        (["n" * 255, "n" * 251 + ".jpg"], ["n" * 200 + ".png", "n" * 200 + "-2.png"]),
        (["é" * 125 + ".jpg"], ["é" * 100 + ".png"]),
        ([os.fsdecode(b"a\xff.jpg"), os.fsdecode(b"\xff.jpg")], ["a.png", "photo.png"]),
    ],
)
def test_photos_of_one_name_have_pictures_of_their_own(photos: list[str], names: list[str]) -> None:
    assert choose_picture_names(photos) == names


def source(members: int, **changes: Any) -> ExplainedSource:
    fields = {"name": "both", "task": "binary", "classes": ("кот", "狗"), "class_names": (), "pixel_rule": PLAIN}
    names = tuple(map(str, range(members)))
    return ExplainedSource(**{**fields, "members": names, "spec": {"file": "a"}, "files": (), **changes})


def test_a_panel_for_each_of_several_members_is_drawn_where_asked(tmp_path: Path) -> None:
    one = explanation(write_photo(tmp_path / "1.png"))
    two = explanation(one.photo, members=one.members * 2)
    alone = draw_explanation(two, source(2), members=False).size
    assert draw_explanation(two, source(2), members=True).width > 1.9 * alone[0]
    # The map of a single member is that of the whole.
    assert draw_explanation(one, source(1), members=True).size == alone
    assert draw_explanation(explanation(one.photo, out_of_fold=False), source(1), members=False).size == alone


@pytest.mark.parametrize(
    ("changes", "of_source", "expected"),
    [
        ({}, {}, ["stack both", "label кот, predicted 狗", "by networks that never saw it"]),
        (
            {"out_of_fold": False},
            {"spec": {"file": ""}},
            ["both", "label кот, predicted 狗", "by networks that learned from it"],
        ),
        ({"label": ""}, {"task": "multilabel"}, ["most probable 狗", "by networks that never saw it"]),
        ({"label": "", "out_of_fold": False, "is_training": False}, {}, ["stack both", "predicted 狗"]),
        ({"turns": 1}, {"task": "orientation"}, ["1@90.png", "by networks that never saw it"]),
    ],
)
def test_the_text_says_what_is_known_of_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], of_source: Any, expected: list[str]
) -> None:
    said: list[str] = []

    def remember(photo: Image.Image, title: list[str], panels: Any, caption: list[str]) -> Image.Image:
        said.extend([*title, *caption, *(line for _, lines in panels for line in lines)])
        return photo

    monkeypatch.setattr("ensembler.explanations.pictures.draw_panels", remember)
    draw_explanation(explanation(write_photo(tmp_path / "1.png"), **changes), source(1, **of_source), members=True)
    assert all(any(line.endswith(wanted) for line in said) for wanted in expected), said
    known = changes.get("is_training", True)
    assert any(line.startswith("by networks") for line in said) == known


def test_a_picture_is_recognised_by_its_mark_and_other_files_are_not(tmp_path: Path) -> None:
    save_picture(Image.new("RGB", (8, 8)), tmp_path / "own.png")
    other = write_photo(tmp_path / "other.png")
    (tmp_path / "text.png").write_text("no picture")
    recognised = [is_own_picture(tmp_path / name) for name in ("own.png", other.name, "text.png", "missing.png")]
    assert recognised == [True, False, False, False]
