"""Further competitions of MLE-bench, as its ``prepared/public`` folders lay them out.

The names of files, folders and columns were read in MLE-bench's preparation of the data; those of
invasive-species-monitoring are from memory. Photos and rows are ours.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.photos import photo_bytes, zip_bytes

from ensembler.competition.archives.unpacking import extract_archive
from ensembler.competition.layout.hints import Hints
from ensembler.competition.layout.layout import find_layout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.tables import make_tables
from ensembler.progress import SILENT

PAGE = Path(__file__).parents[3] / "docs" / "layouts.md"


def table(header, *rows):
    return "\n".join([header, *rows, ""]).encode()


def photos(folder, names):
    return {f"{folder}/{name}": photo_bytes(seed, ".jpg") for seed, name in enumerate(names)}


SCAB = ("healthy", "scab", "rust", "scab frog_eye_leaf_spot", "complex", "rust frog_eye_leaf_spot", "healthy", "scab")
LEAVES = {f"{800113000 + row:x}.jpg": tags for row, tags in enumerate(SCAB)}
PATHOLOGY = {
    "train.csv": table("image,labels", *(f"{name},{tags}" for name, tags in LEAVES.items())),
    "sample_submission.csv": table("image,labels", "85f8cb619c66b863.jpg,healthy", "ad8770db05586b59.jpg,healthy"),
    **photos("train_images", LEAVES),
    **photos("test_images", ["85f8cb619c66b863.jpg", "ad8770db05586b59.jpg"]),
}
PADDY_CLASSES = ("blast", "hispa", "normal", "tungro")
RICE = {f"{100330 + row}.jpg": PADDY_CLASSES[row % 4] for row in range(12)}
PADDY = {
    "train.csv": table(
        "image_id,label,variety,age",
        *(
            f"{name},{kind},{('ADT45', 'Ponni')[row // 6]},{45 + row % 5}"
            for row, (name, kind) in enumerate(RICE.items())
        ),
    ),
    "sample_submission.csv": table("image_id,label", "200001.jpg,", "200002.jpg,"),
    **{f"train_images/{kind}/{name}": photo_bytes(row, ".jpg") for row, (name, kind) in enumerate(RICE.items())},
    **photos("test_images", ["200001.jpg", "200002.jpg"]),
}
INVASIVE = {
    "train_labels.csv": table("name,invasive", *(f"{row},{row % 2}" for row in range(1, 9))),
    "sample_submission.csv": table("name,invasive", "1,0.5", "2,0.5"),
    "train.zip": zip_bytes(photos("train", [f"{row}.jpg" for row in range(1, 9)])),
    "test.zip": zip_bytes(photos("test", ["1.jpg", "2.jpg"])),
}
ART = {
    f"{1000483014 + row:x}": " ".join(map(str, ids))
    for row, ids in enumerate([(448, 2429), (782,), (448, 782), (51, 616), (51,), (2429, 616)])
}
IMET = {
    "labels.csv": table("attribute_id,attribute_name", "51,country::austria", "448,country::france", "616,tags::men"),
    "train.csv": table("id,attribute_ids", *(f"{name},{ids}" for name, ids in ART.items())),
    "sample_submission.csv": table("id,attribute_ids", "10023b2cc4ed5f68,0 1 2", "100fbe75ed8fd887,0 1 2"),
    **photos("train", [f"{name}.png" for name in ART]),
    **photos("test", ["10023b2cc4ed5f68.png", "100fbe75ed8fd887.png"]),
}
PREPARED_CACTUS = {
    "description.md": b"# Overview",
    "train.csv": table("id,has_cactus", *(f"{row:032x}.jpg,{row % 2}" for row in range(8))),
    "sample_submission.csv": table("id,has_cactus", f"{90:032x}.jpg,0.5", f"{91:032x}.jpg,0.5"),
    "train.zip": zip_bytes(photos("train", [f"{row:032x}.jpg" for row in range(8)])),
    "test.zip": zip_bytes(photos("test", [f"{row:032x}.jpg" for row in (90, 91)])),
}
# Slug, files, labels, task, metric, numbers of photos to train on and to predict, and the label of the first one.
CASES = {
    "plant-pathology-2021-fgvc8": (PATHOLOGY, "csv", "multilabel", "sample f1", 8, 2, "healthy"),
    "paddy-disease-classification": (PADDY, "csv|folders", "multiclass", "accuracy", 12, 2, "blast"),
    "invasive-species-monitoring": (INVASIVE, "csv", "binary", "roc auc", 8, 2, "1"),
    "imet-2020-fgvc7": (IMET, "csv", "multilabel", "micro f1", 6, 2, "448|2429"),
    "aerial-cactus-identification": (PREPARED_CACTUS, "csv", "binary", "roc auc", 8, 2, "0"),
}


@pytest.mark.parametrize("slug", CASES)
def test_each_is_understood_without_a_question(tmp_path, slug):
    members, labels, task, metric, training, test, first = CASES[slug]
    (tmp_path / "files.zip").write_bytes(zip_bytes(members))
    extract_archive(tmp_path / "files.zip", tmp_path / "files", SILENT)
    manifest = find_layout(tmp_path / "files", slug, slug, Hints(), "raw/extracted")
    trained, predicted = make_tables(manifest, PhotoFiles.list_below(tmp_path / "files"))
    assert manifest.train.labels in labels.split("|")
    assert (manifest.task, manifest.metric) == (task, metric)
    assert (len(trained), len(predicted)) == (training, test)
    assert (predicted["path"] != "").all()
    by_name = {path.rpartition("/")[2]: label for path, label in zip(trained["path"], trained["label"], strict=True)}
    assert sorted(by_name[min(by_name)].split("|")) == sorted(first.split("|"))


def test_the_page_names_each_competition_that_a_test_makes():
    named = set(re.findall(r"^\| `([a-z0-9-]+)`", PAGE.read_text("utf-8"), re.MULTILINE))
    known = (Path(__file__).parent / "test_known_layouts.py").read_text("utf-8")
    made = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', known)) & named | set(CASES)
    tests = re.findall(r"^def test_([a-z0-9_]+)\(", known, re.MULTILINE)
    assert named == made
    # Each test is named after a competition of the page.
    assert all(
        any(slug.startswith(name.replace("_", "-")) for slug in named)
        for name in tests
        if "folds" not in name and "fisheries" not in name
    )
