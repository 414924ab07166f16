from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from helpers.members_made import FOLDS, make_member
from helpers.stacks_made import as_if_on_kaggle
from helpers.standing_made import Made, made_below, recorded, stacked, uploaded

from ensembler.errors import BadChoice
from ensembler.locks import hold_lock
from ensembler.options.command_line import save_call
from ensembler.paths import Workspace
from ensembler.storage import write_text
from ensembler.submission.kaggle.facts import Submission
from ensembler.workflows.layout import layout
from ensembler.workflows.status.standing import NextStep
from ensembler.workflows.status.status import status


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A competition below the usual folders, and nothing trained yet; without a GPU."""
    return made_below(tmp_path, monkeypatch)


def command(workspace: Workspace) -> str:
    return status(workspace=workspace).next.command


def test_with_nothing_there_it_says_what_to_type_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = status()
    assert (found.competition, found.competitions) == (None, ())
    assert found.next.command == "ensembler fetch SLUG"
    assert "ensembler adopt FOLDER --name NAME" in found.next.reason
    assert not list(tmp_path.iterdir())


def test_larger_backbones_where_there_is_a_gpu(made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command(made[2]) == "ensembler train-members --members b0,b2,b3"


def test_an_unfinished_member_is_gone_on_with_as_it_was_asked_for(made: Made) -> None:
    folder, tables, workspace = made
    for name in ("a", "b"):
        make_member(folder, tables, name)
    (folder.fold("b", 1) / "fold.json").unlink()
    save_call(folder, "b", ["demo-conv", "--name", "b", "--weights", "my weights"])
    assert status(workspace=workspace).next == NextStep(
        "ensembler train-members --members demo-conv --name b --weights 'my weights'",
        f"Not finished: b has {FOLDS - 1} of {FOLDS} folds.",
    )
    with hold_lock(folder.member_lock("b"), "it"):
        step = status(workspace=workspace).next
    assert step.command == "ensembler status"
    assert step.reason.startswith(f"b is being trained by process {os.getpid()} on ")


def test_members_of_other_folds_are_trained_anew(made: Made) -> None:
    folder, tables, workspace = made
    make_member(folder, tables, "a")
    write_text(folder.folds, folder.folds.read_text() + "\n")
    step = status(workspace=workspace).next
    assert step == NextStep("ensembler train-members --members a --restart", "a: trained on other folds.")


def test_members_are_stacked_and_stacked_again_when_one_is_new(made: Made) -> None:
    folder, tables, workspace = made
    make_member(folder, tables, "a")
    assert command(workspace) == "ensembler stack"
    stacked(made)
    assert command(workspace) != "ensembler stack"
    make_member(folder, tables, "c")
    later = (folder.stack("a_b") / "stack.json").stat().st_mtime + 1
    os.utime(folder.fold("c", 0) / "fold.json", (later, later))
    assert status(workspace=workspace).next == NextStep(
        "ensembler stack", "c: trained after the newest stack was built."
    )


def test_a_fetch_that_was_interrupted_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / "data" / "cars" / "raw" / "cars.zip.part", "half")
    found = status()
    assert found.next.command == "ensembler fetch cars"
    assert [(brief.name, brief.trouble) for brief in found.competitions] == [("cars", "the fetch is incomplete")]
    for function in (layout, status):
        with pytest.raises(BadChoice, match=r"The fetch of cars is incomplete: .*`ensembler\.fetch\('cars'\)`"):
            function("cars")


@pytest.mark.parametrize("name", ["data", "submissions"])
def test_a_file_in_place_of_a_folder_is_said_before_any_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / name, "a file")
    with pytest.raises(BadChoice, match=f"{name} is a file, not a folder"):
        status()


@pytest.mark.parametrize(
    ("submission", "words"),
    [
        (None, "ensembler submit"),
        (Submission(7, "PENDING", description="x"), "ensembler submissions"),
        (Submission(7, "COMPLETE", public=0.45, description="x"), "ensembler train-members --members mobilenetv2"),
    ],
    ids=["not uploaded", "waiting", "scored"],
)
def test_an_answer_for_kaggle(made: Made, submission: Submission | None, words: str) -> None:
    folder, _, workspace = made
    csv = stacked(made)
    as_if_on_kaggle(folder, "cars")
    if submission:
        uploaded(made, csv, submission)
    found = status(workspace=workspace)
    assert found.next.command == words
    best = found.competition.best_public if found.competition else None
    assert (best.public if best else None) == (submission.public if submission else None)


def test_a_new_csv_is_submitted_although_another_was(made: Made) -> None:
    folder, _, workspace = made
    uploaded_csv = stacked(made)
    as_if_on_kaggle(folder, "cars")
    uploaded(made, uploaded_csv, Submission(7, "COMPLETE", public=0.45, description="x"))
    newer = uploaded_csv.with_name("20260102-a_b.csv")
    write_text(newer, "id,a\n1,0.6\n")
    later = uploaded_csv.stat().st_mtime + 1
    os.utime(newer, (later, later))
    assert status(workspace=workspace).next.reason == "20260102-a_b.csv is not submitted yet."


@pytest.mark.parametrize(
    ("own", "submitted", "words", "reason"),
    [
        (0.3, False, "ensembler submit", "20260102-mean.csv is not submitted yet."),
        (0.5, False, "ensembler submit {}", "20260101-a_b.csv is not submitted yet, and scores better than the newest"),
        (0.5, True, "ensembler submit", "20260102-mean.csv is not submitted yet, but scores worse than 20260101-a_b"),
    ],
    ids=["better", "worse", "worse than an uploaded one"],
)
def test_a_newer_csv_is_compared_with_the_best(
    made: Made, own: float, submitted: bool, words: str, reason: str
) -> None:
    csv = stacked(made)
    as_if_on_kaggle(made[0], "cars")
    if submitted:
        uploaded(made, csv, Submission(7, "COMPLETE", public=0.45, description="x"))
    else:
        recorded(made, csv)
    newer = csv.with_name("20260102-mean.csv")
    write_text(newer, "id,a\n1,0.6\n")
    later = csv.stat().st_mtime + 1
    os.utime(newer, (later, later))
    recorded(made, newer, own)
    step = status(workspace=made[2]).next
    assert step.command == words.format(csv.absolute())
    assert step.reason.startswith(reason)


def test_a_csv_whose_upload_failed_is_submitted(made: Made) -> None:
    csv = stacked(made)
    as_if_on_kaggle(made[0], "cars")
    ledger, answer = recorded(made, csv)
    assert command(made[2]) == "ensembler submit"
    upload = ledger.begin_upload(answer, "x")
    assert command(made[2]) == "ensembler submissions"
    ledger.mark_failed(upload, "no network")
    assert command(made[2]) == "ensembler submit"


def test_an_edited_manifest_has_its_tables_made_anew_first(made: Made) -> None:
    folder, tables, workspace = made
    stacked(made)
    assert command(workspace) != "ensembler folds"
    dataclasses.replace(tables.manifest, classes=tables.manifest.classes[::-1]).save(folder.manifest)
    assert command(workspace) == "ensembler folds"
    step = status(workspace=workspace).next
    assert step.reason.startswith(f"{folder.manifest} was edited after the tables of photos were made")


def test_where_kaggle_takes_notebooks_alone(made: Made) -> None:
    folder, tables, workspace = made
    stacked(made)
    as_if_on_kaggle(folder, "cars")
    manifest = tables.manifest
    dataclasses.replace(
        manifest,
        slug="cars",
        code_only=True,
        answer=dataclasses.replace(manifest.answer, sample=folder.sample.name),
    ).save(folder.manifest)
    assert command(workspace) == "ensembler notebook --push --submit"


def test_another_competition_is_named_by_the_command(made: Made) -> None:
    folder, _, workspace = made
    other = workspace.competition("other")
    write_text(other.manifest, folder.manifest.read_text())
    workspace.make_current(other)
    found = status("made", workspace=workspace)
    assert found.next.command == "ensembler train-members --members mobilenetv2,b0,mobilenet -c made"
    assert [(brief.name, brief.current) for brief in found.competitions] == [("made", False), ("other", True)]
