"""``fetch`` and ``adopt`` understand the same files in the same way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from helpers.photos import Heard, photo_bytes, zip_bytes

from ensembler.competition.layout.layout import Hints
from ensembler.errors import BadChoice
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.fetch.fetch import fetch

SIZE = (40, 40)


def photos(*paths):
    return {path: photo_bytes(seed, size=SIZE) for seed, path in enumerate(paths)}


def class_folders(folder, photos_each=6):
    return [f"{folder}/{name}/{name}{row}.jpg" for name in ("cat", "dog") for row in range(photos_each)]


FOLDERS = photos(*class_folders("train"))
TESTED = photos(*class_folders("train"), "test/1.jpg", "test/2.jpg")
NAMED = photos(*(f"cat.{row}.jpg" for row in range(6)), *(f"dog.{row}.jpg" for row in range(6)))
SAMPLED = {**TESTED, "sample_submission.csv": b"id,label\n1,0.5\n2,0.5\n"}
KINDS = {"folders": FOLDERS, "test folder": TESTED, "names": NAMED, "sample": SAMPLED}


def make_both(tmp_path, workspace, members, heard=None, **hints):
    """Fetch the files as a zip, and adopt them as a folder."""
    archive, folder = tmp_path / "files.zip", tmp_path / "files"
    archive.write_bytes(zip_bytes(members))
    for path, content in members.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    told = {"hints": Hints(**hints), "workspace": workspace, "progress": heard or Heard()}
    return fetch("pets", archive=archive, **told), adopt(folder, "pets-folder", **told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_zip_and_a_folder_are_understood_alike(tmp_path, workspace, kind):
    fetched, adopted = make_both(tmp_path, workspace, KINDS[kind], positive="dog")
    alike = replace(
        adopted.manifest,
        name="pets",
        slug=fetched.manifest.slug,
        photos="raw/extracted",
        answer=fetched.manifest.answer,
    )
    assert fetched.manifest == alike
    assert (fetched.training, fetched.test) == (adopted.training, adopted.test)
    assert fetched.folder.solution.is_file() == adopted.folder.solution.is_file()
    findings = [json.loads(one.folder.evidence.read_text("utf-8"))["findings"] for one in (fetched, adopted)]
    assert [found["subject"] for found in findings[0]] == [found["subject"] for found in findings[1]]


def test_a_zip_without_a_sample_submission_is_no_competition_of_kaggle(tmp_path, workspace):
    heard = Heard()
    fetched, _ = make_both(tmp_path, workspace, FOLDERS, heard)
    assert fetched.manifest.slug == ""
    assert fetched.folder.solution.is_file()
    (warning,) = heard.warnings
    assert "no file with the name of a sample submission, so part of the labelled photos is held out" in warning


@pytest.mark.parametrize("kind", ["folders", "names", "sample"])
def test_the_metric_and_the_positive_class_of_a_known_competition(tmp_path, workspace, kind):
    for prepared in make_both(tmp_path, workspace, KINDS[kind], like="dogs-vs-cats"):
        assert prepared.manifest.metric == "accuracy"
        assert prepared.manifest.classes == ("cat", "dog")
        assert not prepared.manifest.code_only


def test_a_code_competition_is_not_passed_on(tmp_path, workspace):
    _, adopted = make_both(tmp_path, workspace, FOLDERS, like="aerial-cactus-identification")
    assert (adopted.manifest.metric, adopted.manifest.code_only) == ("roc auc", False)


def test_a_metric_of_another_task_is_told(tmp_path, workspace):
    heard = Heard()
    _, adopted = make_both(
        tmp_path, workspace, SAMPLED, heard, positive="dog", like="planet-understanding-the-amazon-from-space"
    )
    assert adopted.manifest.metric == "micro f1"
    assert any("The metric sample f2 is not for a binary task, so micro f1 is used" in one for one in heard.warnings)


def test_an_unknown_competition_is_refused(tmp_path, workspace):
    with pytest.raises(BadChoice, match="dogs-vs-cats"):
        make_both(tmp_path, workspace, FOLDERS, like="dogs-vs-cat")
