"""The job of a survey: all backbones on some photos, the promising ones on more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...competition.tables import load_tables
from ...paths import CompetitionFolder
from ...progress import Progress
from ..candidates import Candidate
from ..halving import Judged, affordable, choose
from ..measures import Measures, load_measures
from ..rung import Rung
from ..survey_job import Assigned, Climbed
from .feature_extractor import FullError, Look


def compare_backbones(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Judge backbones; see :class:`Assigned`.

    What was computed before is not computed again, so a job that takes over from another one is where that was at once.

    Returns
    -------
    dict
        As :class:`Climbed` says.
    """
    return asdict(_Climb(Assigned(**told), progress).run())


class _Climb:
    """From rung to rung."""

    def __init__(self, assigned: Assigned, progress: Progress) -> None:
        self.assigned = assigned
        self.progress = progress
        self.folder = CompetitionFolder(Path(assigned.competition))
        self.tables = load_tables(self.folder)
        self.look = Look(
            self.folder,
            self.tables,
            assigned.until,
            assigned.memory,
            progress,
            assigned.runtime,
            assigned.cache_limit,
        )
        self.climbed = Climbed()
        # Seconds a photo that heads took.
        self.judging = 0.0

    def run(self) -> Climbed:
        """Climb as far as there is time."""
        left = [Candidate.from_json(told) for told in self.assigned.candidates]
        done = 0
        for photos in self.assigned.photos:
            wanted = self._affordable(left, done, photos)
            if not left or not wanted:
                break
            rung = Rung.first(wanted, self.folder, self.tables, self.assigned.seed)
            try:
                troubles = self.look.at(left, rung.rows)
            except FullError:
                self.climbed.more = True
                break
            for name, reason in troubles.items():
                self.climbed.trouble(name, reason)
            left = self._judge(rung, [one for one in left if one.name not in troubles])
            done = wanted
            if wanted < photos:
                break
        return self.climbed

    def _judge(self, rung: Rung, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Judge backbones on a rung; return those that go on."""
        began, judged = time.monotonic(), []
        label = f"judge by heads on {len(rung.rows)} photos"
        for one in self.progress.track(candidates, label, len(candidates)):
            losses = rung.losses(rung.predictions(self.folder, one, self.progress))
            judged.append(Judged(one.name, self._measures(one).milliseconds, losses))
            self.climbed.photos[one.name] = len(rung.rows)
        self.judging = (time.monotonic() - began) / len(rung.rows)
        if len(rung.rows) == self.assigned.photos[-1]:
            return []
        stopped = {each.name: each.reason for each in choose(judged, self.assigned.top)}
        self.climbed.stopped |= stopped
        for name in stopped:
            self.look.forget(name)
        return [one for one in candidates if one.name not in stopped]

    def _measures(self, one: Candidate) -> Measures:
        measures = load_measures(self.folder, one)
        if measures is None:
            raise RuntimeError(f"Nothing was measured of {one.name}.")
        return measures

    def _affordable(self, left: Sequence[Candidate], done: int, photos: int) -> int:
        """Return how many photos of the next rung there is time for; 0 if so few more that it does not pay."""
        if self.assigned.until is None or not done:
            return photos
        each = sum(1 / self._measures(one).photos_per_second for one in left) + self.judging
        fitting = affordable(done, photos, each, self.assigned.until - time.time())
        if fitting < photos:
            self.progress.note(f"The time budget suffices for {fitting or done} of {photos} photos.")
        return fitting
