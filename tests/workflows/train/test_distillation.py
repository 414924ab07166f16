"""Members that learn from a stack, trained in real processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from helpers.photos import Heard
from helpers.pseudo_made import make_stack
from PIL import Image

from ensembler.competition.folds.splits import ALL_PHOTOS
from ensembler.errors import BadChoice, EnsemblerError, Mismatch
from ensembler.members.records import MemberRecord, load_fold
from ensembler.options.distillation import TEACHER_FILE
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_json
from ensembler.workflows.distill import distill
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.members.listing import list_members
from ensembler.workflows.members.removal import remove_members
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Real processes train real members.
pytestmark = pytest.mark.slow

FOLDS = 2
FROZEN: dict[str, Any] = {"weights": "none", "unfreeze": "none"}
TUNED: dict[str, Any] = {"weights": "none", "epochs": 2}


@dataclass(frozen=True)
class Trained:
    folder: CompetitionFolder
    workspace: Workspace
    notes: list[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A stack of a frozen and a fine-tuned member, and students of both kinds; class b is brighter."""
    root = tmp_path_factory.mktemp("distilled")
    random = np.random.default_rng(0)
    for row in range(50):
        pixels = random.integers(0, 120, (8, 8, 3)) + 60 * (row % 2)
        place = root / "photos" / "ab"[row % 2] / f"{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    workspace = Workspace(root / "data", root / "submissions")
    adopt(root / "photos", "bright", workspace=workspace)
    folder = workspace.competition("bright")
    train_members(["demo-dense"], workspace=workspace, folds=FOLDS, **FROZEN)
    train_members(["demo-conv"], workspace=workspace, **TUNED)
    train_members(["demo-conv@plain"], workspace=workspace, **TUNED, refit=True)
    make_stack(folder, ["demo-dense", "demo-conv"])
    heard = Heard()
    distill("demo-conv@frozen", workspace=workspace, progress=heard, **FROZEN)
    distill(["demo-conv"], stack="both", workspace=workspace, progress=heard, **TUNED, refit=True, temperature=3)
    return Trained(folder, workspace, heard.told)


@pytest.mark.parametrize(("name", "temperature"), [("demo-conv@frozen", 2), ("demo-conv@distilled", 3)])
def test_a_student_is_a_member_that_names_its_teacher(trained: Trained, name: str, temperature: int) -> None:
    folder = trained.folder
    record = MemberRecord.load(folder, name)
    source = record.settings.distillation
    assert source is not None
    assert (source.stack, source.temperature, source.weight) == ("both", temperature, 0.9)
    for fold in range(FOLDS):
        assert TEACHER_FILE in read_json(folder.fold(name, fold) / "fold.json")["sha256"]
    assert f"{name} also learns from 2 members of both, at temperature {temperature} and weight 0.9." in trained.notes
    listed = {member.name: member for member in list_members("bright", workspace=trained.workspace)}
    assert listed[name].settings["distillation"] == str(source)
    assert listed["demo-conv@plain"].settings["distillation"] == "none"


def test_a_teacher_changes_what_is_learned(trained: Trained) -> None:
    records = [MemberRecord.load(trained.folder, name) for name in ("demo-conv@distilled", "demo-conv@plain")]
    for fold in (*range(FOLDS), ALL_PHOTOS):
        taught, plain = (load_fold(trained.folder, record, fold)[0] for record in records)
        assert not np.array_equal(taught.test, plain.test)


def test_students_are_stacked_and_removed_like_others(trained: Trained) -> None:
    workspace = trained.workspace
    distill("demo-dense@gone", stack="both", workspace=workspace, **FROZEN)
    made = stack(["demo-conv@frozen", "demo-conv@distilled"], name="light", workspace=workspace)
    assert made.model.is_file()
    remove_members("demo-dense@gone", workspace=workspace)
    assert not trained.folder.member("demo-dense@gone").exists()


def test_the_same_call_goes_on_and_another_is_refused(trained: Trained) -> None:
    folder, name = trained.folder, "demo-conv@distilled"
    call: dict[str, Any] = {"stack": "both", "workspace": trained.workspace, **TUNED}
    before = load_fold(folder, MemberRecord.load(folder, name), 1)[0]
    kept = [folder.fold(name, 1) / TEACHER_FILE, folder.fold(name, 0) / "fold.json"]
    times = [path.stat().st_mtime_ns for path in kept]
    (folder.fold(name, 1) / "fold.json").unlink()
    distill(["demo-conv"], **call, temperature=3)
    assert [path.stat().st_mtime_ns for path in kept] == times
    # A lost file of the teacher is made again, with the same result.
    for path in (kept[0], folder.fold(name, 1) / "fold.json"):
        path.unlink()
    distill(["demo-conv"], **call, temperature=3)
    after = load_fold(folder, MemberRecord.load(folder, name), 1)[0]
    assert np.array_equal(before.held_out, after.held_out)
    words = read_json(folder.member(name) / "call.json")["train-members"]
    assert words[-6:] == ["--teacher", "both", "--temperature", "3.0", "--soft-weight", "0.9"]
    for changed in ({"temperature": 4}, {"soft_weight": 0.5, "temperature": 3}):
        with pytest.raises(Mismatch, match=r"distillation both at 3, weight 0.9 \(predictions [0-9a-f]{16}\) \(stored"):
            distill(["demo-conv"], **call, **changed)


def _distill(**call: Any) -> None:
    distill(**{"into": "demo-conv@refused", "stack": "both", **call})


def _train(**call: Any) -> None:
    train_members("demo-conv@refused", **call)


@pytest.mark.parametrize(
    ("run", "asked", "kind", "words"),
    [
        (_train, {"temperature": 2}, BadChoice, "temperature applies only to a teacher: add teacher='STACK'"),
        (_train, {"soft_weight": 0.5}, BadChoice, "soft_weight applies only to a teacher"),
        (
            _train,
            {"teacher": "both", "pseudo_labels": "both"},
            BadChoice,
            "pseudo_labels cannot be combined with teach",
        ),
        (_train, {"teacher": "both", "time_budget": "1h"}, BadChoice, "time_budget cannot be combined with teacher"),
        (_distill, {"stack": "nothing"}, BadChoice, "no finished stack named 'nothing'"),
        (_distill, {"temperature": 0.5}, BadChoice, "temperature must be a number, at least 1"),
        (_distill, {"soft_weight": 0}, BadChoice, "soft_weight must be a number, above 0 and at most 1"),
        (_distill, {"folds": 3}, BadChoice, "no option named 'folds'"),
        (_distill, {"into": "demo-dense", "name": "demo-dense"}, BadChoice, "demo-dense is a member of the stack both"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    trained: Trained, run: Callable[..., None], asked: dict[str, Any], kind: type[EnsemblerError], words: str
) -> None:
    before = sorted(trained.folder.root.rglob("*"))
    with pytest.raises(kind, match=words):
        run(workspace=trained.workspace, **FROZEN, **asked)
    assert sorted(trained.folder.root.rglob("*")) == before


def test_without_a_stack_there_is_nothing_to_learn_from(trained: Trained) -> None:
    adopt(trained.workspace.data.parent / "photos", "empty", workspace=trained.workspace)
    with pytest.raises(
        BadChoice, match=r"empty has no finished stack that could teach: make one with `ensembler\.stack"
    ):
        distill("demo-conv", competition="empty", workspace=trained.workspace, **FROZEN)
