"""The rule of pixels is found, kept in the manifest, told, and replaced when it is edited."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import Heard, pixels, write_photo
from PIL import Image

from ensembler.competition.manifest import Manifest
from ensembler.competition.pixels import PLAIN, PixelRule
from ensembler.errors import BadData, UnknownPixels
from ensembler.images.decoding import decode_photo
from ensembler.serialization import write_json
from ensembler.workflows.competition import open_competition
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.answers import is_manifest_edited
from ensembler.workflows.fetch.tables import open_refreshed_competition
from ensembler.workflows.layout import layout

SIZE = (60, 60)


def write_cut_out(path, seed, colour=(0, 0, 0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    alpha = Image.fromarray((pixels(seed, SIZE)[..., 0] > 120).astype(np.uint8) * 255)
    photo = Image.new("RGB", SIZE, colour)
    photo.putalpha(alpha)
    photo.save(path)


def write_deep(path, seed, highest=4095):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = pixels(seed, SIZE)[..., 0] / 255
    Image.fromarray((grey * highest).astype(np.uint16)).save(path)


@pytest.fixture
def photos(tmp_path):
    def write(kind=write_photo, **options):
        for seed, name in enumerate(("cat", "dog")):
            for row in range(4):
                options = options or ({"size": SIZE} if kind is write_photo else {})
                kind(tmp_path / "photos" / name / f"{name}{row}.png", 10 * seed + row, **options)
        return tmp_path / "photos"

    return write


def test_plain_photos_need_no_rule(photos, workspace):
    heard = Heard()
    adopted = adopt(photos(), "pets", workspace=workspace, progress=heard)
    assert adopted.manifest.pixels == PLAIN
    assert "\n[pixels]" not in adopted.folder.manifest.read_text("utf-8")
    assert "pixels" not in {finding.subject for finding in layout("pets", workspace=workspace).findings}
    assert heard.warnings == []


@pytest.mark.parametrize(
    ("kind", "options", "rule", "told"),
    [
        (write_cut_out, {}, PixelRule("white"), "transparent pixels of 8 photos are put on white"),
        (write_cut_out, {"colour": (255,) * 3}, PixelRule("black"), "transparent pixels of 8 photos are put on black"),
        (
            write_deep,
            {},
            PixelRule(unsigned=(0, 4095)),
            "whole numbers of more than 8 bits from 0 to 4095 in 8 photos become 0 to 255",
        ),
    ],
)
def test_the_rule_is_kept_and_told(photos, workspace, kind, options, rule, told):
    heard = Heard()
    adopted = adopt(photos(kind, **options), "pets", workspace=workspace, progress=heard)
    assert adopted.manifest.pixels == Manifest.load(adopted.folder.manifest).pixels == rule
    assert open_competition("pets", workspace)[1].manifest.pixels == rule
    assert f"{told} ([pixels] of {adopted.folder.manifest})." in heard.notes
    assert rule.describe() in str(adopted)
    [finding] = [each for each in layout("pets", workspace=workspace).findings if each.subject == "pixels"]
    assert (finding.value, len(finding.examples)) == (told, 3)
    assert not is_manifest_edited(adopted.folder)
    again = adopt(photos(kind, **options), "pets", workspace=workspace, progress=heard)
    assert again.manifest == adopted.manifest


def test_photos_of_one_colour_are_doubted_until_the_rule_shows_more(photos, workspace):
    root = photos(write_cut_out)
    for row in range(2):
        write_cut_out(root / "cat" / f"white{row}.png", 50 + row, (255, 255, 255))
    write_cut_out(root / "dog" / "white.png", 60, (255, 255, 255))
    heard = Heard()
    adopted = adopt(root, "pets", workspace=workspace, progress=heard)
    assert adopted.manifest.pixels.ground == "grey"
    assert heard.warnings == []
    text = adopted.folder.manifest.read_text("utf-8")
    for ground, hidden in (("white", 3), ("black", 8), ("grey", 0)):
        adopted.folder.manifest.write_text(text.replace('ground = "grey"', f'ground = "{ground}"'), "utf-8")
        heard = Heard()
        open_refreshed_competition("pets", workspace, heard)
        doubts = layout("pets", workspace=workspace).doubts
        assert [doubt for doubt in heard.warnings if "duplicates" not in doubt] == list(doubts)
        assert [doubt.split()[0] for doubt in doubts] == [str(hidden)] * 2 * bool(hidden)
        assert all("one colour only" in doubt for doubt in doubts[1:])
        assert all(f"can hardly be seen on {ground}" in doubt for doubt in doubts[:1])


def test_faint_photos_are_doubted(photos, workspace):
    root = photos(write_deep)
    write_deep(root / "cat" / "dark.png", 70, 200)
    heard = Heard()
    adopt(root, "pets", workspace=workspace, progress=heard)
    [doubt] = heard.warnings
    assert doubt.startswith("1 photo (cat/dark.png) uses less than a sixteenth of the range of all photos")
    assert layout("pets", workspace=workspace).doubts == (doubt,)


def test_numbers_beyond_the_range_of_the_manifest_are_counted(photos, workspace):
    adopted = adopt(photos(write_deep), "pets", workspace=workspace)
    text = adopted.folder.manifest.read_text("utf-8")
    adopted.folder.manifest.write_text(text.replace("[0, 4095]", "[0, 2000]"), "utf-8")
    heard = Heard()
    _, tables = open_refreshed_competition("pets", workspace, heard)
    assert tables.manifest.pixels == PixelRule(unsigned=(0, 2000))
    assert any("from 0 to 2000 in 8 photos become 0 to 255 (numbers beyond, in " in note for note in heard.notes)


def test_a_manifest_written_by_hand_is_completed_and_otherwise_left(photos, workspace):
    root = photos(write_deep)
    for row in range(4):
        write_cut_out(root / "dog" / f"cut-out{row}.png", 80 + row)
    adopted = adopt(root, "pets", workspace=workspace)
    folder = adopted.folder
    text = folder.manifest.read_text("utf-8")
    assert 'ground = "white"\nunsigned = [0, 4095]' in text
    by_hand = text[: text.index("\n[pixels]")] + "\n# on black, please\n[pixels]\nground = 'black'\n"
    folder.evidence.unlink()
    folder.hints.unlink()
    folder.manifest.write_text(by_hand, "utf-8")
    again = adopt(root, "pets", workspace=workspace)
    assert again.manifest.pixels == PixelRule("black", unsigned=(0, 4095))
    assert folder.manifest.read_text("utf-8") == by_hand.replace("\n[pixels]", "\n[pixels]\nunsigned = [0, 4095]")
    assert not folder.evidence.exists()
    assert is_manifest_edited(folder)


def test_photos_that_an_earlier_version_scanned_get_their_rule_from_adopt(photos, workspace):
    root = photos(write_deep)
    folder = adopt(root, "pets", workspace=workspace).folder
    text = folder.manifest.read_text("utf-8")
    folder.manifest.write_text(text[: text.index("\n[pixels]")], "utf-8")
    write_json(folder.stamp, {"manifest": Manifest.load(folder.manifest).fingerprint})
    _, tables = open_competition("pets", workspace)
    assert tables.manifest.pixels == PLAIN
    with pytest.raises(UnknownPixels, match=r"repeat `ensembler\.fetch"):
        decode_photo(tables.train_paths[0], 8, tables.manifest.pixels)
    assert adopt(root, "pets", workspace=workspace).manifest.pixels == PixelRule(unsigned=(0, 4095))


def test_a_section_on_one_line_is_an_error_that_says_what_is_missing(photos, workspace):
    adopted = adopt(photos(write_deep), "pets", workspace=workspace)
    text = adopted.folder.manifest.read_text("utf-8")
    changed = "pixels = {ground = 'white'}\n" + text[: text.index("\n[pixels]")]
    adopted.folder.manifest.write_text(changed, "utf-8")
    with pytest.raises(BadData, match=r"add these lines below \[pixels\].*: unsigned = \[0, 4095\]"):
        open_refreshed_competition("pets", workspace, Heard())
