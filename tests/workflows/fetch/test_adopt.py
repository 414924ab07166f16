from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import pytest
from helpers.copies_made import COPIES, scene
from helpers.photos import Heard, photo_bytes, truncate, write_csv, write_photo, write_photos, zip_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ensembler.competition.csv_tables import read_table
from ensembler.competition.folds.file import build_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.manifest import Manifest
from ensembler.errors import BadChoice, BadData, Mismatch, MissingHint
from ensembler.paths import Workspace
from ensembler.workflows.competition import open_competition
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch
from ensembler.workflows.fetch.tables import open_refreshed_competition

SLUG = "dogs-vs-cats-mini"
SIZE = (60, 60)


def dogs_and_cats(photos=4, **changed):
    """Members of an archive as Kaggle gives it; ``changed`` photos, by their paths, have other bytes or are gone."""
    cats = {f"train/cat.{row}.jpg": photo_bytes(row, size=SIZE) for row in range(photos)}
    dogs = {f"train/dog.{row}.jpg": photo_bytes(100 + row, size=SIZE) for row in range(photos)}
    test = {f"test/{row}.jpg": photo_bytes(200 + row, size=SIZE) for row in (1, 2, 3)}
    members = {**cats, **dogs, **test, **changed}
    return {
        "train.zip": zip_bytes({name: members[name] for name in members if name.startswith("train/")}),
        "test.zip": zip_bytes({name: members[name] for name in members if name.startswith("test/")}),
        "sample_submission.csv": "id,label\n3,0.5\n1,0.5\n2,0.5\n",
    }


def cut(seed):
    content = photo_bytes(seed, size=SIZE)
    return content[: len(content) // 2]


@pytest.fixture
def archived(tmp_path):
    def write(members, name="downloaded.zip"):
        (tmp_path / name).write_bytes(zip_bytes(members))
        return tmp_path / name

    return write


def everything_in(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_fetching_from_a_zip(workspace, archived):
    heard = Heard()
    fetched = fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace, progress=heard)
    assert (fetched.training, fetched.test, fetched.unreadable) == (8, 3, 0)
    assert fetched.manifest.classes == ("cat", "dog")
    assert heard.warnings == []
    assert heard.labels == [
        "unpack downloaded.zip",
        "unpack test.zip",
        "unpack train.zip",
        "checksum of dogs-vs-cats-mini.zip",
        "scan photos",
        "look for near-duplicates",
    ]
    folder, tables = open_refreshed_competition(None, workspace, heard)
    assert folder == fetched.folder
    assert tables.test["id"].tolist() == ["3", "1", "2"]
    assert all(path.is_file() for path in (*tables.train_paths, *tables.test_paths))
    names = sorted(path.name for path in folder.raw.iterdir())
    assert names == ["dogs-vs-cats-mini.zip", "dogs-vs-cats-mini.zip.sha256", "extracted"]


def test_the_address_does_as_well_as_the_slug(workspace, archived):
    address = f"https://www.kaggle.com/competitions/{SLUG}/data"
    assert fetch(address, archive=archived(dogs_and_cats()), workspace=workspace).folder.name == SLUG


def test_a_second_fetch_does_nothing(workspace, archived):
    archive = archived(dogs_and_cats())
    first = fetch(SLUG, archive=archive, workspace=workspace)
    before = everything_in(first.folder.root)
    heard = Heard()
    assert fetch(SLUG, archive=archive, workspace=workspace, progress=heard) == first
    assert fetch(SLUG, workspace=workspace, progress=heard) == first
    assert everything_in(first.folder.root) == before
    assert heard.labels == []


def test_an_edited_manifest_is_kept_and_remakes_the_tables(workspace, archived):
    archive = archived(dogs_and_cats())
    folder = fetch(SLUG, archive=archive, workspace=workspace).folder
    edited = replace(Manifest.load(folder.manifest), classes=("dog", "cat"))
    edited.save(folder.manifest)
    before = folder.manifest.read_bytes()
    fetched = fetch(SLUG, archive=archive, workspace=workspace)
    assert fetched.manifest == edited
    assert folder.manifest.read_bytes() == before
    assert open_competition(SLUG, workspace)[1].targets[:, 0].sum() == 4


def test_opening_an_edited_manifest_reads_no_photo_and_says_what_makes_the_tables_anew(workspace, archived):
    folder = fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace).folder
    replace(Manifest.load(folder.manifest), classes=("dog", "cat")).save(folder.manifest)
    before = everything_in(folder.root)
    with pytest.raises(Mismatch, match=r"competition.toml was edited after the tables .*run `ensembler\.folds\(\)`"):
        open_competition(None, workspace)
    assert everything_in(folder.root) == before


def test_tables_that_are_gone_are_not_called_edited(workspace, archived):
    folder = fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace).folder
    folder.stamp.unlink()
    with pytest.raises(Mismatch, match=r"The tables of photos of .* are missing or incomplete: run `ensembler\.folds"):
        open_competition(None, workspace)


def test_work_on_an_edited_manifest_remakes_the_tables_and_says_so(workspace, archived):
    folder = fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace).folder
    text = folder.manifest.read_text("utf-8")
    swapped = text.replace('"cat"', '"?"').replace('"dog"', '"cat"').replace('"?"', '"dog"')
    assert swapped != text
    folder.manifest.write_text(swapped, "utf-8")
    heard = Heard()
    _, tables = open_refreshed_competition(None, workspace, heard)
    assert (tables.targets[:, 0] == (tables.train["label"] == "cat")).all()
    assert heard.labels == ["scan photos", "look for near-duplicates"]
    assert heard.notes == [
        f"{folder.manifest} was edited after the tables of photos were made: all photos are scanned to create new ones."
    ]
    open_refreshed_competition(None, workspace, heard)
    assert heard.labels == ["scan photos", "look for near-duplicates"]


def test_an_edit_that_does_not_fit_is_told(workspace, archived):
    folder = fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace).folder
    replace(Manifest.load(folder.manifest), classes=("cat", "wolf")).save(folder.manifest)
    with pytest.raises(
        BadData, match=r"The labels of 4 training photos are not in `classes` of competition.toml \(first: 'dog'\)"
    ):
        open_refreshed_competition(None, workspace, Heard())


def test_another_archive_is_refused_unless_forced(workspace, archived):
    fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace)
    other = archived(dogs_and_cats(photos=5), "other.zip")
    with pytest.raises(BadChoice, match=r"raw contains another archive than .*other\.zip: replace it with force=True"):
        fetch(SLUG, archive=other, workspace=workspace)
    fetched = fetch(SLUG, archive=other, force=True, workspace=workspace)
    assert fetched.training == len(read_table(fetched.folder.train)) == 10


def test_hints_find_out_anew_without_unpacking(workspace, archived):
    members = dogs_and_cats()
    with pytest.raises(MissingHint, match=r"Hints\(positive"):
        fetch("pets", archive=archived(members), workspace=workspace)
    heard = Heard()
    fetched = fetch("pets", hints=Hints(positive="cat"), workspace=workspace, progress=heard)
    assert fetched.manifest.classes == ("dog", "cat")
    assert heard.labels == ["scan photos", "look for near-duplicates"]


def test_no_file_to_take(workspace, tmp_path):
    with pytest.raises(
        BadChoice, match=r"The file .*nothing\.zip does not exist: pass the zip that the browser downloaded as archive"
    ):
        fetch(SLUG, archive=tmp_path / "nothing.zip", workspace=workspace)
    assert not workspace.data.exists()


def test_a_damaged_archive_is_replaced_by_a_good_one(workspace, archived):
    good = archived(dogs_and_cats())
    bad = archived({}, "bad.zip")
    bad.write_bytes(good.read_bytes()[:5000])
    with pytest.raises(BadData, match="is damaged or not a zip file"):
        fetch(SLUG, archive=bad, workspace=workspace)
    assert workspace.competitions() == []
    assert not workspace.competition(SLUG).extracted.exists()
    assert fetch(SLUG, archive=good, workspace=workspace).training == 8


def test_a_truncated_photo_in_train_is_named_counted_and_left_out(workspace, archived):
    heard = Heard()
    archive = archived(dogs_and_cats(**{"train/cat.2.jpg": cut(2)}))
    fetched = fetch(SLUG, archive=archive, workspace=workspace, progress=heard)
    assert (fetched.training, fetched.test, fetched.unreadable) == (7, 3, 1)
    (warning,) = heard.warnings
    assert warning.startswith("1 train photo cannot be decoded, left out: train/cat.2.jpg (")
    assert "truncated" in warning.lower()
    assert read_table(fetched.folder.unreadable)[["id", "path", "set"]].to_numpy().tolist() == [
        ["cat.2", "train/cat.2.jpg", "train"]
    ]


def test_a_truncated_photo_in_test_is_predicted_by_the_prior(workspace, archived):
    heard = Heard()
    archive = archived(dogs_and_cats(**{"test/1.jpg": cut(2)}))
    fetched = fetch(SLUG, archive=archive, workspace=workspace, progress=heard)
    assert (fetched.training, fetched.test, fetched.unreadable) == (8, 3, 1)
    (warning,) = heard.warnings
    assert warning.startswith("1 test photo cannot be decoded, predicted by the class frequencies: test/1.jpg (")
    _, tables = open_refreshed_competition(SLUG, workspace, heard)
    assert tables.test.to_numpy().tolist() == [["3", "test/3.jpg"], ["1", ""], ["2", "test/2.jpg"]]
    assert len(tables.test_paths) == 2


def test_many_unreadable_photos_are_not_all_listed(workspace, archived):
    heard = Heard()
    changed = {f"train/cat.{row}.jpg": b"" for row in range(4)}
    fetch(SLUG, archive=archived(dogs_and_cats(**changed)), workspace=workspace, progress=heard)
    names = "train/cat.0.jpg, train/cat.1.jpg, train/cat.2.jpg, ..."
    assert heard.warnings[0].startswith(f"4 train photos cannot be decoded, left out: {names} (")


def test_no_photo_can_be_read(workspace, archived):
    changed = {f"train/{name}.{row}.jpg": b"" for row in range(4) for name in ("cat", "dog")}
    with pytest.raises(BadData, match=r"No training photo in .*train can be decoded"):
        fetch(SLUG, archive=archived(dogs_and_cats(**changed)), workspace=workspace)
    assert not workspace.competition(SLUG).train.exists()


def test_twins_share_a_group(workspace, archived):
    archive = archived(dogs_and_cats(**{"train/dog.3.jpg": photo_bytes(1, size=SIZE)}))
    folder = fetch(SLUG, archive=archive, workspace=workspace).folder
    groups = read_table(folder.train).set_index("id")["group"]
    assert groups[groups != ""].to_dict() == {"cat.1": "cat.1", "dog.3": "cat.1"}


def file_of(photo, suffix=".jpg"):
    buffer = io.BytesIO()
    photo.save(buffer, Image.registered_extensions()[suffix])
    return buffer.getvalue()


def test_near_duplicates_share_a_group_and_are_listed(workspace, archived):
    changed = {
        "train/cat.0.jpg": file_of(scene(0)),
        "train/dog.2.jpg": file_of(COPIES["smaller"](scene(0))),
        "train/cat.1.jpg": file_of(scene(1)),
        "test/2.jpg": file_of(COPIES["cut by 2 %"](scene(1))),
    }
    heard = Heard()
    fetched = fetch(SLUG, archive=archived(dogs_and_cats(**changed)), workspace=workspace, progress=heard)
    groups = read_table(fetched.folder.train).set_index("id")["group"]
    assert groups[groups != ""].to_dict() == {"cat.0": "cat.0", "dog.2": "cat.0"}
    listed = read_table(fetched.folder.duplicates)
    assert listed[["set", "id", "other_set", "other_id"]].to_numpy().tolist() == [
        ["train", "cat.0", "train", "dog.2"],
        ["train", "cat.1", "test", "2"],
    ]
    assert (listed["similarity"].astype(float) > 0.94).all()
    counts = fetched.duplicates
    assert (counts.training, counts.to_predict, counts.contradicting) == (2, 1, 1)
    assert [note for note in heard.notes if note.startswith("2 duplicates among training photos")]
    assert heard.warnings == [
        f"The same picture has different labels in 1 pair of training photos: see {fetched.folder.duplicates}."
    ]
    assert fetch(SLUG, workspace=workspace).duplicates == counts


@settings(deadline=None, max_examples=5)
@given(st.lists(st.sampled_from(sorted(COPIES)), min_size=6, max_size=6), st.integers(0, 99))
@pytest.mark.slow
def test_planted_copies_go_to_one_side_and_into_one_fold(tmp_path_factory, copies, seed):
    root = tmp_path_factory.mktemp("planted")
    for number, name in enumerate(copies):
        for place, photo in (
            (f"a/{number} first", scene(number)),
            (f"b/{number} copy", COPIES[name](scene(number))),
            (f"a/{number} other", scene(100 + number)),
        ):
            path = root / "photos" / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            photo.save(path)
    workspace = Workspace(root / "data", root / "submissions")
    folder = adopt(root / "photos", "planted", test_size=0.3, seed=seed, workspace=workspace).folder
    _, tables = open_competition(None, workspace)
    listed = read_table(folder.duplicates)
    # None straddles training photos and photos to predict.
    assert set(listed["other_set"]) <= {"train"}
    families = tables.train.set_index("id")["group"]
    assert (families[listed["id"]].to_numpy() == families[listed["other_id"]].to_numpy()).all()
    assert len(listed) == 6 - tables.test["id"].str.contains("copy").sum()
    for folds, repeats in ((3, 2), (1, 1)):
        made = build_folds(tables, folds, repeats, seed)
        places = pd.Series(list(map(tuple, made.assigned)), index=tables.train["id"])
        assert (places[listed["id"]].to_numpy() == places[listed["other_id"]].to_numpy()).all()


def labelled(rows):
    names = ("train/1.png", "train/2.png", "train/3.png", "test/4.png")
    photos = {name: photo_bytes(row, ".png") for row, name in enumerate(names)}
    return {**photos, "labels.csv": "\n".join(["id,label", *rows]), "sample_submission.csv": "id,label\n4,0.5\n"}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["1,0", "2,1"], r"labels\.csv has no label for 1 photo of .*train \(first: train/3\.png\)"),
        (["1,0", "2,1", "3,0", "9,0"], r"labels\.csv names 1 photo missing in .*train \(first: '9', most like "),
        (["1,0", "2,1", "3,"], "The label of 1 training photo is empty"),
    ],
)
def test_a_label_table_that_does_not_fit(workspace, archived, rows, says):
    with pytest.raises(BadData, match=says):
        fetch("leaves", archive=archived(labelled(rows)), workspace=workspace)
    assert not (workspace.competition("leaves").train).exists()


def test_incomplete_labels_on_request(workspace, archived):
    archive = archived(labelled(["1,0", "2,1"]))
    fetched = fetch("leaves", archive=archive, hints=Hints(incomplete_labels=True), workspace=workspace)
    assert fetched.training == 2


def test_an_archive_without_photos(workspace, archived):
    with pytest.raises(BadData, match="contains no photos"):
        fetch("leaves", archive=archived({"train.csv": "id,label\n"}), workspace=workspace)


def test_a_file_where_the_data_should_go(workspace, archived):
    workspace.data.write_text("")
    with pytest.raises(
        BadChoice, match="data is a file, not a folder: move it away, or choose another folder with workspace"
    ):
        fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace)


@pytest.mark.parametrize(("share", "chosen_again"), [(0.5, True), (0.2, False)])
def test_a_hint_that_has_photos_chosen_again_says_so(workspace, cars, share, chosen_again):
    adopt(cars, "cars", test_size=share, workspace=workspace)
    heard = Heard()
    adopt(cars, "cars", hints=Hints(metric="accuracy"), workspace=workspace, progress=heard)
    said = "The photos to predict were chosen again (test_size=0.2, seed=0)"
    assert any(line.startswith(said) for line in heard.warnings) == chosen_again


@pytest.fixture
def cars(tmp_path):
    names = [f"{kind}/{row}.png" for kind in ("boat", "bus", "car") for row in range(10)]
    return write_photos(tmp_path / "my photos", *names)


def test_adopting_a_class_per_folder(workspace, cars):
    before = everything_in(cars)
    fetched = adopt(cars, "cars", test_size=0.3, workspace=workspace)
    assert (fetched.training, fetched.test, fetched.unreadable) == (21, 9, 0)
    assert fetched.manifest.photos == str(cars)
    assert everything_in(cars) == before
    folder, tables = open_competition(None, workspace)
    solution = read_table(folder.solution)
    assert solution["id"].tolist() == tables.test["id"].tolist() == read_table(folder.sample)["id"].tolist()
    assert solution["label"].value_counts().to_dict() == {"boat": 3, "bus": 3, "car": 3}
    assert [path.split("/")[0] for path in tables.test["path"]] == solution["label"].tolist()
    assert not set(tables.train["path"]) & set(tables.test["path"])
    assert len(tables.test_paths) == 9


def test_the_hidden_labels_are_in_no_other_table(workspace, cars):
    folder = adopt(cars, "cars", workspace=workspace).folder
    assert list(read_table(folder.test).columns) == ["id", "path"]
    assert list(read_table(folder.sample).columns) == ["id", "boat", "bus", "car"]


def test_adopting_twice_does_nothing(workspace, cars):
    first = adopt(cars, "cars", workspace=workspace)
    before = everything_in(first.folder.root)
    heard = Heard()
    assert adopt(cars, "cars", workspace=workspace, progress=heard) == first
    assert everything_in(first.folder.root) == before
    assert heard.labels == []


def test_hints_adopt_anew(workspace, tmp_path):
    root = write_photos(tmp_path / "pets", *[f"{kind}/{row}.png" for kind in ("cat", "dog") for row in range(5)])
    assert adopt(root, "pets", workspace=workspace).manifest.classes == ("cat", "dog")
    again = adopt(root, "pets", hints=Hints(positive="cat"), workspace=workspace)
    assert again.manifest.classes == ("dog", "cat")
    assert list(read_table(again.folder.sample).columns) == ["id", "cat"]


@pytest.mark.parametrize("hints", [Hints(), Hints(label_column="kind")])
def test_a_name_in_use_is_refused(workspace, cars, tmp_path, hints):
    first = adopt(cars, "cars", workspace=workspace)
    other = write_photos(tmp_path / "others", *[f"{kind}/{row}.png" for kind in "ab" for row in range(5)])
    with pytest.raises(BadChoice, match=r"cars is already the name of another competition.*with force=True"):
        adopt(other, "cars", hints=hints, workspace=workspace)
    assert Manifest.load(first.folder.manifest) == first.manifest
    assert adopt(other, "cars", force=True, workspace=workspace).manifest.classes == ("a", "b")


def test_a_new_choice_of_hidden_photos_remakes_the_tables(workspace, cars):
    adopt(cars, "cars", test_size=0.2, workspace=workspace)
    assert adopt(cars, "cars", test_size=0.5, workspace=workspace, progress=(heard := Heard())).test == 6
    assert "The photos to predict stay as they are: test_size and seed change them only with force=True." in heard.notes
    again = adopt(cars, "cars", test_size=0.5, force=True, workspace=workspace)
    assert (again.training, again.test) == (15, 15)
    hidden, train = read_table(again.folder.solution), read_table(again.folder.train)
    assert not set(hidden["id"]) & set(train["id"])


def test_solutions_do_not_outlive_their_photos(workspace, cars):
    folder = adopt(cars, "cars", workspace=workspace).folder
    assert folder.solution.is_file()
    write_photos(cars, "test/90.png", "test/91.png")
    again = adopt(cars, "cars", force=True, workspace=workspace)
    assert (again.training, again.test) == (30, 2)
    assert not folder.solution.exists()


def test_twins_of_hidden_photos_are_hidden_too(workspace, cars):
    for row in range(10):
        write_photo(cars / f"car/{row}.png", seed=500 + row // 2)
    fetched = adopt(cars, "cars", test_size=0.4, workspace=workspace)
    _, tables = open_competition(None, workspace)
    seen, hidden = ({path.read_bytes() for path in paths} for paths in (tables.train_paths, tables.test_paths))
    assert not seen & hidden
    assert fetched.test == 12


def test_adopting_what_cannot_be_read(workspace, cars):
    truncate(write_photo(cars / "car/cut.png", 7, SIZE))
    heard = Heard()
    fetched = adopt(cars, "cars", workspace=workspace, progress=heard)
    assert (fetched.training + fetched.test, fetched.unreadable) == (30, 1)
    assert heard.warnings[0].startswith("1 train photo cannot be decoded, left out: car/cut.png (")


def test_adopting_photos_with_a_table(workspace, tmp_path):
    root = write_photos(tmp_path / "leaves", *[f"images/{row:02d}.jpg" for row in range(10)])
    rows = ";".join(f"{row:02d},{'rust' if row % 2 else 'scab'}" for row in range(10))
    write_csv(root / "labels.csv", f"id,label;{rows}")
    fetched = adopt(root, "leaves", workspace=workspace)
    assert (fetched.training, fetched.test, fetched.manifest.task) == (8, 2, "binary")
    assert list(read_table(fetched.folder.sample).columns) == ["id", "scab"]


def test_adopting_a_competition_already_unpacked(workspace, tmp_path):
    names = [f"train/{name}.{row}.jpg" for name in ("cat", "dog") for row in (1, 2)]
    root = write_photos(tmp_path / "pets", *names, "test/1.jpg")
    write_csv(root / "sample_submission.csv", "id,dog;1,0.5")
    fetched = adopt(root, "pets", workspace=workspace)
    assert (fetched.training, fetched.test) == (4, 1)
    assert not fetched.folder.sample.exists()
    assert not fetched.folder.solution.exists()


@pytest.mark.parametrize(
    ("folder", "name", "error", "says"),
    [
        (
            "nowhere",
            "cars",
            BadChoice,
            r"The folder .*nowhere does not exist: pass a folder of photos",
        ),
        ("empty", "cars", BadData, "empty contains no photos"),
        ("empty", "my cars", BadChoice, "'my cars' is not a valid name of a competition"),
    ],
)
def test_what_cannot_be_adopted(workspace, tmp_path, folder, name, error, says):
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=says):
        adopt(tmp_path / folder, name, workspace=workspace)
    assert not workspace.data.exists()


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_share_that_is_none(workspace, cars, share):
    with pytest.raises(BadChoice, match="test_size"):
        adopt(cars, "cars", test_size=share, workspace=workspace)
    assert workspace.competitions() == []


def test_the_competition_last_brought_in_is_the_current_one(workspace, archived, cars):
    fetch(SLUG, archive=archived(dogs_and_cats()), workspace=workspace)
    adopt(cars, "cars", workspace=workspace)
    assert open_competition(None, workspace)[0].name == "cars"
    fetch(SLUG, workspace=workspace)
    assert open_competition(None, workspace)[0].name == SLUG
    with pytest.raises(BadChoice, match=r"did you mean cars\?"):
        open_competition("car", workspace)
