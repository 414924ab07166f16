"""What the parent process makes of options before a network is trained: jobs, their GPUs, and what a person is told."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.jobs_here import CPU, TWO_GPUS, replace_local_engine
from helpers.members_made import FOLDS, record_of, small_competition
from helpers.photos import Heard

from ensembler.engines.hardware import Hardware
from ensembler.engines.job import Job, Needs
from ensembler.errors import BadChoice, Busy, Mismatch
from ensembler.locks import hold_lock
from ensembler.members.records import MemberRecord
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.storage import write_text
from ensembler.workflows.train.plan_jobs import prepare_member_folder
from ensembler.workflows.train.train import train_members


class Enough(Exception):
    """Jobs were about to run."""


class Asked:
    """Jobs, GPUs and processes at a time that a training would run, and what it told."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.heard = Heard()

    def run(self, jobs: Sequence[Job], *_: object) -> None:
        self.jobs = list(jobs)
        raise Enough

    @property
    def needs(self) -> Needs:
        """What each of the jobs needs except memory, which is the same."""
        [needs] = {replace(job.needs, memory_bytes=0) for job in self.jobs}
        return needs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompetitionFolder, Workspace]:
    root = tmp_path_factory.mktemp("jobs")
    folder, _ = small_competition(root)
    return folder, Workspace(root / "data", root / "submissions")


Train = Callable[..., Asked]


@pytest.fixture
def train(made: tuple[CompetitionFolder, Workspace], monkeypatch: pytest.MonkeyPatch) -> Train:
    def begun(*members: str, here: Hardware = CPU, **options: Any) -> Asked:
        asked = Asked()
        replace_local_engine(monkeypatch, asked.run, here)
        with pytest.raises(Enough):
            train_members(members, folds=FOLDS, restart=True, workspace=made[1], progress=asked.heard, **options)
        return asked

    return begun


def test_without_a_gpu_heads_are_trained_one_job_a_member(train: Train) -> None:
    asked = train("b0", "b3")
    assert [job.name for job in asked.jobs] == ["b0", "b3"]
    assert {job.function for job in asked.jobs} == {"ensembler.members.jobs.frozen:train_frozen"}
    assert asked.needs == Needs()
    assert asked.heard.told == ["No GPU: heads are trained on frozen backbones; unfreeze='all' fine-tunes them whole."]


def test_each_gpu_gets_jobs_of_its_own(train: Train, made: tuple[CompetitionFolder, Workspace]) -> None:
    asked = train("b0", here=TWO_GPUS)
    assert [job.name for job in asked.jobs] == [f"b0-fold-{fold}" for fold in range(FOLDS)]
    assert {job.function for job in asked.jobs} == {"ensembler.members.fine_tuning.jobs.fine_tune:fine_tune"}
    assert asked.needs == Needs(gpus=1)
    assert {job.spec["data_parallel"] for job in asked.jobs} == {False}
    assert asked.heard.told == []
    settings = MemberRecord.load(made[0], "b0").settings
    assert (settings.precision, settings.batch_size) == ("bfloat16", 64)


def test_jobs_say_what_they_train_and_how_much_work_that_is(train: Train) -> None:
    one, two = train("b0", "b3").jobs
    assert (one.member, one.folds) == ("b0", (0, 1, 2))
    assert 0 < one.work < two.work
    folds = train("b0", here=TWO_GPUS).jobs
    assert [job.folds for job in folds] == [(0,), (1,), (2,)]
    assert len({job.work for job in folds}) == 1
    assert folds[0].work > one.work / FOLDS


def test_jobs_write_for_tensorboard_where_that_is_asked_for(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensembler.workflows.train.plan_jobs.require_tensorboard", lambda: None)
    assert train("b0", tensorboard=True).jobs[0].spec["tensorboard"] is True
    assert train("b0").jobs[0].spec["tensorboard"] is False


def test_one_network_on_all_gpus_sees_them_all(train: Train) -> None:
    asked = train("b0", here=TWO_GPUS, data_parallel=True)
    assert asked.needs == Needs(gpus=2)
    assert {job.spec["data_parallel"] for job in asked.jobs} == {True}


def test_tiny_networks_run_side_by_side_and_nobody_looks_for_gpus(train: Train) -> None:
    asked = train("demo-conv", "demo-dense", here=TWO_GPUS, weights="none")
    assert [job.spec["folds"] for job in asked.jobs] == [list(range(FOLDS))] * 2
    assert asked.needs == Needs(processors=1)
    assert asked.heard.told == ["Nothing is pretrained, so the whole networks are trained (unfreeze='all')."]


def test_a_tiny_network_among_others_shares_one_job_among_its_folds(train: Train) -> None:
    asked = train("demo-conv", "b0", weights="none")
    assert [job.name for job in asked.jobs] == ["demo-conv", *(f"b0-fold-{fold}" for fold in range(FOLDS))]
    assert asked.needs == Needs()


@pytest.mark.parametrize("restart", [False, True])
def test_a_second_run_on_a_member_hears_who_is_at_it(
    restart: bool, train: Train, made: tuple[CompetitionFolder, Workspace]
) -> None:
    train("b0")
    folder, workspace = made
    with (
        hold_lock(folder.lock("member-b0"), "it"),
        pytest.raises(Busy, match=rf"b0 of made is in use by process {os.getpid()} on \S+ since"),
    ):
        train_members(["b0"], folds=FOLDS, restart=restart, workspace=workspace)
    assert (folder.member("b0") / "member.json").is_file()
    assert [job.name for job in train("b0").jobs] == ["b0"]


def test_time_between_checkpoints_reaches_the_jobs(train: Train) -> None:
    assert [job.spec["checkpoint_minutes"] for job in train("b0", checkpoint_minutes=2.5).jobs] == [2.5]
    assert [job.spec["checkpoint_minutes"] for job in train("b0").jobs] == [None]
    with pytest.raises(BadChoice, match="checkpoint_minutes must be a number, above 0"):
        train("b0", checkpoint_minutes=0)


def test_options_without_effect_are_told_if_they_were_typed(train: Train, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("epochs = 3\n")
    asked = train("b0", unfreeze="none", augmentation="strong", ema=0.5, config=file)
    assert asked.heard.told == [
        "Warning: These options have no effect on a frozen backbone (unfreeze='none'): augmentation, ema."
    ]
    assert train("b0", unfreeze="none", config=file).heard.told == []


def test_a_gpu_that_cannot_be_used_is_told(train: Train) -> None:
    asked = train("b0", here=Hardware((), 0, "Mend the driver."), unfreeze="none")
    assert asked.heard.told == ["Warning: Mend the driver."]


def test_members_have_settings_of_their_own(
    train: Train, made: tuple[CompetitionFolder, Workspace], tmp_path: Path
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('unfreeze = "none"\nhidden = 3\n[members.b3]\nunfreeze = "last:2"\nhidden = 5\n')
    asked = train("b0", "b3", config=file)
    assert [job.name for job in asked.jobs] == ["b0", *(f"b3-fold-{fold}" for fold in range(FOLDS))]
    b0, b3 = (MemberRecord.load(made[0], name).settings for name in ("b0", "b3"))
    assert (b0.frozen, b0.hidden, b3.phases[0].unfreeze, b3.hidden) == (True, 3, "last:2", 5)


def test_a_member_whose_first_job_failed_takes_other_settings(tmp_path: Path) -> None:
    """Such as those of the right file of weights after a wrong one."""
    folder, tables = small_competition(tmp_path)
    failed = record_of(folder, tables)
    right = replace(failed, settings=replace(failed.settings, weights="digest"))
    failed.save(folder)
    prepare_member_folder(folder, right, restart=False)
    assert MemberRecord.load(folder, right.name) == right
    write_text(folder.fold(right.name, 0) / "fold.json", "{}")
    with pytest.raises(Mismatch, match="trained with other settings"):
        prepare_member_folder(folder, failed, restart=False)


def test_a_member_stays_on_its_backend(tmp_path: Path) -> None:
    folder, tables = small_competition(tmp_path)
    record = record_of(folder, tables)
    record.save(folder)
    write_text(folder.fold(record.name, 0) / "fold.json", "{}")
    elsewhere = replace(record, backend="jax")
    with pytest.raises(Mismatch, match=r"trained by Keras on TensorFlow, .*: set KERAS_BACKEND=tensorflow to continue"):
        prepare_member_folder(folder, elsewhere, restart=False)
    prepare_member_folder(folder, elsewhere, restart=True)
    assert MemberRecord.load(folder, record.name) == elsewhere
