"""Features as jobs of their own: how many, who waits for them, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers.jobs_here import CPU, TWO_GPUS, replace_local_engine, run_here
from helpers.members_made import FOLDS, small_competition
from helpers.photos import Heard

from ensembler.engines.hardware import Hardware
from ensembler.engines.job import Job
from ensembler.engines.local import LocalEngine
from ensembler.inference.speeds import NetworkSpeed, PhaseSpeed, TrainingSpeed
from ensembler.members import work
from ensembler.members.features import shards as feature_shards
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import Progress
from ensembler.workflows.train import expected_seconds
from ensembler.workflows.train.train import train_members

PHOTOS = 30


class EnoughError(Exception):
    """Jobs were about to run."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CompetitionFolder:
    return small_competition(tmp_path_factory.mktemp("shards"))[0]


@pytest.fixture
def plan(made: CompetitionFolder, monkeypatch: pytest.MonkeyPatch) -> Any:
    def planned(*members: str, here: Hardware = TWO_GPUS, least: float = 1e-9, **options: Any) -> list[Job]:
        monkeypatch.setattr(work, "MIN_SHARD_WORK", least)
        monkeypatch.setattr(work, "MIN_SHARD_WORK_ON_GPU", least)
        monkeypatch.setattr(feature_shards, "PHOTOS_PER_FILE", 8)
        jobs: list[Job] = []

        def take(given: Sequence[Job], *_: object) -> None:
            jobs.extend(given)
            raise EnoughError

        replace_local_engine(monkeypatch, take, here)
        with pytest.raises(EnoughError):
            train_members(members, folds=FOLDS, restart=True, workspace=made.workspace, batch_size=8, **options)
        return jobs

    return planned


def find_rows(job: Job) -> tuple[int, int]:
    return job.spec["start"], job.spec["stop"]


def test_heads_come_after_the_shards_of_their_features(plan: Any) -> None:
    first, second, heads = plan("b0", unfreeze="none", tta="flip")
    assert (first.name, second.name, heads.name) == ("b0-features-1-of-2", "b0-features-2-of-2", "b0")
    assert (find_rows(first), find_rows(second)) == ((0, 16), (16, PHOTOS))
    assert (first.after, heads.after) == ((), (first.name, second.name))
    assert len(first.spec["views"]) == 2
    assert first.needs == heads.needs
    assert (first.member, first.folds) == ("b0", ())
    # Work moves from the heads to the shards.
    [alone] = plan("b0", unfreeze="none", tta="flip", here=CPU)
    assert first.work + second.work == alone.work
    assert heads.work == 0


def test_folds_come_after_the_features_of_their_heads(plan: Any) -> None:
    jobs = plan("b0", unfreeze="all")
    names = [job.name for job in jobs]
    assert names == ["b0-features-1-of-2", "b0-features-2-of-2", *(f"b0-fold-{fold}" for fold in range(FOLDS))]
    assert {job.after for job in jobs[2:]} == {tuple(names[:2])}
    assert all(job.work > 0 for job in jobs)
    # A random head needs no features.
    assert len(plan("b0", unfreeze="all", head="random")) == FOLDS


def test_members_share_the_shards_of_common_features(plan: Any) -> None:
    jobs = {job.name: job for job in plan("b0", "b0@flipped", "b0@strong", unfreeze="none", flips=False)}
    shards = tuple(name for name in jobs if "features" in name)
    assert shards == ("b0-features-1-of-2", "b0-features-2-of-2")
    assert {jobs[name].after for name in ("b0", "b0@flipped", "b0@strong")} == {shards}


@pytest.mark.parametrize(
    ("here", "least"), [pytest.param(CPU, 0.0, id="one slot"), pytest.param(TWO_GPUS, 1e9, id="tiny work")]
)
@pytest.mark.parametrize("unfreeze", ["none", "all"])
def test_elsewhere_jobs_are_as_they_were(here: Hardware, least: float, unfreeze: str, plan: Any) -> None:
    jobs = plan("b0", unfreeze=unfreeze, here=here, least=least)
    assert not any(job.after or "features" in job.name for job in jobs)
    assert all(job.work for job in jobs)


SPEED = TrainingSpeed(
    start_up=8.0,
    build=2.0,
    save=1.0,
    compile=3.0,
    decode=0.01,
    predict=10.0,
    view=4.0,
    head=0.5,
    phases=(PhaseSpeed(0.04, 0.5, 4.0),),
)


@pytest.fixture
def known_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = NetworkSpeed(batch_size=8, device="a GPU", threads=1, host="here", training=SPEED)
    monkeypatch.setattr(expected_seconds, "read_speed", lambda _: speed)


@pytest.mark.usefixtures("known_speed")
def test_measured_speeds_tell_how_long_jobs_take(plan: Any) -> None:
    features = PHOTOS * (10 + 4) + 2 * 3 + 2
    [alone] = plan("b0", unfreeze="none", tta="flip", least=1e9)
    heads = plan("b0", unfreeze="none", tta="flip")
    assert heads[0].seconds == pytest.approx(8 + 2 + features * 16 / PHOTOS)
    assert heads[1].seconds == pytest.approx(8 + 2 + features * 14 / PHOTOS)
    assert heads[2].seconds == pytest.approx(alone.seconds - features)
    # The first fold is not longer than the others, because no longer it computes features.
    *shards, first, second, third = plan("b0", unfreeze="all")
    assert len(shards) == 2
    measuring = first.seconds - second.seconds
    assert 0 < measuring < 2000
    assert second.seconds == third.seconds
    undivided = plan("b0", unfreeze="all", least=1e9)
    assert undivided[0].seconds - first.seconds == pytest.approx(PHOTOS * 14 + 2 * 3 + 2)
    assert undivided[1].seconds == second.seconds


def test_unknown_speeds_tell_nothing(plan: Any) -> None:
    assert {job.seconds for job in plan("b0", unfreeze="none")} == {None}


@pytest.mark.parametrize("options", [{"unfreeze": "none"}, {"unfreeze": "all", "epochs": 1, "head": "fitted"}])
@pytest.mark.slow
def test_a_training_with_shards_leaves_the_same_bytes(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_shards, "PHOTOS_PER_FILE", 8)
    monkeypatch.setattr(work, "MIN_SHARD_WORK", 1e-9)
    names: list[str] = []

    def run(jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        names.extend(job.name for job in jobs)
        return run_here(jobs, logs, progress)

    replace_local_engine(monkeypatch, run)
    found = []
    for slots in (1, 4):
        monkeypatch.setattr(LocalEngine, "count_slots", lambda *_, slots=slots: slots)
        folder, _ = small_competition(tmp_path / str(slots))
        workspace = Workspace(tmp_path / str(slots) / "data", tmp_path / str(slots) / "submissions")
        train_members(["demo-conv"], weights="none", batch_size=4, workspace=workspace, progress=Heard(), **options)
        paths = [*folder.features.glob("*.npy"), *folder.member("demo-conv").glob("fold-*/*.npz")]
        found.append({path.relative_to(folder.root): path.read_bytes() for path in paths})
    assert found[0] == found[1]
    assert len(found[0]) > FOLDS
    assert len([name for name in names if "features" in name]) == 4
