"""Which stack and which photos are meant, and what is left out; networks are in test_loaded_stack.py."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import TWO_GPUS, replace_local_engine
from helpers.members_made import small_competition
from helpers.photos import Heard, write_photo
from helpers.stacks_made import make_stack

from ensembler.engines.job import Job, Needs
from ensembler.engines.local import LocalEngine
from ensembler.errors import BadChoice, BadData, EnsemblerError, JobFailed
from ensembler.members import work
from ensembler.members.features import shards as feature_shards
from ensembler.paths import CompetitionFolder, Workspace
from ensembler.progress import Progress
from ensembler.serialization import write_arrays
from ensembler.stacking.card import StackedMember, attach_card, make_stack_card
from ensembler.workflows.predict import predict


class Jobs:
    """Stands for job processes: remembers what they are asked, and cannot decode photos called ``lost``."""

    def __init__(self) -> None:
        self.photos: list[str] = []
        self.model = ""
        self.logs = Path()

    def run(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        del progress
        [job] = jobs
        self.logs, self.model = logs, job.spec["model"]
        self.photos = json.loads(Path(job.spec["photos"]).read_text())
        rows = [[np.nan] * 3 if Path(photo).stem == "lost" else [0.5, 0.25, 0.25] for photo in self.photos]
        write_arrays(Path(job.spec["predictions"]), probabilities=np.array(rows, np.float32))
        return [{}]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    asked = Jobs()
    replace_local_engine(monkeypatch, asked.run)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> CompetitionFolder:
    """A competition with two stacks, ``old`` and ``new``."""
    folder, tables = small_competition(tmp_path)
    for name in ("old", "new"):
        make_stack(folder, tables, name)
        file = folder.stack(name) / "stack.keras"
        zipfile.ZipFile(file, "w").close()
        attach_card(file, make_stack_card(name, tables.manifest, [StackedMember("b0", "b0", 224)]))
    return folder


def workspace_of(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data", tmp_path / "submissions")


@pytest.mark.parametrize("named", ["a name", "text", "a path"])
def test_a_stack_is_meant_by_its_name_or_by_its_file(
    folder: CompetitionFolder, jobs: Jobs, tmp_path: Path, named: str
) -> None:
    file = folder.stack("old") / "stack.keras"
    stack: Any = {"a name": "old", "text": str(file), "a path": file}[named]
    found = predict([write_photo(tmp_path / "1.png")], stack=stack, workspace=workspace_of(tmp_path))
    assert jobs.model == str(file)
    assert (found.stack, found.task, found.outputs) == ("old", "multiclass", ("a", "b", "c"))


def test_a_file_in_this_folder_is_known_by_its_suffix(
    folder: CompetitionFolder, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.stack("old"))
    predict([write_photo(tmp_path / "1.png")], stack="stack.keras", workspace=Workspace(Path("x"), Path("y")))
    assert jobs.model == str(folder.stack("old") / "stack.keras")


def test_nothing_is_left_where_there_are_no_competitions(
    folder: CompetitionFolder, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensembler.workflows.predict.open_engine", lambda *_, **__: LocalEngine(1))
    elsewhere = Workspace(tmp_path / "elsewhere", tmp_path / "submissions")
    stack = folder.stack("old") / "stack.keras"
    predict([write_photo(tmp_path / "1.png")], stack=stack, workspace=elsewhere, engine="ray")
    # The folder that machines share was used.
    assert jobs.logs.is_relative_to(elsewhere.data)
    assert not elsewhere.data.exists()


def test_folders_that_killed_calls_left_are_deleted_after_a_week(
    folder: CompetitionFolder, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del folder, jobs
    monkeypatch.setattr("ensembler.workflows.predict.open_engine", lambda *_, **__: LocalEngine(1))
    old, new = (tmp_path / "data" / name for name in (".predict-old", ".predict-new"))
    for place in (old, new):
        place.mkdir()
    week_ago = time.time() - 7 * 86400 - 60
    os.utime(old, (week_ago, week_ago))
    predict([write_photo(tmp_path / "1.png")], workspace=workspace_of(tmp_path), engine="ray")
    assert [path.name for path in (tmp_path / "data").glob(".predict-*")] == [new.name]


def test_without_a_name_it_is_the_stack_built_last(folder: CompetitionFolder, jobs: Jobs, tmp_path: Path) -> None:
    predict([write_photo(tmp_path / "1.png")], workspace=workspace_of(tmp_path))
    assert jobs.model == str(folder.stack("new") / "stack.keras")


@pytest.mark.usefixtures("folder")
def test_files_and_folders_are_taken_in_order_and_a_photo_has_a_row_each_time_it_is_named(
    jobs: Jobs, tmp_path: Path
) -> None:
    place = tmp_path / "more"
    for name in ("b.png", "a.JPG", "below/c.webp", ".hidden.png", "below/lost.gif"):
        write_photo(place / name.lower()).rename(place / name)
    (place / "notes.txt").write_text("no photo")
    first = write_photo(tmp_path / "first.png")
    found = predict([first, str(place), place / "b.png"], workspace=workspace_of(tmp_path))
    below = [place / name for name in ("a.JPG", "b.png", "below/c.webp")]
    assert list(found.photos) == [first, *below, place / "b.png"]
    assert found.unreadable == (place / "below/lost.gif",)
    assert found.probabilities.shape == (5, 3)
    # Each is predicted once.
    assert len(jobs.photos) == 5
    assert not jobs.logs.exists()


@pytest.mark.parametrize(
    ("names", "stack", "kind", "said"),
    [
        ([], None, BadChoice, "photos takes at least one file or folder"),
        (["nowhere.png"], None, BadChoice, r"The photo \S+nowhere\.png does not exist"),
        (["empty"], None, BadData, "contains no photos"),
        (["lost.png"], None, BadData, "None of 1 photo can be decoded"),
        (["1.png"], "newer", BadChoice, "did you mean new"),
        (["1.png"], "nowhere/stack.keras", BadChoice, "The file nowhere/stack.keras does not exist"),
    ],
)
@pytest.mark.usefixtures("folder", "jobs")
def test_what_is_not_there_is_one_sentence(
    tmp_path: Path, names: list[str], stack: str | None, kind: type[EnsemblerError], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("1.png", "lost.png"):
        write_photo(tmp_path / name)
    with pytest.raises(kind, match=said):
        predict([tmp_path / name for name in names], stack=stack, workspace=workspace_of(tmp_path))


@pytest.fixture
def three_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MIN_SHARD_WORK", 1e-9)
    monkeypatch.setattr(work, "MIN_SHARD_WORK_ON_GPU", 1e-9)
    monkeypatch.setattr(feature_shards, "PHOTOS_PER_FILE", 4)
    monkeypatch.setattr(LocalEngine, "count_slots", lambda *_: 3)


@pytest.mark.usefixtures("folder", "three_slots")
def test_many_photos_are_divided_among_gpus_and_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write_photo(tmp_path / "photos" / f"{row}.png") for row in range(30)]
    asked: list[tuple[str, int, Needs]] = []

    def run(jobs: Sequence[Job], _logs: Path, _progress: Progress) -> list[Any]:
        replies: list[Any] = []
        for job in jobs:
            photos = json.loads(Path(job.spec["photos"]).read_text())
            asked.append((job.name, len(photos), job.needs))
            rows = [[np.nan] * 3 if photo == str(paths[3]) else [int(Path(photo).stem)] * 3 for photo in photos]
            write_arrays(Path(job.spec["predictions"]), probabilities=np.array(rows, np.float32))
            report = {"unreadable": ["3.png is lost"] if str(paths[3]) in photos else [], "assumed": photos[1:2]}
            replies.append(report)
        return replies

    replace_local_engine(monkeypatch, run, TWO_GPUS)
    heard = Heard()
    found = predict(paths, workspace=workspace_of(tmp_path), batch_size=4, progress=heard)
    assert asked == [(f"predict-{n}-of-3", size, Needs(gpus=1)) for n, size in ((1, 8), (2, 12), (3, 10))]
    assert found.unreadable == (paths[3],)
    assert found.photos == tuple(paths[:3] + paths[4:])
    assert found.probabilities[:, 0].tolist() == [row for row in range(30) if row != 3]
    assert heard.warnings == [
        f"3 photos ({paths[1]}, {paths[9]}, {paths[21]}) have transparency or 16 bits, of which the stack's rule of "
        "pixels says nothing: transparency is put on white; whole numbers of more than 8 bits from 0 to 65535 become 0 "
        "to 255.",
        "3.png is lost",
    ]


@pytest.mark.usefixtures("folder", "three_slots")
@pytest.mark.parametrize(("photos", "least"), [(15, 1e-9), (30, 1e9)], ids=["few photos", "little work"])
def test_a_small_prediction_is_one_job_and_looks_for_no_gpu(
    photos: int, least: float, jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MIN_SHARD_WORK", least)
    monkeypatch.setattr("ensembler.workflows.predict.detect_machine", None)
    paths = [write_photo(tmp_path / "photos" / f"{row}.png") for row in range(photos)]
    predict(paths, workspace=workspace_of(tmp_path), batch_size=4)
    assert len(jobs.photos) == photos


@pytest.mark.usefixtures("folder")
def test_the_log_of_a_job_that_failed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Path] = []

    def fail(_jobs: Sequence[Job], logs: Path, _progress: Progress) -> list[Any]:
        (logs / "predict.log").write_text("out of memory")
        kept.append(logs / "predict.log")
        raise JobFailed("The job predict ended without a result.")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    replace_local_engine(monkeypatch, fail)
    with pytest.raises(JobFailed):
        predict([write_photo(tmp_path / "1.png")], workspace=workspace_of(tmp_path))
    assert kept[0].is_file()


@pytest.mark.parametrize("as_text", [True, False])
def test_a_single_photo_needs_no_list(as_text: bool, folder: CompetitionFolder, jobs: Jobs, tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "a" / "0.png"
    found = predict(str(photo) if as_text else photo, competition="made", workspace=folder.workspace)
    assert found.photos == (photo,)
    assert jobs.photos == [str(photo)]
