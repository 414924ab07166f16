"""The rungs of a survey, which evaluates all backbones on some photos and the promising ones on more."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from ..competition.tables import Tables
from ..inference.speeds import NetworkSpeed
from ..paths import CompetitionFolder
from ..progress import Progress
from .candidates import Candidate
from .halving import RungResult, choose_stopped, count_affordable_photos
from .rung import Rung
from .survey_job import HalvingResult, SurveyJob


class Examiner(Protocol):
    """Computes the features of backbones, in this process or in others."""

    @property
    def speeds(self) -> dict[str, NetworkSpeed]:
        """Size and speed of each examined backbone by name."""

    def examine(self, candidates: Sequence[Candidate], rung: Rung) -> Mapping[str, str]:
        """Compute missing features of a rung, and measure missing speeds.

        Returns
        -------
        mapping
            Problem of each backbone that failed, by name.
        """

    def forget(self, name: str) -> None:
        """Release what is kept of a backbone that does not continue."""


class SuccessiveHalving:
    """The rungs of a survey, one after another.

    Parameters
    ----------
    examiner
        Computes features and measures speeds.
    slots
        Number of backbones that are examined at a time.
    """

    def __init__(
        self,
        job: SurveyJob,
        folder: CompetitionFolder,
        tables: Tables,
        examiner: Examiner,
        progress: Progress,
        slots: int = 1,
    ) -> None:
        self.job = job
        self.progress = progress
        self.folder = folder
        self.tables = tables
        self.examiner = examiner
        self.slots = slots
        self.result = HalvingResult(speeds=examiner.speeds)
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
            problems = self.examiner.examine(remaining, rung)
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
            self.examiner.forget(name)
        return [one for one in candidates if one.name not in stopped]

    def _count_affordable_photos(self, remaining: Sequence[Candidate], done: int, photos: int) -> int:
        """Return how many photos the next rung can have. 0 if too few more than before."""
        if self.job.until is None or not done:
            return photos
        features = sum(1 / self.result.speeds[one.name].photos_per_second for one in remaining) / self.slots
        each = features + self.seconds_per_photo
        affordable_photos = count_affordable_photos(done, photos, each, self.job.until - time.time())
        if affordable_photos < photos:
            self.progress.note(f"The time budget suffices for {affordable_photos or done} of {photos} photos.")
        return affordable_photos
