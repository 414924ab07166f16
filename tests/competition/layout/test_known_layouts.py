"""Twelve competitions, small, with the names that Kaggle gives their files, folders and columns.

What cannot be seen without an account was read in public notebooks and in the files of MLE-bench; where there is but a
memory, a comment says so. Photos are ours, and there are few of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from helpers.archives_made import seven_zip_bytes, tar_bytes
from helpers.photos import Heard, photo_bytes, zip_bytes
from PIL import Image

from ensembler.competition.archives.unpacking import extract_archive
from ensembler.competition.folds.assignment import assign_folds
from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.layout import find_layout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.tables import make_tables
from ensembler.paths import Workspace
from ensembler.workflows.fetch.adopt import adopt

NO_HINTS = Hints()


@dataclass
class Expected:
    """What is to be found out of a competition."""

    task: str
    classes: tuple[str, ...]
    source: str
    kind: str
    columns: tuple[str, ...]
    metric: str
    test: dict[str, str]
    labels: dict[str, str]
    groups: dict[str, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    code_only: bool = False


def table(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def photos(*paths: str) -> dict[str, bytes]:
    """Photos of different content, in the format of each path's suffix."""
    return {path: photo_bytes(seed, "." + path.rsplit(".", 1)[1]) for seed, path in enumerate(paths)}


def below(folder: str, *names: str) -> list[str]:
    return [f"{folder}/{name}" for name in names]


def found(tmp_path, slug, members, heard=None):
    """Unpack a competition's zip and find out all that the tables need, without a hint."""
    archive = tmp_path / f"{slug}.zip"
    archive.write_bytes(zip_bytes(members))
    root = tmp_path / "extracted"
    extract_archive(archive, root, heard or Heard())
    manifest = find_layout(root, slug, slug, NO_HINTS, "raw/extracted")
    train, test = make_tables(manifest, PhotoFiles.list_below(root))
    return manifest, train, test


def check(tmp_path, slug, members, expected, heard=None):
    manifest, train, test = found(tmp_path, slug, members, heard)
    assert (manifest.task, manifest.classes, manifest.class_names) == (
        expected.task,
        expected.classes,
        expected.class_names,
    )
    assert manifest.train.labels == expected.source
    assert (manifest.answer.kind, manifest.answer.columns) == (expected.kind, expected.columns)
    assert (manifest.metric, manifest.code_only) == (expected.metric, expected.code_only)
    assert dict(zip(test["id"], test["path"], strict=True)) == expected.test
    assert dict(zip(train["path"], train["label"], strict=True)) == expected.labels
    groups = train[train["group"] != ""]
    assert dict(zip(groups["path"], groups["group"], strict=True)) == expected.groups
    assert not set(train["path"]) & set(test["path"])
    check_prepared(tmp_path / "public", slug, members, manifest, (len(train), len(test)))
    return manifest


def check_prepared(folder, slug, members, manifest, counts):
    """Adopt the same files as a folder with the archives inside, as MLE-bench prepares them."""
    for name, content in {"description.md": b"# Overview", **members}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    workspace = Workspace(folder.parent / "data", folder.parent / "submissions")
    adopted = adopt(folder, "own", hints=Hints(like=slug), workspace=workspace)
    found = adopted.manifest
    assert (found.task, found.classes, found.metric) == (manifest.task, manifest.classes, manifest.metric)
    assert (found.train.labels, found.answer.kind) == (manifest.train.labels, manifest.answer.kind)
    assert (adopted.training + adopted.unreadable, adopted.test) == counts


def test_dogs_vs_cats_redux(tmp_path):
    train = below("train", "cat.0.jpg", "cat.1.jpg", "cat.10.jpg", "dog.0.jpg", "dog.1.jpg", "dog.10.jpg")
    members = {
        "sample_submission.csv": table("id,label", "1,0.5", "2,0.5", "10,0.5"),
        "test.zip": zip_bytes(photos(*below("test", "1.jpg", "2.jpg", "10.jpg"))),
        "train.zip": zip_bytes(photos(*train)),
    }
    expected = Expected(
        "binary",
        ("cat", "dog"),
        "names",
        "probabilities",
        ("label",),
        "log loss",
        {"1": "test/1.jpg", "2": "test/2.jpg", "10": "test/10.jpg"},
        {path: path[6:9] for path in train},
    )
    check(tmp_path, "dogs-vs-cats-redux-kernels-edition", members, expected)


def test_dog_breed_identification(tmp_path):
    breeds = {
        "000bec180eb18c7604dcecc8fe0dba07": "boston_bull",
        "001513dfcb2ffafc82cccf4d8bbaba97": "dingo",
        "001cdf01b096e06d78e9e5112d419397": "pekinese",
        "00214f311d5d2247d5dfe4fe24b2303d": "bluetick",
        "0021f9ceb3235effd7fcde7f7538ed62": "golden_retriever",
        "002211c81b498ef88e1b40b9abf84e1d": "bedlington_terrier",
    }
    asked = ("000621fb3cbb32d8935728e48679680e", "00102ee9d8eb90812350685311fe5890")
    columns = tuple(sorted(breeds.values()))
    members = {
        "labels.csv": table("id,breed", *(f"{name},{breed}" for name, breed in breeds.items())),
        "sample_submission.csv": table(",".join(["id", *columns]), *(name + ",0.00833" * 6 for name in asked)),
        **photos(*(f"test/{name}.jpg" for name in asked)),
        **photos(*(f"train/{name}.jpg" for name in breeds)),
    }
    expected = Expected(
        "multiclass",
        columns,
        "csv",
        "probabilities",
        columns,
        "log loss",
        {name: f"test/{name}.jpg" for name in asked},
        {f"train/{name}.jpg": breed for name, breed in breeds.items()},
    )
    check(tmp_path, "dog-breed-identification", members, expected)


STATE_FARM = "state-farm-distracted-driver-detection"
KINDS = tuple(f"c{number}" for number in range(10))
DRIVERS = ("p002", "p012", "p014", "p015", "p016", "p021")
DRIVEN = [
    (driver, kind, f"img_{100 * place + number}.jpg")
    for place, driver in enumerate(DRIVERS)
    for number, kind in enumerate(KINDS, start=11)
]


def state_farm() -> dict[str, bytes]:
    asked = ("img_1.jpg", "img_10.jpg")
    return {
        "driver_imgs_list.csv": table("subject,classname,img", *map(",".join, DRIVEN)),
        "sample_submission.csv": table(",".join(["img", *KINDS]), *(name + ",0.1" * 10 for name in asked)),
        **photos(*below("imgs/test", *asked), *(f"imgs/train/{kind}/{name}" for _, kind, name in DRIVEN)),
    }


def test_state_farm_distracted_driver_detection(tmp_path):
    expected = Expected(
        "multiclass",
        KINDS,
        "folders",
        "probabilities",
        KINDS,
        "log loss",
        {"img_1.jpg": "imgs/test/img_1.jpg", "img_10.jpg": "imgs/test/img_10.jpg"},
        {f"imgs/train/{kind}/{name}": kind for _, kind, name in DRIVEN},
        {f"imgs/train/{kind}/{name}": driver for driver, kind, name in DRIVEN},
    )
    train = check(tmp_path, STATE_FARM, state_farm(), expected).train
    assert (train.groups, train.group_id_column, train.group_column) == ("driver_imgs_list.csv", "img", "subject")


def test_the_folds_of_state_farm_keep_drivers_whole(tmp_path):
    _, train, _ = found(tmp_path, STATE_FARM, state_farm())
    train["fold"] = assign_folds(train["label"], train["group"], 5, 0)
    assert set(train["fold"]) == set(range(5))
    assert train.groupby("group")["fold"].nunique().eq(1).all()


def test_plant_seedlings_classification(tmp_path):
    species = (
        *("Black-grass", "Charlock", "Cleavers", "Common Chickweed", "Common wheat", "Fat Hen"),
        *("Loose Silky-bent", "Maize", "Scentless Mayweed", "Shepherds Purse", "Small-flowered Cranesbill"),
        "Sugar beet",
    )
    train = {
        f"train/{name}/{row:02d}{place:02d}be38d.png": name for place, name in enumerate(species) for row in (1, 2)
    }
    asked = ("0021e90e4.png", "003d61042.png", "007b3da8b.png")
    members = {
        "sample_submission.csv": table("file,species", *(f"{name},Sugar beet" for name in asked)),
        **photos(*below("test", *asked)),
        **photos(*train),
    }
    expected = Expected(
        "multiclass",
        species,
        "folders",
        "label",
        ("species",),
        "micro f1",
        {name: f"test/{name}" for name in asked},
        train,
    )
    check(tmp_path, "plant-seedlings-classification", members, expected)


def test_plant_pathology_2020(tmp_path):
    classes = ("healthy", "multiple_diseases", "rust", "scab")
    given = {
        "Train_0": "0,0,0,1",
        "Train_1": "0,1,0,0",
        "Train_2": "1,0,0,0",
        "Train_3": "0,0,1,0",
        "Train_4": "1,0,0,0",
    }
    members = {
        **photos(*(f"images/{name}.jpg" for name in ("Test_0", "Test_1", "Test_2", *given))),
        "sample_submission.csv": table(
            ",".join(["image_id", *classes]), *(f"Test_{n},0.25,0.25,0.25,0.25" for n in range(3))
        ),
        "test.csv": table("image_id", "Test_0", "Test_1", "Test_2"),
        "train.csv": table(",".join(["image_id", *classes]), *(f"{name},{flags}" for name, flags in given.items())),
    }
    expected = Expected(
        "multiclass",
        classes,
        "csv",
        "probabilities",
        classes,
        "mean column-wise roc auc",
        {f"Test_{n}": f"images/Test_{n}.jpg" for n in range(3)},
        {f"images/{name}.jpg": classes[flags.split(",").index("1")] for name, flags in given.items()},
    )
    check(tmp_path, "plant-pathology-2020-fgvc7", members, expected)


def test_cassava_leaf_disease_classification(tmp_path):
    names = (
        "Cassava Bacterial Blight (CBB)",
        "Cassava Brown Streak Disease (CBSD)",
        "Cassava Green Mottle (CGM)",
        "Cassava Mosaic Disease (CMD)",
        "Healthy",
    )
    given = {"1000015157.jpg": "0", "1000201771.jpg": "3", "100042118.jpg": "1", "1000723321.jpg": "2"}
    given |= {"1000812911.jpg": "4", "1001723730.jpg": "3"}
    members = {
        "label_num_to_disease_map.json": json.dumps({str(number): name for number, name in enumerate(names)}),
        "sample_submission.csv": table("image_id,label", "2216849948.jpg,4"),
        **photos("test_images/2216849948.jpg"),
        "test_tfrecords/ld_test00-1.tfrec": b"\x01\x02",
        "train.csv": table("image_id,label", *(f"{name},{label}" for name, label in given.items())),
        **photos(*below("train_images", *given)),
        "train_tfrecords/ld_train00-1338.tfrec": b"\x01\x02",
    }
    expected = Expected(
        "multiclass",
        ("0", "1", "2", "3", "4"),
        "csv",
        "label",
        ("label",),
        "accuracy",
        {"2216849948.jpg": "test_images/2216849948.jpg"},
        {f"train_images/{name}": label for name, label in given.items()},
        class_names=names,
        code_only=True,
    )
    manifest = check(tmp_path, "cassava-leaf-disease-classification", members, expected)
    assert "0 (Cassava Bacterial Blight (CBB)), 1 (Cassava Brown Streak" in manifest.describe()


def test_aerial_cactus_identification(tmp_path):
    given = {
        "0004be2cfeaba1c0361d39e2b000257b.jpg": "1",
        "000c8a36845c0208e833c79c1bffedd1.jpg": "1",
        "000d1e9a533f62e55c289303b072733d.jpg": "1",
        "0011485b40695e9138e92d0b3fb55128.jpg": "0",
    }
    asked = ("000940378805c44108d287872b2f04ce.jpg", "0017242f54ececa4512b4d7937d1e21e.jpg")
    members = {
        "sample_submission.csv": table("id,has_cactus", *(f"{name},0.5" for name in asked)),
        "test.zip": zip_bytes(photos(*below("test", *asked))),
        "train.csv": table("id,has_cactus", *(f"{name},{label}" for name, label in given.items())),
        "train.zip": zip_bytes(photos(*below("train", *given))),
    }
    expected = Expected(
        "binary",
        ("0", "1"),
        "csv",
        "probabilities",
        ("has_cactus",),
        "roc auc",
        {name: f"test/{name}" for name in asked},
        {f"train/{name}": label for name, label in given.items()},
        code_only=True,
    )
    check(tmp_path, "aerial-cactus-identification", members, expected)


def test_histopathologic_cancer_detection(tmp_path):
    given = {
        "f38a6374c348f90b587e046aac6079959adf3835": "0",
        "c18f2d887b7ae4f6742ee445113fa1aef383ed77": "1",
        "755db6279dae599ebb4d39a9123cce439965282d": "0",
        "bc3f0c64fb968ff4a8bd33af6971ecae77c75e08": "0",
    }
    asked = ("0b2ea2a822ad23fdb1b5dd26653da899fbd2c0d5", "95596b92e5066c5c52466c90b69ff089b39f2737")
    members = {
        "sample_submission.csv": table("id,label", *(f"{name},0" for name in asked)),
        **photos(*(f"test/{name}.tif" for name in asked)),
        **photos(*(f"train/{name}.tif" for name in given)),
        "train_labels.csv": table("id,label", *(f"{name},{label}" for name, label in given.items())),
    }
    expected = Expected(
        "binary",
        ("0", "1"),
        "csv",
        "probabilities",
        ("label",),
        "roc auc",
        {name: f"test/{name}.tif" for name in asked},
        {f"train/{name}.tif": label for name, label in given.items()},
    )
    check(tmp_path, "histopathologic-cancer-detection", members, expected)


FISH = ("ALB", "BET", "DOL", "LAG", "NoF", "OTHER", "SHARK", "YFT")
STAGE_1 = ("img_00005.jpg", "img_00007.jpg", "img_00009.jpg")
# From memory: in the second stage's sample, the new photos have their folder before their names, and the ids of the
# first stage are asked for again.
STAGE_2 = (*below("test_stg2", "image_00001.jpg", "image_00002.jpg"), *STAGE_1)


def fisheries(stage_2: dict[str, bytes]) -> dict[str, bytes]:
    def sample(ids):
        even = (
            "0.455003970355,0.0529380624669,0.0309687665431,0.0177342509264,0.123080995236,0.0791423,0.0465855,0.19427"
        )
        return table(",".join(["image", *FISH]), *(f"{identity},{even}" for identity in ids))

    return {
        "sample_submission_stg1.csv.zip": zip_bytes({"sample_submission_stg1.csv": sample(STAGE_1)}),
        "sample_submission_stg2.csv.zip": zip_bytes({"sample_submission_stg2.csv": sample(STAGE_2)}),
        "test_stg1.zip": zip_bytes({"test_stg1/.DS_Store": b"", **photos(*below("test_stg1", *STAGE_1))}),
        "train.zip": zip_bytes({"train/.DS_Store": b"", **photos(*fish())}),
        **stage_2,
    }


def fish() -> dict[str, str]:
    return {f"train/{kind}/img_{100 * place + row:05d}.jpg": kind for place, kind in enumerate(FISH) for row in (3, 10)}


@pytest.mark.parametrize("hide_names", [False, True])
def test_fisheries_whose_second_stage_is_locked(tmp_path, hide_names):
    locked = seven_zip_bytes(photos(*STAGE_2[:2]), "unknown", hide_names=hide_names)
    heard = Heard()
    expected = Expected(
        "multiclass",
        FISH,
        "folders",
        "probabilities",
        FISH,
        "log loss",
        {identity: f"test_stg1/{identity}" for identity in STAGE_1},
        fish(),
    )
    slug = "the-nature-conservancy-fisheries-monitoring"
    manifest = check(tmp_path, slug, fisheries({"test_stg2.7z": locked}), expected, heard)
    assert manifest.answer.sample == "sample_submission_stg1.csv"
    (warning,) = heard.warnings
    assert warning.startswith(f"test_stg2.7z in {tmp_path / slug}.zip is encrypted")


@pytest.mark.parametrize("there", [False, True])
def test_fisheries_with_and_without_the_second_stage(tmp_path, there):
    unlocked = {"test_stg2.7z": seven_zip_bytes(photos(*STAGE_2[:2]))} if there else {}
    asked = {identity: f"test_stg1/{identity}" for identity in STAGE_1}
    expected = Expected(
        "multiclass",
        FISH,
        "folders",
        "probabilities",
        FISH,
        "log loss",
        {**{identity: identity for identity in STAGE_2[:2]}, **asked} if there else asked,
        fish(),
    )
    check(tmp_path, "the-nature-conservancy-fisheries-monitoring", fisheries(unlocked), expected)


AMAZON = {
    "train_0": "haze primary",
    "train_1": "agriculture clear primary water",
    "train_2": "clear primary",
    "train_3": "clear primary",
    "train_4": "agriculture clear habitation primary road",
    "train_5": "haze primary water",
    "train_6": "agriculture clear cultivation primary",
    "train_7": "haze primary",
    "train_8": "agriculture clear cultivation primary",
    "train_9": "agriculture clear cultivation primary road",
    "train_10": "agriculture clear primary road water",
    "train_11": "haze primary road",
    "train_12": "agriculture haze primary",
}


def tar_in_7z(name: str, *paths: str) -> dict[str, bytes]:
    return {f"{name}.tar.7z": seven_zip_bytes({f"{name}.tar": tar_bytes(photos(*paths))})}


@pytest.mark.parametrize("tif", [False, True])
def test_planet_understanding_the_amazon_from_space(tmp_path, tif):
    asked = ("test_0", "test_1", "test_2", "file_0", "file_1")
    members = {
        **tar_in_7z("train-jpg", *(f"train-jpg/{name}.jpg" for name in AMAZON)),
        **tar_in_7z("test-jpg", *(f"test-jpg/{name}.jpg" for name in asked[:3])),
        **tar_in_7z("test-jpg-additional", *(f"test-jpg-additional/{name}.jpg" for name in asked[3:])),
        "train_v2.csv.zip": zip_bytes(
            {"train_v2.csv": table("image_name,tags", *(f"{name},{tags}" for name, tags in AMAZON.items()))}
        ),
        "sample_submission_v2.csv.zip": zip_bytes(
            {"sample_submission_v2.csv": table("image_name,tags", *(f"{name},primary clear" for name in asked))}
        ),
        "test_v2_file_mapping.csv.zip": zip_bytes(
            {"test_v2_file_mapping.csv": table("old,new", "file_0.tif,file_1.tif", "file_1.tif,file_0.tif")}
        ),
        "Kaggle-planet-train-tif.torrent": b"d8:announce",
    }
    if tif:
        members |= tar_in_7z("train-tif-v2", *(f"train-tif-v2/{name}.tif" for name in AMAZON))
        members |= tar_in_7z("test-tif-v2", *(f"test-tif-v2/{name}.tif" for name in asked))
    folders = {"test": "test-jpg", "file": "test-jpg-additional"}
    classes = ("agriculture", "clear", "cultivation", "habitation", "haze", "primary", "road", "water")
    expected = Expected(
        "multilabel",
        classes,
        "csv",
        "tags",
        ("tags",),
        "sample f2",
        {name: f"{folders[name[:4]]}/{name}.jpg" for name in asked},
        {f"train-jpg/{name}.jpg": tags.replace(" ", "|") for name, tags in AMAZON.items()},
    )
    check(tmp_path, "planet-understanding-the-amazon-from-space", members, expected)


def test_digit_recognizer(tmp_path):
    columns = [f"pixel{number}" for number in range(784)]
    pixels = np.random.default_rng(0).integers(0, 256, (26, 784))
    labels = [str(row % 10) for row in range(23)]

    def rows(photos):
        return [",".join(map(str, photo)) for photo in photos.tolist()]

    members = {
        "sample_submission.csv": table("ImageId,Label", "1,0", "2,0", "3,0"),
        "test.csv": table(",".join(columns), *rows(pixels[23:])),
        "train.csv": table(",".join(["label", *columns]), *map(",".join, zip(labels, rows(pixels[:23]), strict=True))),
    }
    expected = Expected(
        "multiclass",
        tuple("0123456789"),
        "csv",
        "label",
        ("Label",),
        "accuracy",
        {str(number): f"test/{number}.png" for number in (1, 2, 3)},
        {f"train/{row}.png": label for row, label in enumerate(labels, start=1)},
    )
    check(tmp_path, "digit-recognizer", members, expected)
    for path, row in (("train/1.png", 0), ("train/23.png", 22), ("test/1.png", 23), ("test/3.png", 25)):
        with Image.open(tmp_path / "extracted" / path) as photo:
            assert photo.mode == "L"
            np.testing.assert_array_equal(np.asarray(photo), pixels[row].reshape(28, 28))


def test_leaf_classification(tmp_path):
    given = {"1": "Acer_Opalus", "2": "Pterocarya_Stenoptera", "3": "Quercus_Hartwissiana", "5": "Tilia_Tomentosa"}
    given |= {"6": "Quercus_Variabilis", "8": "Magnolia_Salicifolia"}
    asked = ("4", "7", "9")
    species = tuple(sorted(given.values()))
    features = [f"{kind}{number}" for kind in ("margin", "shape", "texture") for number in range(1, 65)]
    values = ",".join(["0.007812"] * len(features))
    members = {
        "images.zip": zip_bytes(photos(*(f"images/{number}.jpg" for number in range(1, 10)))),
        "sample_submission.csv.zip": zip_bytes(
            {"sample_submission.csv": table(",".join(["id", *species]), *(n + ",0.010101010101" * 6 for n in asked))}
        ),
        "test.csv.zip": zip_bytes({"test.csv": table(",".join(["id", *features]), *(f"{n},{values}" for n in asked))}),
        "train.csv.zip": zip_bytes(
            {
                "train.csv": table(
                    ",".join(["id", "species", *features]), *(f"{n},{name},{values}" for n, name in given.items())
                )
            }
        ),
    }
    expected = Expected(
        "multiclass",
        species,
        "csv",
        "probabilities",
        species,
        "log loss",
        {number: f"images/{number}.jpg" for number in asked},
        {f"images/{number}.jpg": name for number, name in given.items()},
    )
    check(tmp_path, "leaf-classification", members, expected)
