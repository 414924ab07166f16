"""``fetch`` and ``adopt`` understand the same files in the same way."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.photos import Heard, photo_bytes, zip_bytes

from ensembler.competition.layout.hints import Hints
from ensembler.competition.tables import load_tables
from ensembler.errors import BadChoice, EnsemblerError
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
    assert (
        "no file with the name of a sample submission, so the photos to predict are part of the labelled photos"
        in warning
    )


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


PAGE = Path(__file__).parents[3] / "docs" / "layouts.md"


@pytest.mark.parametrize("relative", [False, True])
def test_a_manifest_written_by_hand_is_enough(tmp_path, workspace, relative):
    """The page's own example, for a folder that the detection refuses."""
    root = tmp_path / "leaves"
    names = [f"scan-{letter}-{row:04d}" for row in range(5) for letter in "abc"]
    for seed, name in enumerate(names):
        (root / "shots").mkdir(parents=True, exist_ok=True)
        (root / "shots" / f"{name}.jpg").write_bytes(photo_bytes(seed, size=SIZE))
    grades = dict(zip("abc", ("healthy", "rust", "scab"), strict=True))
    rows = [f"{number},{name},{grades[name[5]]},{number % 3}" for number, name in enumerate(names)]
    (root / "notes").mkdir()
    (root / "notes" / "grades.csv").write_text("\n".join(["row,scan,grade,mood", *rows, ""]))
    with pytest.raises(EnsemblerError):
        adopt(root, "other", workspace=workspace)
    text = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    folder = workspace.competition("leaves")
    folder.root.mkdir(parents=True)
    photos_at = "../../leaves" if relative else root.as_posix()
    text = text.replace("/photos/leaves", photos_at).replace("/projects/data/leaves/", f"{folder.root.as_posix()}/")
    folder.manifest.write_text(text, "utf-8")
    made = adopt(root, "leaves", workspace=workspace)
    assert (made.training, made.test, made.manifest.metric) == (12, 3, "accuracy")
    train = load_tables(folder).train
    assert all(grades[path.split("-")[1]] == label for path, label in zip(train["path"], train["label"], strict=True))
    assert folder.solution.is_file()
    assert folder.manifest.read_text("utf-8") == text


def test_a_manifest_written_by_hand_is_enough_for_a_zip(tmp_path, workspace):
    archive = tmp_path / "pets.zip"
    archive.write_bytes(zip_bytes(SAMPLED))
    detected = fetch("detected", archive=archive, hints=Hints(positive="dog"), workspace=workspace)
    folder = workspace.competition("pets")
    folder.root.mkdir(parents=True)
    replace(detected.manifest, name="pets", slug="pets", classes=("dog", "cat")).save(folder.manifest)
    made = fetch("pets", archive=archive, workspace=workspace)
    assert (made.manifest.classes, made.training, made.test) == (("dog", "cat"), 12, 2)


def test_two_test_folders_are_both_predicted_and_no_photo_to_train_on(tmp_path, workspace):
    """Their common parent also contains the labelled photos."""
    members = photos(*class_folders("train"), "test1/a.jpg", "test1/b.jpg", "test2/c.jpg")
    for prepared in make_both(tmp_path, workspace, members):
        assert (prepared.training, prepared.test) == (12, 3)
        assert sorted(load_tables(prepared.folder).test["path"]) == ["test1/a.jpg", "test1/b.jpg", "test2/c.jpg"]


@pytest.mark.parametrize(("named", "used"), [("sample f1", "micro f1"), ("micro f1", None)])
def test_a_metric_that_was_chosen_is_not_changed_without_a_word(tmp_path, workspace, named, used):
    heard = Heard()
    make_both(tmp_path, workspace, FOLDERS, heard, metric=named)
    doubts = [one for one in heard.warnings if "so micro f1 is used instead" in one]
    assert len(doubts) == (2 if used else 0)


@pytest.mark.parametrize("force", [False, True])
def test_a_manifest_written_by_hand_is_kept_aside_when_it_is_replaced(tmp_path, workspace, force):
    _, adopted = make_both(tmp_path, workspace, FOLDERS)
    folder, heard = adopted.folder, Heard()
    folder.hints.unlink()
    folder.manifest.write_text(folder.manifest.read_text("utf-8") + "# mine\n", "utf-8")
    hints = Hints() if force else Hints(metric="accuracy")
    again = adopt(tmp_path / "files", "pets-folder", hints=hints, force=force, workspace=workspace, progress=heard)
    assert again.manifest.metric == ("log loss" if force else "accuracy")
    assert (folder.root / "competition.toml.before").read_text("utf-8").endswith("# mine\n")
    assert any("written or edited by hand" in one for one in heard.warnings)


def test_a_forced_adoption_of_an_untouched_manifest_keeps_nothing_aside(tmp_path, workspace):
    make_both(tmp_path, workspace, FOLDERS)
    heard = Heard()
    adopt(tmp_path / "files", "pets-folder", force=True, workspace=workspace, progress=heard)
    assert heard.warnings == []
