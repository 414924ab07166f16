"""What is written where; the photos themselves are in tests/images/turning."""

from __future__ import annotations

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine
from helpers.photos import Heard, write_photo
from PIL import Image, ImageOps

from ensembler.competition.layout.hints import Hints
from ensembler.errors import BadChoice, BadData, StorageError
from ensembler.paths import Workspace
from ensembler.serialization import write_arrays
from ensembler.stacking.card import StackedMember, attach_card, make_stack_card
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.turn import turn_photos

# The first letter of a photo's name tells what the stack predicts.
ANGLES = {"u": 0, "l": 1, "d": 2, "r": 3}


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """The file of an orientation stack, whose job knows the angles from the names of the photos."""
    for number in range(5):
        write_photo(tmp_path / "adopted" / f"{number}.png", number)
    workspace = Workspace(tmp_path / "data", tmp_path / "submissions")
    manifest = adopt(tmp_path / "adopted", hints=Hints(task="orientation"), workspace=workspace).manifest

    def run(jobs, logs, progress):
        [job] = jobs
        rows = []
        for photo in map(Path, json.loads(Path(job.spec["photos"]).read_text())):
            row = np.full(4, 0.02 if "unsure" not in photo.name else 0.2, np.float32)
            row[ANGLES[photo.name[0]]] = 1 - row[:3].sum()
            rows.append(np.full(4, np.nan) if "lost" in photo.name else row)
        write_arrays(Path(job.spec["predictions"]), probabilities=np.array(rows, np.float32))
        return [{}]

    replace_local_engine(monkeypatch, run)
    return write_stack(tmp_path / "stack.keras", manifest)


def write_stack(file, manifest):
    zipfile.ZipFile(file, "w").close()
    attach_card(file, make_stack_card("turner", manifest, [StackedMember("b0", "b0", 224)]))
    return file


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "photos"
    for seed, name in enumerate(["u.png", "sub/l.png", "sub/deep/d.png", "r.jpg", "l unsure.jpg"]):
        write_photo(root / name, seed, (32, 24))
    return root


def shown(path):
    with Image.open(path) as opened:
        return np.asarray(ImageOps.exif_transpose(opened).convert("RGB")).astype(int)


def read_rows(output):
    with (output / "orientation.csv").open() as file:
        return {Path(row["photo"]).name: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("exif", [False, True])
def test_photos_are_written_upright_below_the_same_folders(tmp_path, stack, photos, exif):
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    found = turn_photos(photos, tmp_path / "out", stack=stack, exif=exif)
    assert {path: path.read_bytes() for path in photos.rglob("*.*")} == before
    for name, turns in [("u.png", 0), ("sub/l.png", 1), ("sub/deep/d.png", 2), ("r.jpg", 3), ("l unsure.jpg", 0)]:
        difference = np.abs(shown(tmp_path / "out" / name) - np.rot90(shown(photos / name), -turns))
        assert difference.mean() <= (0 if exif or name.endswith("png") else 6), name
    for name in ("u.png", "l unsure.jpg"):
        assert (tmp_path / "out" / name).read_bytes() == before[photos / name]
    rows = read_rows(tmp_path / "out")
    jpeg = "tag set" if exif else "turned"
    outcomes = {"u.png": "upright", "l.png": "turned", "d.png": "turned", "r.jpg": jpeg, "l unsure.jpg": "unsure"}
    assert {name: row["outcome"] for name, row in rows.items()} == outcomes
    assert {name: row["angle"] for name, row in rows.items()} == {
        "u.png": "0",
        "l.png": "90",
        "d.png": "180",
        "r.jpg": "270",
        "l unsure.jpg": "90",
    }
    assert float(rows["r.jpg"]["confidence"]) == pytest.approx(0.94)
    assert "unsure, copied as they are: " in str(found)


def test_confidence_is_the_least_probability(tmp_path, stack, photos):
    turn_photos(photos, tmp_path / "sure", stack=stack, confidence=0.99)
    assert {row["outcome"] for row in read_rows(tmp_path / "sure").values()} == {"unsure"}
    turn_photos(photos, tmp_path / "any", stack=stack, confidence=0)
    assert read_rows(tmp_path / "any")["l unsure.jpg"]["outcome"] == "turned"


def test_a_tag_that_disagrees_with_the_pixels_is_reported(tmp_path, stack):
    # A viewer turns stored pixels by 270 degrees for tag 6. The stack finds 270 degrees, so they were upright.
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("r tag.jpg", "u tag.jpg", "l tag.jpg"):
        write_photo(tmp_path / "photos" / name, 1)
        Image.open(tmp_path / "photos" / name).save(tmp_path / "photos" / name, exif=exif)
    found = turn_photos(tmp_path / "photos", tmp_path / "out", stack=stack, exif=True)
    assert {photo.photo.name: (photo.exif, photo.disagrees) for photo in found.photos} == {
        "r tag.jpg": (6, True),
        "u tag.jpg": (6, False),
        "l tag.jpg": (6, False),
    }
    assert "the EXIF tag of 1 photo disagrees with upright pixels" in str(found)
    # The corrected tag shows the stored pixels as they are.
    with Image.open(tmp_path / "out" / "r tag.jpg") as opened:
        assert opened.getexif()[0x0112] == 1
    assert found.to_json()["photos"][1]["disagrees"] is True


def test_what_cannot_be_turned_without_loss_is_copied_and_named(tmp_path, stack):
    photo = Image.open(write_photo(tmp_path / "one.png", 1))
    source = tmp_path / "photos" / "l.gif"
    source.parent.mkdir()
    photo.save(source, save_all=True, append_images=[photo.rotate(180)])
    found = turn_photos(source, tmp_path / "out", stack=stack)
    assert (tmp_path / "out" / "l.gif").read_bytes() == source.read_bytes()
    assert read_rows(tmp_path / "out")["l.gif"]["outcome"] == "not turned"
    assert "not turned: " in str(found)
    assert "holds 2 pictures" in str(found)


def test_the_same_call_continues_and_another_one_overwrites_nothing(tmp_path, stack, photos):
    turn_photos(photos, tmp_path / "out", stack=stack)
    first = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    (tmp_path / "out" / "r.jpg").unlink()
    turn_photos(photos, tmp_path / "out", stack=stack)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == first
    for changed in ({"exif": True}, {"confidence": 0.9}):
        with pytest.raises(BadChoice, match="which this call did not write"):
            turn_photos(photos, tmp_path / "out", stack=stack, **changed)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "r.jpg").write_bytes(b"mine")
    with pytest.raises(BadChoice, match=r"contains .*r\.jpg"):
        turn_photos(photos, tmp_path / "full", stack=stack)
    assert (tmp_path / "full" / "r.jpg").read_bytes() == b"mine"
    assert len(list((tmp_path / "full").iterdir())) == 1


def test_originals_are_never_inside_the_output(tmp_path, stack, photos):
    for output in (photos, photos / "out"):
        with pytest.raises(BadChoice, match="is inside"):
            turn_photos(photos, output, stack=stack)
    with pytest.raises(BadChoice, match="which this call did not write"):
        turn_photos(photos / "u.png", photos, stack=stack)


def test_several_folders_keep_their_names(tmp_path, stack, photos):
    write_photo(tmp_path / "more" / "u.png", 9)
    turn_photos([photos, tmp_path / "more", photos / "u.png"], tmp_path / "out", stack=stack)
    assert (tmp_path / "out" / "photos" / "sub" / "l.png").is_file()
    assert (tmp_path / "out" / "more" / "u.png").is_file()
    with pytest.raises(BadChoice, match="would both be written as"):
        turn_photos([photos / "u.png", tmp_path / "more" / "u.png"], tmp_path / "two", stack=stack)


def test_unreadable_photos_are_left_out(tmp_path, stack, photos):
    write_photo(photos / "u lost.png")
    found = turn_photos(photos, tmp_path / "out", stack=stack)
    assert [path.name for path in found.unreadable] == ["u lost.png"]
    assert not (tmp_path / "out" / "u lost.png").exists()


def test_another_stack_is_refused_with_its_classes(tmp_path, photos):
    for number in range(8):
        write_photo(tmp_path / "pets" / "ab"[number % 2] / f"{number}.png", number)
    manifest = adopt(tmp_path / "pets", "pets", workspace=Workspace(tmp_path / "data", tmp_path / "s")).manifest
    file = write_stack(tmp_path / "pets.keras", manifest)
    with pytest.raises(BadChoice, match="predicts a, b, not orientations"):
        turn_photos(photos, tmp_path / "out", stack=file)


def test_a_full_disk_ends_the_run_with_a_sentence(tmp_path, stack, photos, monkeypatch):
    def refuse(path, to, angle, *, by_tag):
        raise StorageError("The disk is full.")

    monkeypatch.setattr("ensembler.workflows.turn.turn_photo", refuse)
    with pytest.raises(StorageError):
        turn_photos(photos, tmp_path / "out", stack=stack, progress=Heard())
    assert not (tmp_path / "out" / "orientation.csv").exists()
    monkeypatch.undo()


def test_a_call_that_wrote_no_photo_does_not_claim_the_folder(tmp_path, stack):
    write_photo(tmp_path / "lost.png", 0)
    write_photo(tmp_path / "l.png", 1)
    with pytest.raises(BadData, match="None of 1 photo"):
        turn_photos(tmp_path / "lost.png", tmp_path / "out", stack=stack)
    assert turn_photos(tmp_path / "l.png", tmp_path / "out", stack=stack).photos[0].outcome == "turned"
    with pytest.raises(BadChoice, match="which this call did not write"):
        turn_photos(tmp_path / "lost.png", tmp_path / "out", stack=stack)


def test_an_unknown_option_leaves_no_folder(tmp_path, stack, photos):
    with pytest.raises(BadChoice, match="no option named 'model'"):
        turn_photos(photos, tmp_path / "out", stack=stack, model="stack.onnx")
    assert not (tmp_path / "out").exists()


def test_the_card_tells_that_it_is_an_orientation_stack(tmp_path, stack):
    from ensembler.stacking.card import read_card

    card = read_card(stack)
    assert card.is_orientation
    assert replace(card, is_orientation=False).outputs == ("0", "90", "180", "270")
