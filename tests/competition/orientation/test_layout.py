"""Folders of upright photos, from the command to the tables."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.photos import Heard, photo_bytes, truncate, write_photo, write_photos, zip_bytes
from PIL import Image

from ensembler.competition.csv_tables import read_table
from ensembler.competition.folds.file import load_or_make_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice
from ensembler.images.photo_source import FilePhotos
from ensembler.images.row_photos import RowPhotos
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt

ORIENTATION = Hints(task="orientation")


def adopt_upright(root, photos=None, *, hints=ORIENTATION, **options):
    workspace = Workspace(root / "data", root / "submissions")
    return adopt(photos or root / "photos", hints=hints, workspace=workspace, **options)


@pytest.mark.parametrize(
    "names",
    [
        [f"{number}.png" for number in range(10)],
        [f"{'cats' if number % 2 else 'dogs'}/{number}.png" for number in range(10)],
        [f"train/cat.{number}.jpg" for number in range(10)],
    ],
    ids=["flat", "classes", "names"],
)
def test_any_folder_of_photos_has_four_classes(tmp_path, names):
    write_photos(tmp_path / "photos", *names)
    made = adopt_upright(tmp_path)
    assert made.folder.name == "photos-orientation"
    assert (made.training, made.test) == (8, 2)
    assert made.manifest.classes == ("0", "90", "180", "270")
    tables = load_tables(made.folder)
    assert len(tables.train) == 32
    assert tables.train["label"].tolist() == ["0", "90", "180", "270"] * 8
    assert not set(tables.train["path"]) & set(tables.test["path"])
    assert {*tables.train["path"], *tables.test["path"]} == set(names)
    # The hidden labels are those of the four rows of each held-out photo.
    solution, sample = read_table(made.folder.solution), read_table(made.folder.sample)
    assert solution["id"].tolist() == sample["id"].tolist() == tables.test["id"].tolist()
    assert solution["label"].tolist() == ["0", "90", "180", "270"] * 2


def test_photos_of_a_test_folder_are_predicted_and_a_sample_submission_is_ignored(tmp_path):
    root = write_photos(tmp_path / "photos", *(f"train/cat.{n}.png" for n in range(6)), "test/1.png", "test/2.png")
    (root / "sample_submission.csv").write_text("id,label\n1,0.5\n2,0.5\n")
    made = adopt_upright(tmp_path)
    assert (made.training, made.test) == (6, 2)
    assert load_tables(made.folder).test["id"].tolist()[::4] == ["test/1.png@0", "test/2.png@0"]
    assert len(read_table(made.folder.solution)) == 8


def test_the_four_rows_of_a_photo_and_of_its_copy_stay_in_one_fold(tmp_path):
    root = write_photos(tmp_path / "photos", *(f"{number}.png" for number in range(12)))
    (root / "copy.png").write_bytes((root / "3.png").read_bytes())
    heard = Heard()
    made = adopt_upright(tmp_path, progress=heard, test_size=0.1)
    tables = load_tables(made.folder)
    folds = load_or_make_folds(made.folder, tables, 3)
    fold_of = dict(zip(tables.train["path"], folds.assigned[:, 0], strict=True))
    assert [fold_of[path] for path in tables.train["path"]] == folds.assigned[:, 0].tolist()
    assert "3.png" not in fold_of or fold_of["3.png"] == fold_of["copy.png"]
    if "3.png" in fold_of:
        assert made.duplicates.training == 2
        assert made.duplicates.contradicting == 0


def test_an_unreadable_photo_is_counted_once(tmp_path):
    root = write_photos(
        tmp_path / "photos", *(f"train/{number}.png" for number in range(8)), "test/a.png", "test/b.png"
    )
    truncate(root / "train" / "2.png")
    truncate(root / "test" / "b.png")
    made = adopt_upright(tmp_path)
    assert (made.training, made.test, made.unreadable) == (7, 2, 2)
    tables = load_tables(made.folder)
    assert tables.readable_test.tolist() == [True] * 4 + [False] * 4
    assert tables.test_turns.tolist() == [0, 1, 2, 3]


def test_photos_in_a_zip_are_unpacked(tmp_path):
    (tmp_path / "photos").mkdir()
    packed = {f"a/{number}.png": photo_bytes(number, ".png") for number in range(6)}
    (tmp_path / "photos" / "all.zip").write_bytes(zip_bytes(packed))
    assert adopt_upright(tmp_path).training == 5


def test_rotations_follow_exif(tmp_path):
    root = write_photos(tmp_path / "photos", *(f"{number}.png" for number in range(5)))
    photo = Image.open(write_photo(tmp_path / "turned.png", 7, (30, 20)))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(root / "turned.jpg", exif=exif, quality=95)
    made = adopt_upright(tmp_path)
    tables = load_tables(made.folder)
    rows = RowPhotos.list_all(tables)
    paths = [path.name for path in tables.train_paths + tables.test_paths]
    row = paths.index("turned.jpg") + 1
    selected = rows.select(np.array([row]))
    found = selected.rotate(FilePhotos(selected.files, 16)).read_photo(0)
    # Tag 6 turns clockwise, and the row of 90 degrees turns back.
    expected = np.asarray(photo.resize((16, 16), Image.Resampling.BILINEAR))
    assert np.abs(found.astype(int) - expected).mean() < 6


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        ({"task": "upside-down"}, r"must be .*task='orientation'"),
        ({"positive": "cat"}, r"Hints\(positive=\.\.\.\) cannot be used with Hints\(task"),
        ({"labels": "folders", "sample": "s.csv"}, r"labels=\.\.\.\), Hints\(sample"),
        ({"incomplete_labels": True}, "incomplete_labels=True"),
    ],
)
def test_hints_about_labels_are_refused(tmp_path, hints, words):
    write_photos(tmp_path / "photos", *(f"{number}.png" for number in range(5)))
    with pytest.raises(BadChoice, match=words):
        adopt_upright(tmp_path, hints=Hints(**{"task": "orientation", **hints}))


def test_a_competition_of_classes_is_not_replaced(tmp_path):
    write_photos(tmp_path / "photos", *(f"{'ab'[number % 2]}/{number}.png" for number in range(10)))
    adopt_upright(tmp_path, name="photos", hints=Hints())
    with pytest.raises(BadChoice, match="competition of classes"):
        adopt_upright(tmp_path, name="photos")
    assert adopt_upright(tmp_path, name="photos", force=True).manifest.is_orientation


def test_a_later_hint_keeps_the_task(tmp_path):
    write_photos(tmp_path / "photos", *(f"{number}.png" for number in range(10)))
    adopt_upright(tmp_path, name="made")
    made = adopt_upright(tmp_path, name="made", hints=Hints(metric="accuracy"))
    assert made.manifest.is_orientation
    assert made.manifest.metric == "accuracy"
