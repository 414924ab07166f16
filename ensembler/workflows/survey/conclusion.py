"""What follows from a survey: the best backbone, the smallest that is good enough, three that are best together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.metrics.scoring import judge
from ...competition.tables import Tables
from ...errors import BadChoice, BadData
from ...paths import CompetitionFolder
from ...progress import Progress
from ...surveys.candidates import Candidate
from ...surveys.measures import load_measures
from ...surveys.rung import Rung
from ...surveys.survey_job import Climbed
from .answers import Typed, best_together, next_commands, smallest_good
from .result import Failed, Sorting, Survey, Surveyed


class Judged:
    """What was found of backbones, read from where the job kept it."""

    def __init__(
        self, folder: CompetitionFolder, tables: Tables, candidates: Sequence[Candidate], climbed: Climbed, seed: int
    ) -> None:
        self.folder = folder
        self.tables = tables
        self.climbed = climbed
        self.candidates = [one for one in candidates if one.name in climbed.photos]
        self.rungs = {
            photos: Rung.first(photos, folder, tables, seed) for photos in sorted(set(climbed.photos.values()))
        }

    @property
    def last(self) -> Rung:
        """The one of the most photos."""
        return self.rungs[max(self.rungs)]

    def finished_predictions(self) -> dict[str, NDArray[np.float32]]:
        """Out-of-fold probabilities of those that were judged on the last rung."""
        reached = [one for one in self.candidates if self.climbed.photos[one.name] == len(self.last.rows)]
        return {one.name: self.last.predictions(self.folder, one) for one in reached}

    def surveyed(self) -> list[Surveyed]:
        """All that were judged, in the order of the candidates."""
        return [self._surveyed(one) for one in self.candidates]

    def _surveyed(self, one: Candidate) -> Surveyed:
        measures = load_measures(self.folder, one)
        if measures is None:
            raise BadData(f"What was measured of {one.name} is gone from {self.folder.survey}: run the survey again.")
        rung = self.rungs[self.climbed.photos[one.name]]
        groups = self.tables.train["group"].iloc[rung.scored].tolist()
        return Surveyed(
            name=one.name,
            image_size=one.image_size,
            measures=measures,
            figures=judge(rung.targets, rung.predictions(self.folder, one), self.tables.manifest, groups),
            photos=len(rung.rows),
            stopped=self.climbed.stopped.get(one.name, ""),
        )


def conclude(
    judged: Judged,
    failed: Sequence[Failed],
    typed: Typed,
    sort: Sorting,
    accuracy: float | None,
    progress: Progress,
) -> Survey:
    """Say what follows from what was found of backbones.

    Parameters
    ----------
    failed
        Backbones that were not given to the job; those that failed in it are added.
    typed
        Options of the survey, which training takes too.
    sort, accuracy
        As :func:`ensembler.survey` takes them.

    Raises
    ------
    BadChoice
        If none of the backbones could be judged.
    """
    failed = [*failed, *(Failed(name, reason) for name, reason in judged.climbed.failed.items())]
    if not judged.climbed.photos:
        raise BadChoice(f"No backbone could be judged: {failed[0].name}, for one, because: {failed[0].reason}")
    trio = best_together(judged.last, judged.finished_predictions(), progress)
    surveyed = judged.surveyed()
    finished = [one for one in surveyed if one.photos == len(judged.last.rows)]
    best = min(finished, key=lambda one: one.figures.log_loss)
    smallest, good_enough = smallest_good(finished, accuracy)
    return Survey(
        candidates=tuple(sorted(surveyed, key=_key(sort))),
        failed=tuple(failed),
        photos=len(judged.last.rows),
        best=best,
        smallest=smallest,
        good_enough=good_enough,
        trio=trio,
        commands=next_commands(best, trio, typed),
        picture=(),
        seconds=0.0,
    )


def _key(sort: Sorting) -> Any:
    keys = {
        "size": lambda one: one.measures.parameters,
        # A loss on fewer photos is not comparable; who stopped early is behind those that went on.
        "loss": lambda one: (-one.photos, one.figures.log_loss),
        "latency": lambda one: one.measures.milliseconds,
    }
    return keys[sort]
