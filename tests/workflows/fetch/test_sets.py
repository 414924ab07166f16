"""Sets of folders as people have them, from the folder to the tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.photos import Heard, write_csv, write_photo, write_photos
from PIL import Image

from ensembler.competition.csv_tables import read_table
from ensembler.competition.layout.layout import Hints
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, BadData
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt

A_SAMPLE = "id,a,b;t0,0.5,0.5;t1,0.5,0.5"


def fill(count: int, *folders: str) -> list[str]:
    """Paths of photos: ``count`` in each folder, with equal names in all folders of one class."""
    return [f"{folder}/{folder[-1]}{row}.png" for folder in folders for row in range(count)]


@pytest.mark.parametrize(
    ("photos", "trained", "predicted", "hidden"),
    [
        (fill(6, "train/a", "train/b", "valid/a", "valid/b", "test/a", "test/b"), 24, 12, 12),
        (fill(6, "seg_train/seg_train/a", "seg_train/seg_train/b", "seg_test/seg_test/a", "seg_pred/p"), 12, 12, 6),
        (fill(6, "Training/a", "Training/b", "Validation/a", "Evaluation/b"), 18, 6, 6),
        (fill(6, "validation/a", "validation/b", "test/a"), 12, 6, 6),
        (fill(10, "train/a", "train/b", "val/a", "val/b"), 32, 8, 8),
        (fill(6, "a", "b", "val/val/a", "val/val/b", "test/a"), 24, 6, 6),
    ],
)
def test_sets_without_a_sample(
    tmp_path: Path, workspace: Workspace, photos: list[str], trained: int, predicted: int, hidden: int
) -> None:
    heard = Heard()
    result = adopt(write_photos(tmp_path / "photos", *photos), "sets", workspace=workspace, progress=heard)
    assert (result.training, result.test, result.unreadable) == (trained, predicted, 0)
    assert len(read_table(result.folder.solution)) == hidden
    tables = load_tables(result.folder)
    assert all(
        path.split("/")[-2] == label for path, label in zip(tables.train["path"], tables.train["label"], strict=True)
    )
    assert not set(tables.train["path"]) & set(tables.test["path"])
    partly = [warning for warning in heard.warnings if f"Only {hidden} of the {predicted} photos to predict" in warning]
    assert bool(partly) is (hidden < predicted)


def test_photos_for_validation_without_labels_beside_classes(tmp_path: Path, workspace: Workspace) -> None:
    root = write_photos(tmp_path / "photos", *fill(6, "a", "b", "test", "val/c"), *fill(2, "val"))
    result = adopt(root, "beside", workspace=workspace)
    assert (result.training, result.test, result.manifest.leave_out) == (12, 6, ("val",))
    assert ("left out", 8) in [(found.use, found.count) for found in result.files]


def test_names_of_photos_to_predict_may_be_hidden_labels(tmp_path: Path, workspace: Workspace) -> None:
    names = [f"{folder}/{kind}.{row}.png" for folder in ("train", "valid", "test") for kind in "ab" for row in range(4)]
    result = adopt(write_photos(tmp_path / "photos", *names), "names", workspace=workspace)
    assert (result.manifest.train.labels, result.training, result.test) == ("names", 16, 8)
    assert sorted(read_table(result.folder.solution)["label"]) == ["a"] * 4 + ["b"] * 4


def test_hidden_labels_of_the_photos_that_a_sample_asks_for(tmp_path: Path, workspace: Workspace) -> None:
    root = write_photos(
        tmp_path / "photos", *fill(4, "train/a", "train/b"), "test/a/x.png", "test/b/y.png", "test/b/z.png"
    )
    write_csv(root / "sample_submission.csv", "id,a,b;y,0.5,0.5;x,0.5,0.5")
    result = adopt(root, "asked", workspace=workspace)
    assert read_table(result.folder.solution).to_numpy().tolist() == [["y", "b"], ["x", "a"]]
    assert (result.training, result.test) == (8, 2)


@pytest.mark.parametrize("top", ["train/train", "train/images", "data/train_images/photos"])
def test_single_folders_on_the_way_are_stepped_over(tmp_path: Path, workspace: Workspace, top: str) -> None:
    root = write_photos(tmp_path / "photos", *fill(6, f"{top}/a", f"{top}/b"), "test/test/t0.png", "test/test/t1.png")
    write_csv(root / "sample_submission.csv", A_SAMPLE)
    result = adopt(root, "doubled", workspace=workspace)
    assert (result.training, result.test, result.manifest.train.folder) == (12, 2, top)


@pytest.mark.parametrize("count", [1, 7])
def test_stray_photos_are_named(tmp_path: Path, workspace: Workspace, count: int) -> None:
    root = write_photos(tmp_path / "photos", *fill(40, "train/a", "train/b"), "test/t0.png", "test/t1.png")
    for row in range(count):
        write_photo(root / "train" / f"a{row}.png", 700 + row)
    write_csv(root / "sample_submission.csv", A_SAMPLE)
    heard = Heard()
    result = adopt(root, "stray", workspace=workspace, progress=heard)
    assert (result.training, result.files[-1].count) == (80, count)
    told = [*heard.notes, *heard.warnings]
    if count == 1:
        assert "train/a0.png is not used: it is in no folder of a class." in told
    else:
        assert any(text.startswith("7 photos are in no folder of a class and are left out (train/a0.") for text in told)


def test_what_the_user_leaves_out(tmp_path: Path, workspace: Workspace) -> None:
    root = write_photos(tmp_path / "photos", *fill(6, "a", "b", "docs"))
    result = adopt(root, "pets", hints=Hints(leave_out=("docs",)), workspace=workspace)
    assert (result.manifest.classes, result.manifest.leave_out) == (("a", "b"), ("docs",))
    assert any((found.reason, found.count) == ("you left it out", 6) for found in result.files)
    # A later hint does not undo this one.
    assert adopt(root, "pets", hints=Hints(metric="accuracy"), workspace=workspace).manifest.leave_out == ("docs",)
    with pytest.raises(BadChoice, match=r"below or named 'doc': Hints\(leave_out=\(\.\.\.,\)\) expects"):
        adopt(root, "pets", hints=Hints(leave_out=("doc",)), workspace=workspace)


def test_every_file_is_accounted_for(tmp_path: Path, workspace: Workspace) -> None:
    root = write_photos(tmp_path / "photos", *fill(6, "train/a", "train/b", "other"), *fill(4, "test"))
    write_csv(root / "sample_submission.csv", "id,a,b;t0,0.5,0.5;t1,0.5,0.5")
    write_photo(root / "train" / "a" / ".hidden.png", 1)
    result = adopt(root, "counted", workspace=workspace)
    counts = {(found.use, found.reason): found.count for found in result.files}
    assert counts == {
        ("learned from", ""): 12,
        ("to predict", ""): 2,
        ("table", "the sample submission"): 1,
        ("left out", "it is outside the folders of the sets"): 6,
        ("left out", "the sample submission does not ask for it"): 2,
        ("left out", "it is hidden, or left by a system"): 1,
    }
    assert "24 in " in str(result)
    heard = Heard()
    replace(result.manifest, leave_out=("train/a/a0.png", "train/c")).save(result.folder.manifest)
    result = adopt(root, "counted", workspace=workspace, progress=heard)
    assert result.training == 11
    assert [warning.partition(" in ")[0] for warning in heard.warnings] == ["No file is left out by 'train/c'"]


def test_folders_of_patients_are_groups(tmp_path: Path, workspace: Workspace) -> None:
    patients = [f"{8860 + number}/{kind}" for number in range(6) for kind in "01"]
    photos = [f"{folder}/{folder.replace('/', '_')}_{row}.png" for folder in patients for row in range(3)]
    root = write_photos(tmp_path / "photos", *photos)
    heard = Heard()
    result = adopt(root, "patients", workspace=workspace, progress=heard)
    tables = load_tables(result.folder)
    assert [path.split("/")[0] for path in tables.train["path"]] == tables.train["group"].tolist()
    assert set(result.manifest.classes) == {"0", "1"}
    assert "Two levels of folders below . may be the classes" in " ".join(heard.warnings)
    assert "the folders at level 1 below .; folds never split a group" in str(result)
    edited = replace(result.manifest, train=replace(result.manifest.train, group_column="2"))
    edited.save(result.folder.manifest)
    adopt(root, "patients", workspace=workspace)
    groups = set(load_tables(result.folder).train["group"])
    assert len(groups) > len(patients) / 2
    assert groups <= set(patients)


def test_classes_at_the_level_that_the_manifest_names(tmp_path: Path, workspace: Workspace) -> None:
    root = write_photos(tmp_path / "photos", *fill(6, "Fruit/a", "Fruit/b", "Kale/c", "Kale/d"))
    result = adopt(root, "levels", workspace=workspace)
    assert result.manifest.classes == ("a", "b", "c", "d")
    edited = replace(
        result.manifest,
        task="binary",
        classes=("Fruit", "Kale"),
        train=replace(result.manifest.train, class_level=1),
        answer=replace(result.manifest.answer, columns=("Kale",)),
    )
    edited.save(result.folder.manifest)
    result.folder.sample.unlink()
    adopt(root, "levels", workspace=workspace)
    tables = load_tables(result.folder)
    assert [path.split("/")[0] for path in tables.train["path"]] == tables.train["label"].tolist()


def test_a_table_that_knows_the_photos_for_validation(tmp_path: Path, workspace: Workspace) -> None:
    names = [f"train/x{row}.png" for row in range(8)] + [f"valid/y{row}.png" for row in range(8)]
    root = write_photos(tmp_path / "photos", *names, "test/t0.png", "test/t1.png")
    rows = ";".join(f"{name.split('/')[1]},{'ab'[row % 2]}" for row, name in enumerate(names))
    write_csv(root / "labels.csv", f"id,label;{rows}")
    write_csv(root / "sample_submission.csv", A_SAMPLE)
    assert adopt(root, "all", workspace=workspace).training == 16
    write_csv(root / "labels.csv", f"id,label;{rows[: rows.index(';y')]}")
    heard = Heard()
    assert adopt(root, "half", workspace=workspace, progress=heard).training == 8
    assert any(note.startswith("valid is not used: labels.csv has no label for 8 of its") for note in heard.notes)
    for row in range(8):
        write_photo(root / "train_extra" / f"x{row}.png", 100 + row)
    heard = Heard()
    assert adopt(root, "extra", workspace=workspace, progress=heard).training == 8
    assert any(note.startswith("train_extra is not used: its photos have the names of others") for note in heard.notes)


def test_folders_of_unlabelled_photos_are_left_out(workspace, tmp_path):
    names = [f"{kind}/{row}.png" for row in range(6) for kind in ("car", "cat", "Unlabelled")]
    root = write_photos(tmp_path / "photos", *names)
    heard = Heard()
    made = adopt(root, "own", workspace=workspace, progress=heard).manifest
    assert (made.classes, made.leave_out) == (("car", "cat"), ("Unlabelled",))
    assert any(warning.startswith("The photos of Unlabelled are left out") for warning in heard.warnings)


def test_numbers_in_parentheses_belong_to_no_class(workspace, tmp_path):
    names = [f"{kind} ({row}).png" for row in range(1, 7) for kind in ("lemon", "orange")]
    made = adopt(write_photos(tmp_path / "photos", *names), "own", workspace=workspace).manifest
    assert (made.train.labels, made.classes) == ("names", ("lemon", "orange"))


def test_one_class_is_called_one(workspace, tmp_path):
    root = write_photos(tmp_path / "photos", *(f"train/good/{row}.png" for row in range(6)), "test/good/1.png")
    with pytest.raises(BadData, match=r"are in one folder \(good\), so there is one class only"):
        adopt(root, "own", workspace=workspace)


def test_slides_rather_than_their_magnifications_are_groups(workspace, tmp_path):
    names = [
        f"{kind}/SOB/{part}/SOB_{part}_14-{slide}/{zoom}X/{slide}-{zoom}-{row}.png"
        for kind, parts in {"benign": ("A", "F"), "malignant": ("DC", "LC")}.items()
        for part in parts
        for slide in (f"{kind[0]}{part}10", f"{kind[0]}{part}11")
        for zoom in (40, 100)
        for row in range(2)
    ]
    made = adopt(write_photos(tmp_path / "photos", *names), "own", workspace=workspace).manifest
    assert made.classes == ("benign", "malignant")
    assert (made.train.groups, made.train.group_column) == ("folders", "4")


def test_masks_in_a_deeper_folder_are_left_out(workspace, tmp_path):
    root = write_photos(tmp_path / "photos", *(f"images/{kind}_{row}.png" for row in range(1, 7) for kind in "ab"))
    for path in (root / "images").iterdir():
        mask = root / "annotations" / "trimaps" / path.name
        mask.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.zeros((32, 32), np.uint8)
        pixels[8:20, 8:20] = 1 + ord(path.name[0]) % 2
        Image.fromarray(pixels).save(mask)
    made = adopt(root, "own", workspace=workspace).manifest
    assert (made.train.labels, made.classes, made.leave_out) == ("names", ("a", "b"), ("annotations",))


def test_a_patient_below_two_classes_is_one_group(workspace, tmp_path):
    names = [
        f"{kind}/P{patient:03d}/{kind}{patient}_{row}.png"
        for kind in ("neg", "pos")
        for patient in range(6)
        for row in range(2)
    ]
    made = adopt(write_photos(tmp_path / "photos", *names), "own", workspace=workspace)
    groups = load_tables(made.folder).train["group"]
    assert set(groups) <= {f"P{patient:03d}" for patient in range(6)}
