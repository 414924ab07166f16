"""From a budget to a plan: speeds made up here take the place of the job that measures them; nothing is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers.jobs_here import CPU, TWO_GPUS, replace_local_engine
from helpers.members_made import make_member, small_competition
from helpers.photos import Heard

from ensembler.competition.folds.file import load_folds
from ensembler.competition.tables import load_tables
from ensembler.engines.hardware import Hardware
from ensembler.engines.job import Job
from ensembler.errors import BadChoice, Busy, Mismatch
from ensembler.events import JobEnded
from ensembler.inference.speeds import NetworkSpeed, PhaseSpeed, TrainingSpeed
from ensembler.locks import hold_lock
from ensembler.members.records import MemberRecord
from ensembler.members.training_job import TrainingJob
from ensembler.options.command_line import group_training_commands
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import SILENT, Progress
from ensembler.serialization import make_record
from ensembler.workflows.train.train import train_members


class Enough(Exception):
    """Jobs were about to run."""


@dataclass
class Made:
    """A small competition; and what a call asked of its jobs."""

    folder: CompetitionFolder
    workspace: Workspace
    heard: Heard = field(default_factory=Heard)
    measured: list[tuple[str, int]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    measuring_jobs: list[int] = field(default_factory=list)
    progress: Progress = SILENT
    start_up: float = 0.0

    def measure(self, jobs: Sequence[Job]) -> list[Any]:
        """Return speeds that grow with the area: at 96 pixels an epoch of 20 photos takes about 20 seconds."""
        replies = []
        for job in jobs:
            members = [member["settings"] for member in job.spec["members"]]
            self.measured += [(settings["backbone"], settings["image_size"]) for settings in members]
            replies.append({"speeds": [asdict(speed_of(settings)) for settings in members], "seconds": 0.0})
            self.progress.emit(JobEnded(job=job.name, seconds=self.start_up))
        self.measuring_jobs = [len(job.spec["members"]) for job in jobs]
        return replies

    def measure_or_run(self, jobs: Sequence[Job], _: Path, progress: Progress) -> list[Any]:
        """Measure speeds, or stop where training would begin. A call without work trains nothing."""
        self.progress = progress
        if jobs and jobs[0].name.startswith("speeds"):
            return self.measure(jobs)
        self.jobs = list(jobs)
        if self.jobs:
            raise Enough
        return []

    @property
    def assignments(self) -> list[TrainingJob]:
        return [make_record(job.spec, TrainingJob, "job") for job in self.jobs]


def speed_of(settings: dict[str, Any]) -> NetworkSpeed:
    area = (settings["image_size"] / 96) ** 2
    phase = PhaseSpeed(photo=1.0 * area, epoch=0.0, first=1.0)
    phases = (phase,) * len(settings["phases"])
    training = TrainingSpeed(0.0, 1.0, 0.5, 0.5, 0.001, 0.01 * area, 0.01 * area, 0.001, phases)
    return NetworkSpeed(batch_size=32, device="", threads=1, host="", training=training)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    folder, _ = small_competition(tmp_path)
    folder.folds.unlink()
    found = Made(folder, Workspace(tmp_path / "data", tmp_path / "submissions"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    replace_local_engine(monkeypatch, found.measure_or_run, CPU)
    return found


Train = Callable[..., str]


@pytest.fixture
def train(made: Made) -> Train:
    """Train up to the jobs; return the notes."""

    def begun(budget: str, *members: str, **options: Any) -> str:
        made.heard.__init__()  # type: ignore[misc]
        asked = {"unfreeze": "all", "epochs": 5, "image_size": 96, "weights": "none", "head": "random", **options}
        with pytest.raises(Enough):
            train_members(members, time_budget=budget, workspace=made.workspace, progress=made.heard, **asked)
        return "\n".join(made.heard.notes)

    return begun


def leave_checkpoint(made: Made) -> None:
    """Play a training that was interrupted: a member without any result takes new settings."""
    checkpoint = made.folder.checkpoint("mobilenet", 0)
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_bytes(b"")


def test_all_fits(made: Made, train: Train) -> None:
    notes = train("1h", "mobilenet", "b0")
    assert re.search(r"mobilenet: 5 of 5 epochs, 5 folds, 96 pixels, about \d+m", notes)
    assert "Cut" not in notes
    assert made.measured == [("mobilenet", 96), ("b0", 96)]
    assert [job.name for job in made.jobs[:2]] == ["mobilenet-fold-0", "mobilenet-fold-1"]


def test_epochs_are_cut_and_each_job_is_told_its_place(made: Made, train: Train) -> None:
    notes = train("8m", "mobilenet", "b0")
    share = re.search(r"epochs to (\d+)% of those requested", notes)
    assert share
    assert 30 < int(share[1]) < 60
    assert "takes about" in notes
    first, *_, last = made.assignments
    assert first.allotments[0].phases[0].requested == 5
    # Ten networks share what is left of eight minutes.
    assert last.allotments[4].until - first.allotments[0].until == pytest.approx(0.9 * 480, rel=0.05)
    # What was asked for is what the member is; its epochs are found out on the way.
    assert MemberRecord.load(made.folder, "b0").settings.phases[0].epochs == 5


@pytest.mark.parametrize(("here", "jobs"), [(CPU, [2]), (TWO_GPUS, [1, 1])], ids=["one slot", "two slots"])
def test_members_are_measured_side_by_side_where_they_will_be_trained_so(
    here: Hardware, jobs: list[int], made: Made, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_local_engine(monkeypatch, made.measure_or_run, here)
    made.start_up = 7.0
    train("1h", "mobilenet", "b0", batch_size=8, precision="float32")
    assert made.measuring_jobs == jobs
    assert made.measured == [("mobilenet", 96), ("b0", 96)]
    # The start of a process, as the engine tells it, the building of the network, and the epochs.
    photos = 24 - 5
    assert made.jobs[1].seconds is not None
    assert made.jobs[1].seconds > 7 + 1 + 5 * photos


def test_speeds_are_measured_once(made: Made, train: Train) -> None:
    train("1h", "mobilenet")
    made.measured.clear()
    train("10m", "mobilenet", epochs=7, restart=True)
    assert made.measured == []
    train("10m", "mobilenet", batch_size=4, restart=True)
    assert made.measured == [("mobilenet", 96)]


def test_folds_are_cut_where_there_are_none_yet_and_kept_from_then_on(made: Made, train: Train) -> None:
    assert "folds from 5 to 2" in train("1m", "mobilenet")
    assert len(made.jobs) == 2
    assert "folds" not in train("30m", "mobilenet").partition("Cut")[2]
    assert len(made.jobs) == 2


def test_photos_become_smaller_and_the_member_goes_on_so(made: Made, train: Train) -> None:
    notes = train("55s", "mobilenet", image_size=160)
    assert re.search(r"mobilenet with (96|128) instead of 160 pixels", notes)
    size = MemberRecord.load(made.folder, "mobilenet").settings.image_size
    assert made.measured == [("mobilenet", 160)]
    # What is trained now is measured by itself.
    train("55s", "mobilenet", image_size=160)
    assert made.measured[1:] == [("mobilenet", size)]
    assert MemberRecord.load(made.folder, "mobilenet").settings.image_size == size
    leave_checkpoint(made)
    with pytest.raises(Mismatch, match="image_size"):
        train_members(
            ["mobilenet"],
            workspace=made.workspace,
            unfreeze="all",
            image_size=160,
            weights="none",
            head="random",
            batch_size=32,
            epochs=5,
        )


def test_a_pretrained_backbone_stays_frozen_if_nothing_else_fits(made: Made, train: Train) -> None:
    notes = train("25s", "mobilenet", weights="imagenet", head="fitted", image_size=96)
    assert "mobilenet frozen instead of fine-tuned" in notes
    (job,) = made.jobs
    assert job.function.endswith("train_frozen")


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ("20s", r"time_budget='20s' is too short for mobilenet, .* 1 fold .*: give at least \d+m, or"),
        ("soon", "takes a length of time such as 90s"),
        (1, r"time_budget must be at least 5s, .*\(a number without a unit is in seconds; write 30m or 2h\)"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(made: Made, budget: str | float, words: str) -> None:
    with pytest.raises(BadChoice, match=words):
        train_members(
            ["mobilenet"],
            time_budget=budget,
            workspace=made.workspace,
            weights="none",
            image_size=96,
        )
    assert not (made.folder.root / "members").exists()
    assert not made.folder.folds.exists()


def test_the_budget_that_is_named_would_do(made: Made, train: Train) -> None:
    with pytest.raises(BadChoice) as refused:
        train_members(["b0"], time_budget="20s", workspace=made.workspace, weights="none", image_size=96)
    enough = re.search(r"at least (\w+)", str(refused.value))
    assert enough
    train(enough[1], "b0")


def test_two_gpus_do_twice_as_much(made: Made, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    one = train("7m", "mobilenet", precision="float32")
    replace_local_engine(monkeypatch, made.measure_or_run, TWO_GPUS)
    two = train("7m", "mobilenet", precision="float32", restart=True)
    assert "Cut" in one
    assert "Cut" not in two


def test_finished_folds_cost_nothing_and_measure_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, tables = small_competition(tmp_path)
    make_member(folder, tables, "demo-conv")
    found = Made(folder, Workspace(tmp_path / "data", tmp_path / "submissions"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    replace_local_engine(monkeypatch, found.measure_or_run)
    results = train_members(
        ["demo-conv"],
        folds=3,
        time_budget="5s",
        weights="none",
        unfreeze="none",
        image_size=8,
        batch_size=32,
        workspace=found.workspace,
        progress=found.heard,
    )
    assert results[0].name == "demo-conv"
    assert found.measured == []
    assert any("demo-conv: finished" in notes for notes in found.heard.notes)


def test_one_held_out_fifth_is_the_last_step_of_folds(made: Made, train: Train) -> None:
    notes = train("28s", "mobilenet")
    assert "folds from 5 to one held-out fifth" in notes
    assert re.search(r"mobilenet: 1(\.\d)? of 5 epochs, one held-out fifth, 96 pixels", notes)
    assert [job.folds for job in made.jobs] == [(0,)]
    folds = load_folds(made.folder, load_tables(made.folder))
    assert (folds.count, folds.splits) == (1, 1)
    assert 0 < folds.mask_held_out(0).sum() < folds.mask_training(0).sum()


def test_folds_that_were_asked_for_are_not_cut(made: Made, train: Train) -> None:
    notes = train("90s", "mobilenet", image_size=160, folds=3)
    assert "folds" not in notes.partition("Cut")[2]
    assert len(made.jobs) == 3
    assert MemberRecord.load(made.folder, "mobilenet").settings.image_size < 160


def test_repeats_are_priced_and_kept(made: Made, train: Train) -> None:
    notes = train("1h", "mobilenet", folds=2, repeats=2)
    assert "5 of 5 epochs, 2 folds, 2 times, 96 pixels" in notes
    assert len(made.jobs) == 4


def test_members_of_one_backbone_have_a_place_each_and_are_measured_once(made: Made, train: Train) -> None:
    notes = train("8m", "mobilenet", "mobilenet@again", folds=3)
    assert "  mobilenet@again: " in notes
    assert made.measured == [("mobilenet", 96)]
    assert [job.member for job in made.jobs] == ["mobilenet"] * 3 + ["mobilenet@again"] * 3
    assert all(set(each.allotments) == set(each.folds) for each in made.assignments)
    train("8m", "mobilenet", name="mine", folds=3)
    assert {each.member for each in made.assignments} == {"mine"}


def test_displays_hear_of_as_much_work_as_is_planned(made: Made, train: Train) -> None:
    train("1h", "mobilenet", folds=3)
    whole = made.jobs[0].work
    train("2m", "mobilenet", folds=3, restart=True)
    (share,) = {each.share for each in made.assignments}
    assert 0 < share < 1
    assert 0 < made.jobs[0].work < whole
    assert made.assignments[0].estimate_work(1) == pytest.approx(made.jobs[0].work)


def test_another_member_is_refused_before_anything_is_measured(made: Made, train: Train) -> None:
    train("1h", "mobilenet")
    made.measured.clear()
    leave_checkpoint(made)
    with pytest.raises(Mismatch, match="seed"):
        train_members(
            ["mobilenet"],
            time_budget="1h",
            workspace=made.workspace,
            unfreeze="all",
            weights="none",
            seed=7,
            batch_size=4,
        )
    assert made.measured == []


def test_a_member_in_use_is_not_measured(made: Made) -> None:
    with (
        hold_lock(made.folder.member_lock("mobilenet"), "it"),
        pytest.raises(Busy, match="mobilenet of made is in use"),
    ):
        train_members(["mobilenet"], time_budget="1h", workspace=made.workspace, weights="none")
    assert made.measured == []


def test_the_command_to_go_on_with_has_the_budget(made: Made, train: Train) -> None:
    train("55s", "mobilenet", image_size=160)
    ((_, words),) = group_training_commands(made.folder, ["mobilenet"])
    assert words[words.index("--time-budget") + 1] == "55s"
