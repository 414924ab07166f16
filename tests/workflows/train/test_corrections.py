"""Members and stacks that learn with corrections: what they predict, tell and refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import replace_local_engine, run_here
from helpers.photos import Heard
from PIL import Image

from ensembler.competition.csv_tables import read_table, write_table
from ensembler.engines.job import Job
from ensembler.errors import BadChoice, Mismatch
from ensembler.members.job_files import list_training_files
from ensembler.members.records import MemberRecord
from ensembler.members.training_job import TrainingJob
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.serialization import read_arrays, read_json
from ensembler.submission.ledger.ledger import Ledger
from ensembler.workflows.fetch.adopt import adopt
from ensembler.workflows.members.listing import list_members
from ensembler.workflows.results import StackResult
from ensembler.workflows.stack import stack
from ensembler.workflows.train.train import train_members

# Networks are trained.
pytestmark = pytest.mark.slow

MEMBERS = ["demo-conv@frozen", "demo-dense@tuned"]
CONFIG = """\
weights = "none"
exclude = "{0}/out.txt"
relabel = "{0}/labels.csv"
epochs = 2

[members."demo-conv@frozen"]
unfreeze = "none"

[members."demo-dense@tuned"]
patience = 1
"""


def run_all_but_stacks(jobs: Sequence[Job], logs: Path, progress: Any) -> list[Any]:
    is_stack = jobs and jobs[0].name == "stack"
    return [{"difference": 0.0}] if is_stack else run_here(jobs, logs, progress)


@dataclass(frozen=True)
class Trained:
    folder: CompetitionFolder
    workspace: Workspace
    stacked: StackResult
    heard: Heard


def train(root: Path, *, others: bool) -> Trained:
    """Train two members and stack them; with ``others``, the corrected photos have other labels in the table."""
    random = np.random.default_rng(0)
    for row in range(30):
        pixels = random.integers(0, 120, (8, 8, 3)) + 60 * (row % 3)
        place = root / "photos" / "abc"[row % 3] / f"{row:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(place)
    workspace = Workspace(root / "data", root / "submissions")
    folder = adopt(root / "photos", "bright", workspace=workspace).folder
    table = read_table(folder.train)
    # The folds are those of the original labels.
    write_table(folder.folds, table[["id"]].assign(fold=[str(row % 2) for row in range(len(table))]))
    excluded, relabelled = table["id"][[0, 1, 7]], table["id"][[4, 20]]
    (root / "out.txt").write_text("\n".join(excluded))
    new = table["label"][[4, 20]].map({"a": "b", "b": "c", "c": "a"})
    write_table(root / "labels.csv", relabelled.to_frame().assign(new_label=new))
    if others:
        corrected = table["id"].isin([*excluded, *relabelled])
        changed = table["label"].where(~corrected, table["label"].map({"a": "c", "b": "a", "c": "b"}))
        write_table(folder.train, table.assign(label=changed))
    (root / "config.toml").write_text(CONFIG.format(root.as_posix()))
    heard = Heard()
    train_members(MEMBERS, config=root / "config.toml", workspace=workspace, progress=heard, refit=True)
    return Trained(folder, workspace, stack(MEMBERS, name="both", meta="logistic", workspace=workspace), heard)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        replace_local_engine(patch, run_all_but_stacks)
        made = [train(tmp_path_factory.mktemp("corrected"), others=others) for others in (False, True)]
        yield made


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("place", ["fold-0", "fold-1", "refit"])
def test_no_predicted_bit_depends_on_the_label_that_a_corrected_photo_had(pair, member: str, place: str) -> None:
    before, after = (read_arrays(one.folder.member(member) / place / "predictions.npz") for one in pair)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_no_bit_of_a_stack_depends_on_it(pair) -> None:
    before, after = (read_arrays(one.folder.stack("both") / "predictions.npz") for one in pair)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert pair[0].stacked.submission.read_bytes() == pair[1].stacked.submission.read_bytes()


def test_all_photos_are_predicted_and_scores_are_told_with_and_without(pair) -> None:
    made, other = pair
    stacked = made.stacked
    assert len(read_arrays(made.folder.stack("both") / "predictions.npz")["out_of_fold"]) == len(
        read_table(made.folder.train)
    )
    assert stacked.corrections is not None
    assert (stacked.corrections.excluded, stacked.corrections.relabelled) == (3, 2)
    assert stacked.corrected is not None
    assert stacked.corrected.log_loss != stacked.log_loss
    # The original labels of these photos count only in the scores by the original labels.
    assert other.stacked.corrected.log_loss == pytest.approx(stacked.corrected.log_loss)
    assert other.stacked.log_loss != pytest.approx(stacked.log_loss)
    shown = str(stacked)
    assert "log loss corrected" in shown
    assert "They flatter" in shown
    summary = read_json(made.folder.stack("both") / "stack.json")
    assert summary["corrected"]["log_loss"] == stacked.corrected.log_loss
    assert summary["members"][0]["corrected"]["log_loss"] == stacked.members[0].corrected.log_loss
    [row] = [row for row in Ledger(made.workspace.submissions).list_rows() if row.stack == "both"]
    assert (row.own, row.own_corrected) == (stacked.score, stacked.corrected.score)
    listed = list_members("bright", workspace=made.workspace)[MEMBERS[0]]
    assert listed.corrected_log_loss == stacked.members[0].corrected.log_loss


def test_the_corrections_lie_beside_the_member_and_are_sent_with_its_jobs(pair) -> None:
    folder = pair[0].folder
    for place in (folder.member(MEMBERS[1]), folder.stack("both")):
        assert read_table(place / "corrections.csv")["suggestion"].tolist() == ["exclude"] * 3 + ["relabel"] * 2
    assert "../corrections.csv" in read_json(folder.fold(MEMBERS[1], 0) / "fold.json")["sha256"]
    job = TrainingJob(folder, MEMBERS[1], (0,), "none")
    assert str(folder.member(MEMBERS[1]) / "corrections.csv") in list_training_files(job).reads


def test_the_call_tells_what_is_corrected_and_how_to_read_the_scores(pair) -> None:
    [note] = [note for note in pair[0].heard.told if "excluded" in note]
    assert note.startswith(
        "demo-conv@frozen, demo-dense@tuned: 3 photos excluded, 2 photos relabelled in training. Corrected photos are"
    )


def test_a_second_call_goes_on_and_one_with_other_corrections_is_refused(pair, monkeypatch) -> None:
    made = pair[0]
    replace_local_engine(monkeypatch, lambda *_: pytest.fail("something was trained"))
    root = made.folder.workspace.data.parent
    copy = str(made.folder.member(MEMBERS[0]) / "corrections.csv")
    options: dict[str, Any] = {"weights": "none", "unfreeze": "none", "workspace": made.workspace}
    # The copy beside the member says the same as the files.
    replace_local_engine(monkeypatch, lambda jobs, *_: [pytest.fail("trained") for _ in jobs])
    train_members([MEMBERS[0]], exclude=copy, relabel=copy, **options)
    with pytest.raises(
        Mismatch,
        match=r"corrections 3 excluded, 2 relabelled .* \(stored\) / 3 excluded, 0 rela.*stored in .*corrections\.csv",
    ):
        train_members([MEMBERS[0]], exclude=root / "out.txt", **options)
    with pytest.raises(Mismatch, match=r"corrections 3 excluded.* \(stored\) / none \(requested\)"):
        train_members([MEMBERS[0]], **options)


@pytest.mark.parametrize("supervised", [{"teacher": "both"}, {"pseudo_labels": "both"}])
def test_a_stack_teaches_only_members_with_its_corrections(pair, supervised: dict[str, str]) -> None:
    options: dict[str, Any] = {"weights": "none", "epochs": 1, "workspace": pair[0].workspace, **supervised}
    words = r"demo-conv@new cannot learn from the stack both, because demo-conv@frozen .*, 2 relabelled .* of none\)"
    with pytest.raises(BadChoice, match=words):
        train_members(["demo-conv@new"], **options)
    assert "demo-conv@new" not in [path.name for path in (pair[0].folder.root / "members").iterdir()]


def test_a_student_with_the_corrections_of_its_teacher_learns(pair, monkeypatch) -> None:
    made = pair[0]
    replace_local_engine(monkeypatch, run_all_but_stacks)
    copy = str(made.folder.member(MEMBERS[0]) / "corrections.csv")
    options: dict[str, Any] = {"weights": "none", "unfreeze": "none", "refit": True, "workspace": made.workspace}
    [student] = train_members(["demo-conv@taught"], teacher="both", exclude=copy, relabel=copy, **options)
    taught = read_arrays(made.folder.fold(student.name, 0) / "teacher.npz")["training_ids"]
    assert not {*taught} & set((made.folder.workspace.data.parent / "out.txt").read_text().split())
    assert MemberRecord.load(made.folder, student.name).settings.corrections == made.stacked.corrections
