"""The job of a survey, which evaluates all backbones on some photos and the promising ones on more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ...competition.tables import load_tables
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain, make_record
from ..candidates import Candidate
from ..halving import RungResult, choose_stopped, count_affordable_photos
from ..rung import Rung
from ..survey_job import HalvingResult, SurveyJob
from .feature_extractor import FeatureExtractor, MemoryFullError


def compare_backbones(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Compare the backbones of a :class:`SurveyJob`, and return a :class:`HalvingResult` as a dictionary.

    Earlier results are reused, so a job continues where its predecessor ended.
    """
    result = SuccessiveHalving(make_record(spec, SurveyJob, "the description of the job"), progress).run()
    return cast("dict[str, Any]", convert_to_plain(result))


class SuccessiveHalving:
    """The rungs of a survey, one after another."""

    def __init__(self, job: SurveyJob, progress: Progress) -> None:
        self.job = job
        self.progress = progress
        self.folder = CompetitionFolder(Path(job.competition))
        self.tables = load_tables(self.folder)
        self.extractor = FeatureExtractor(job, self.folder, self.tables, progress)
        self.result = HalvingResult(speeds=self.extractor.speeds)
        # Seconds per photo that heads took.
        self.seconds_per_photo = 0.0

    def run(self) -> HalvingResult:
        """Run as many rungs as the time allows."""
        remaining = list(self.job.candidates)
        done = 0
        for photos in self.job.photos:
            wanted = self._count_affordable_photos(remaining, done, photos)
            if not remaining or not wanted:
                break
            rung = Rung.take_first(wanted, self.folder, self.tables, self.job.seed)
            try:
                problems = self.extractor.extract(remaining, rung.rows)
            except MemoryFullError:
                self.result.more = True
                break
            for name, reason in problems.items():
                self.result.add_problem(name, reason)
            remaining = self._evaluate(rung, [one for one in remaining if one.name not in problems])
            done = wanted
            if wanted < photos:
                break
        return self.result

    def _evaluate(self, rung: Rung, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Evaluate backbones on a rung and return those that continue."""
        began, results = time.monotonic(), []
        label = f"evaluate heads on {len(rung.rows)} photos"
        for one in self.progress.track(candidates, label, len(candidates)):
            losses = rung.compute_losses(rung.load_or_predict(self.folder, one, self.progress))
            results.append(RungResult(one.name, self.result.speeds[one.name].milliseconds_per_photo, losses))
            self.result.photos[one.name] = len(rung.rows)
        self.seconds_per_photo = (time.monotonic() - began) / len(rung.rows)
        if len(rung.rows) == self.job.photos[-1]:
            return []
        stopped = choose_stopped(results, self.job.top)
        self.result.stopped |= stopped
        for name in stopped:
            self.extractor.forget(name)
        return [one for one in candidates if one.name not in stopped]

    def _count_affordable_photos(self, remaining: Sequence[Candidate], done: int, photos: int) -> int:
        """Return how many photos the next rung can have. 0 if too few more than before."""
        if self.job.until is None or not done:
            return photos
        each = sum(1 / self.result.speeds[one.name].photos_per_second for one in remaining) + self.seconds_per_photo
        affordable_photos = count_affordable_photos(done, photos, each, self.job.until - time.time())
        if affordable_photos < photos:
            self.progress.note(f"The time budget suffices for {affordable_photos or done} of {photos} photos.")
        return affordable_photos
