from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from helpers.photos import write_csv, write_photos

from ensembler.competition.layout.evidence import Evidence
from ensembler.competition.manifest import AnswerLayout, Manifest, TestLayout, TrainLayout
from ensembler.competition.photo_files import PhotoFiles
from ensembler.competition.sets.accounting import (
    account_for_files,
    find_useless_patterns,
    load_file_counts,
    save_files,
)
from ensembler.paths import Workspace

PETS = Manifest(
    name="pets",
    slug="",
    task="multiclass",
    classes=("ant", "bee", "cow"),
    photos=".",
    train=TrainLayout("train", "csv", "./labels.csv", "id", ("label",)),
    test=TestLayout("test", ("more",)),
    answer=AnswerLayout("sample_submission.csv", "id", ("label",), "label"),
    leave_out=("train/masks", "*.gif", "nothing/*"),
)
USED = {
    "train/1.png": "learned from",
    "test/2.png": "to predict",
    "labels.csv": "the labels",
    "sample_submission.csv": "the sample submission",
    "names.json": "the names of the classes",
    "train/broken.png": "it cannot be decoded, see unreadable.csv",
    "train/7.png": "it has no label in ./labels.csv",
    "test/7.png": "the sample submission does not ask for it",
    "more/a/8.png": "the sample submission does not ask for it",
    "train/masks/1.png": "it is a mask",
    "test/9.gif": "leave_out in competition.toml contains it",
    "valid/1.png": "its photos have no labels",
    "banner.png": "it is outside the folders of the sets",
    "train/1.heic": "HEIC files are not decoded here",
    "test/.hidden.png": "it is hidden, or left by a system",
    "__MACOSX/train/1.png": "it is hidden, or left by a system",
    "other.csv": "it is a table that the layout does not need",
    "inner.zip": "it is an archive that is not unpacked",
    "readme.md": "it is neither a photo nor a table",
}


@pytest.fixture
def files(tmp_path: Path) -> pd.DataFrame:
    root = tmp_path / "photos"
    write_photos(root, *(path for path in USED if path.endswith((".png", ".gif"))))
    for path in USED:
        if not (root / path).exists():
            write_csv(root / path, "id,label;1,ant")
    (root / "names.json").write_text('{"ant": "Ant", "bee": "Bee", "cow": "Cow"}', "utf-8")
    evidence = Evidence()
    evidence.leave_out("train/masks", "it is a mask")
    evidence.leave_out("valid", "its photos have no labels")
    return account_for_files(
        replace(PETS, class_names=("Ant", "Bee", "Cow")),
        PhotoFiles.list_below(root),
        pd.DataFrame({"path": ["train/1.png"]}),
        pd.DataFrame({"path": ["test/2.png", ""]}),
        pd.DataFrame({"path": ["train/broken.png", ""]}),
        evidence,
    )


def test_each_file_has_a_use_or_a_reason(files: pd.DataFrame) -> None:
    told = {path: reason or use for path, use, reason in files.itertuples(index=False)}
    assert told == USED
    assert files["use"].value_counts().to_dict() == {"left out": 14, "table": 3, "learned from": 1, "to predict": 1}


def test_the_counts_sum_to_all_files(files: pd.DataFrame, workspace: Workspace) -> None:
    folder = workspace.competition("pets")
    assert load_file_counts(folder) == ()
    folder.root.mkdir(parents=True)
    save_files(folder, files)
    counts = load_file_counts(folder)
    assert sum(found.count for found in counts) == len(USED)
    assert [found.use for found in counts[:5]] == ["learned from", "to predict", "table", "table", "table"]
    assert counts[0].describe() == "1"
    hidden = next(found for found in counts if "hidden" in found.reason)
    assert hidden.describe() == "2: it is hidden, or left by a system (__MACOSX/train/1.png, test/.hidden.png)"


def test_a_pattern_that_leaves_nothing_out_is_found(files: pd.DataFrame) -> None:
    assert find_useless_patterns(PETS, files) == ["nothing/*"]
