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
from ensembler.paths import Workspace
from ensembler.progress import SILENT
from ensembler.workflows.fetch.adopt import adopt

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
RETINAS = {f"{number:012x}": str(number % 5) for number in range(0xE4DCCA, 0xE4DCCA + 15)}
APTOS = {
    "train.csv": table("id_code,diagnosis", *(f"{name},{grade}" for name, grade in RETINAS.items())),
    "test.csv": table("id_code", "0005cfc8afb6", "003f0afdcd15"),
    "sample_submission.csv": table("id_code,diagnosis", "0005cfc8afb6,0", "003f0afdcd15,0"),
    **photos("train_images", [f"{name}.png" for name in RETINAS]),
    **photos("test_images", ["0005cfc8afb6.png", "003f0afdcd15.png"]),
}
LINES = (
    "ETT - Abnormal",
    "ETT - Borderline",
    "ETT - Normal",
    "NGT - Abnormal",
    "CVC - Normal",
    "Swan Ganz Catheter Present",
)
STUDY = "1.2.826.0.1.3680043.8.498."
STUDIES = {f"{STUDY}{10**12 + row}": [str(int((row + place) % 3 == 0)) for place in range(6)] for row in range(12)}
ASKED = (f"{STUDY}{2 * 10**12}", f"{STUDY}{2 * 10**12 + 1}")
RANZCR = {
    "train.csv": table(
        ",".join(["StudyInstanceUID", *LINES, "PatientID"]),
        *(",".join([name, *flags, f"ec{row // 2:07d}"]) for row, (name, flags) in enumerate(STUDIES.items())),
    ),
    "train_annotations.csv": table("StudyInstanceUID,label,data", f'{STUDY}{10**12},CVC - Normal,"[[1487, 1279]]"'),
    "sample_submission.csv": table(",".join(["StudyInstanceUID", *LINES]), *(name + ",0" * 6 for name in ASKED)),
    **photos("train", [f"{name}.jpg" for name in STUDIES]),
    **photos("test", [f"{name}.jpg" for name in ASKED]),
    "train_tfrecords/00-2338.tfrec": b"\x01\x02",
}
MOLES = {f"ISIC_{15719 + row:07d}": row % 4 == 0 for row in range(16)}
MELANOMA = {
    "train.csv": table(
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target",
        *(
            f"{name},IP_{row // 2:07d},{('female', 'male')[row % 2]},{45 + row % 3 * 5}.0,torso,"
            f"{('unknown', 'melanoma')[bad]},{('benign', 'malignant')[bad]},{int(bad)}"
            for row, (name, bad) in enumerate(MOLES.items())
        ),
    ),
    "test.csv": table(
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge", "ISIC_0052060,IP_1,male,70,"
    )
    + b"ISIC_0052349,IP_2,male,40.0,torso\n",
    "sample_submission.csv": table("image_name,target", "ISIC_0052060,0", "ISIC_0052349,0"),
    **photos("jpeg/train", [f"{name}.jpg" for name in MOLES]),
    **photos("jpeg/test", ["ISIC_0052060.jpg", "ISIC_0052349.jpg"]),
    **{f"train/{name}.dcm": bytes(128) + b"DICM" for name in MOLES},
    **{f"test/{name}.dcm": bytes(128) + b"DICM" for name in ("ISIC_0052060", "ISIC_0052349")},
}
# Slug, files, labels, task, metric, numbers of photos to train on and to predict, and the label of the first one.
CASES = {
    "plant-pathology-2021-fgvc8": (PATHOLOGY, "csv", "multilabel", "sample f1", 8, 2, "healthy"),
    "paddy-disease-classification": (PADDY, "csv|folders", "multiclass", "accuracy", 12, 2, "blast"),
    "invasive-species-monitoring": (INVASIVE, "csv", "binary", "roc auc", 8, 2, "1"),
    "imet-2020-fgvc7": (IMET, "csv", "multilabel", "micro f1", 6, 2, "448|2429"),
    "aptos2019-blindness-detection": (APTOS, "csv", "multiclass", "quadratic weighted kappa", 15, 2, "0"),
    "ranzcr-clip-catheter-line-classification": (
        *(RANZCR, "csv", "multilabel", "mean column-wise roc auc", 12, 2),
        "ETT - Abnormal|NGT - Abnormal",
    ),
    "siim-isic-melanoma-classification": (MELANOMA, "csv", "binary", "roc auc", 16, 2, "1"),
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


@pytest.mark.parametrize("slug", CASES)
def test_each_is_understood_as_a_prepared_folder(tmp_path, slug):
    members, labels, task, metric, training, test, _ = CASES[slug]
    folder = tmp_path / "prepared" / "public"
    for name, content in {"description.md": b"# Overview", **members}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    made = adopt(
        folder, "own", hints=Hints(like=slug), workspace=Workspace(tmp_path / "data", tmp_path / "submissions")
    )
    assert made.manifest.train.labels in labels.split("|")
    assert (made.manifest.task, made.manifest.metric) == (task, metric)
    assert (made.training, made.test, made.unreadable) == (training, test, 0)
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_the_page_names_each_competition_that_a_test_makes():
    named = set(re.findall(r"^\| `([a-z0-9]+(?:-[a-z0-9]+)+)`", PAGE.read_text("utf-8"), re.MULTILINE))
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
