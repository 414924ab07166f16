"""Jobs find all their files in a mirror while those of the driver are out of reach, with the same results."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.jobs_here import CPU, replace_local_engine, run_here
from helpers.transport_made import Cluster
from helpers.two_classes import write_photos

import ensembler
from ensembler.engines.job import Job
from ensembler.job_files import JobFiles
from ensembler.progress import Progress
from ensembler.storage import compute_file_digest

OPTIONS: dict[str, Any] = {"weights": "none", "image_size": 8, "batch_size": 16, "folds": 2}


class MirroredJobs:
    """Runs each job in a mirror in this process, with the folder of the driver renamed meanwhile."""

    def __init__(self, cluster: Cluster, driver: Path) -> None:
        self.cluster = cluster
        self.driver = driver
        self.ran: list[str] = []

    def run(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        return [self._run_job(job, logs, progress) for job in jobs]

    def _run_job(self, job: Job, logs: Path, progress: Progress) -> Any:
        self.ran.append(job.name)
        log = logs / f"{job.name}.log"
        with self.cluster.open(job.files().join(JobFiles(writes=(str(log),)))) as mirror:
            mirrored, here = mirror.map_job(job, log)
            here.write_text("written there")
            away = self.driver.with_name("away")
            self.driver.rename(away)
            try:
                with pytest.MonkeyPatch.context() as patch:
                    for name, value in mirror.environment.items():
                        patch.setenv(name, value)
                    patch.chdir(mirror.working_folder)
                    module, function = mirrored.function.split(":")
                    result = getattr(importlib.import_module(module), function)(mirrored.spec, progress)
            finally:
                away.rename(self.driver)
            mirror.bring_back()
        assert log.read_text() == "written there"
        return result


def work(driver: Path) -> dict[str, Any]:
    """Use a competition in every way that needs jobs, and return what must be the same."""
    photos = write_photos(driver / "my photos [1]", 48, told=True)
    workspace = driver / "work"
    ensembler.adopt(photos, name="pets", workspace=workspace)
    competition = ensembler.open("pets", workspace=workspace)
    competition.train_members(["demo-conv"], unfreeze="all", epochs=2, refit=True, **OPTIONS)
    competition.train_members(["demo-dense"], unfreeze="none", tta="flip", **OPTIONS)
    competition.train_members(["demo-dense@again"], unfreeze="none", tta="flip", **OPTIONS)
    found = competition.survey(["demo-conv", "demo-dense"], weights="none", image_size=8)
    stack = competition.stack(["demo-conv", "demo-dense"])
    predicted = competition.predict([photos / "a"], stack=stack.name)
    member = competition.folder.member("demo-conv")
    return {
        "survey": [candidate.scores.log_loss for candidate in found.candidates],
        "score": stack.log_loss,
        "predicted": np.round(predicted.probabilities, 7).tolist(),
        "members": {
            f"{path.parent.name}/{path.name}": np.load(path)["held_out"].tolist()
            for path in sorted(competition.folder.root.glob("members/*/*/predictions.npz"))
        },
        "files": sorted(str(path.relative_to(member)) for path in member.rglob("*")),
    }


@pytest.mark.slow
def test_all_commands_run_in_mirrors_with_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_local_engine(monkeypatch, run_here, CPU)
    expected = work(tmp_path / "here")
    cluster, driver = Cluster(tmp_path), tmp_path / "driver"
    jobs = MirroredJobs(cluster, driver)
    replace_local_engine(monkeypatch, jobs.run, CPU)
    assert work(driver) == expected
    assert {"survey", "demo-conv", "demo-conv-refit", "demo-dense", "demo-dense@again", "predict"} <= set(jobs.ran)
    # Each photo went to the node once, and the archive of the competition never.
    fetched = [segment.digest for request in cluster.requests for segment in getattr(request, "segments", ())]
    assert len(fetched) == len(set(fetched))
    assert compute_file_digest(driver / "my photos [1]" / "a" / "0.png") in fetched
    assert compute_file_digest(driver / "work" / "data" / "pets" / "files.csv") not in fetched
