from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.copies_made import scene
from helpers.photos import truncate

from ensembler.checks.contact_sheet import (
    BORDER,
    CAPTION_LINES,
    COLUMNS,
    FONT_SIZE,
    GAP,
    SIDE,
    choose_pictures,
    draw_contact_sheet,
    load_font,
    shorten_middle,
    wrap_text,
)
from ensembler.checks.doubt import Doubt
from ensembler.checks.finding import Finding, Found, Picture
from ensembler.competition.pixels import PLAIN

FONT = load_font(FONT_SIZE)


@pytest.mark.parametrize(
    "text",
    ["short.jpg", "a_very_long_name_of_a_photo_that_nobody_reads_0001.jpg", "W" * 200, "ab", "", "фото_кошки_0001.jpg"],
)
def test_names_fit_and_keep_both_ends(text: str) -> None:
    kept = shorten_middle(text)
    assert FONT.getlength(kept) <= SIDE
    assert (kept == text) == (FONT.getlength(text) <= SIDE)
    assert kept[:2] == text[:2]
    assert kept[-2:] == text[-2:]


@pytest.mark.parametrize("letter", "äéłßПяαΩş…")
def test_letters_beyond_ascii_are_drawn(letter: str) -> None:
    drawn, missing = FONT.getmask(letter), FONT.getmask("\U000f0000")
    assert bytes(drawn) != bytes(missing)


@pytest.mark.parametrize("text", ["", "dog", "dog\nIt has 20 x 30 pixels.", "word " * 60, "W" * 100 + " " + "i" * 300])
def test_captions_fit_and_say_if_something_is_missing(text: str) -> None:
    lines = wrap_text(text)
    assert len(lines) <= CAPTION_LINES
    assert all(FONT.getlength(line) <= SIDE for line in lines)
    if text == "word " * 60:
        assert lines[-1].endswith("...")


def test_each_kind_has_a_line_and_a_photo_that_cannot_be_decoded_has_a_box(tmp_path: Path) -> None:
    for name, size in (("wide.jpg", (320, 40)), ("tiny.jpg", (8, 6)), ("broken.jpg", (80, 60))):
        scene(1, size).save(tmp_path / name)
    truncate(tmp_path / "broken.jpg")
    pictures = {
        "tiny photo": [Picture("tiny.jpg", "cat")],
        "odd size": [Picture("wide.jpg", "dog"), Picture("broken.jpg", "x")],
    }
    sheet = draw_contact_sheet(pictures, tmp_path, PLAIN, {"tiny photo": "1 photo (train)"}, "Doubts about made")
    assert sheet.width == 2 * BORDER + COLUMNS * SIDE + (COLUMNS - 1) * GAP
    dark = np.asarray(sheet.convert("L")) < 250
    # Nothing is drawn on the border, so nothing is cut.
    assert not dark[:, : BORDER - 2].any()
    assert not dark[:, -BORDER + 2 :].any()
    assert not dark[-BORDER // 2 :].any()
    lower = draw_contact_sheet({"odd size": pictures["odd size"]}, tmp_path, PLAIN, {}, "Doubts about made")
    assert lower.height < sheet.height


def test_findings_show_their_own_pictures_or_the_photos_of_their_doubts() -> None:
    doubts = [Doubt("blank photo", "train", str(n), f"{n}.jpg", "", "", "", 1.0, "It is blank.") for n in range(20)]
    kinds = ("near-duplicates", "blank photo", "leak")
    findings = [Finding(kind, "train", 1, "photo", (), "", "") for kind in kinds]
    shown = {"near-duplicates": (Picture("a.jpg", "a"), Picture("b.jpg", "b"))}
    chosen = choose_pictures(Found(tuple(findings), tuple(doubts), shown))
    assert {kind: len(each) for kind, each in chosen.items()} == {"near-duplicates": 2, "blank photo": COLUMNS}
    assert chosen["blank photo"][0] == Picture("0.jpg", "training photo\nIt is blank.")
