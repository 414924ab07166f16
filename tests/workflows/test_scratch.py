"""Folders for the files of jobs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ensembler.errors import BadData, JobFailed, StorageError
from ensembler.options.declared import EngineOptions
from ensembler.paths import Workspace
from ensembler.workflows.scratch import find_shared_folder, make_output_folder, make_scratch_folder


@pytest.mark.parametrize(("options", "shared"), [({}, False), ({"engine": "local"}, False), ({"engine": "ray"}, True)])
def test_jobs_on_other_machines_exchange_files_beside_the_competitions(
    tmp_path: Path, options: EngineOptions, shared: bool
) -> None:
    assert find_shared_folder(options, Workspace(tmp_path, tmp_path / "submissions")) == (tmp_path if shared else None)


@pytest.mark.parametrize(("error", "stays"), [(None, False), (BadData, False), (JobFailed, True)])
def test_the_folder_stays_only_if_a_job_failed(tmp_path: Path, error: type[Exception] | None, stays: bool) -> None:
    def work() -> None:
        with make_scratch_folder("explain", tmp_path / "data") as scratch:
            assert scratch.parent == tmp_path / "data"
            (scratch / "job.log").write_text("all lines")
            if error is not None:
                raise error("no memory")

    if error is None:
        work()
    else:
        with pytest.raises(error):
            work()
    assert len(list(tmp_path.rglob("job.log"))) == stays
    # A folder that was made for it goes with it.
    assert (tmp_path / "data").exists() == stays


def test_folders_of_killed_calls_are_deleted_after_a_week(tmp_path: Path) -> None:
    for name in (".explain-old", ".explain-new", ".predict-old"):
        (tmp_path / name).mkdir()
        if name.endswith("old"):
            os.utime(tmp_path / name, (0, 0))
    with make_scratch_folder("explain", tmp_path):
        pass
    assert {place.name for place in tmp_path.iterdir()} == {".explain-new", ".predict-old"}


def test_an_output_folder_without_files_goes(tmp_path: Path) -> None:
    with make_output_folder(tmp_path / "a" / "empty"), make_output_folder(tmp_path / "a" / "full"):
        (tmp_path / "a" / "full" / "1.png").touch()
    assert [place.name for place in (tmp_path / "a").iterdir()] == ["full"]


def test_a_folder_that_cannot_be_made_names_its_option(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="choose another folder with output"):
        make_output_folder(tmp_path / "file" / "below").__enter__()
