"""What follows from a survey: the best backbone, the smallest that is good enough, three that are best together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...competition.metrics.scoring import compute_scores
from ...competition.tables import Tables
from ...errors import BadChoice
from ...paths import CompetitionFolder
from ...progress import Progress
from ...surveys.candidates import Candidate
from ...surveys.rung import Rung
from ...surveys.survey_job import HalvingResult
from .answers import TypedOptions, choose_best_combination, find_smallest_good, suggest_commands
from .result import FailedBackbone, SurveyedBackbone, SurveyResult, SurveySorting


class SurveyResults:
    """What was found of backbones, read from where the job kept it."""

    def __init__(
        self,
        folder: CompetitionFolder,
        tables: Tables,
        candidates: Sequence[Candidate],
        halving: HalvingResult,
        seed: int,
    ) -> None:
        self.folder = folder
        self.tables = tables
        self.halving = halving
        self.candidates = [one for one in candidates if one.name in halving.photos]
        self.rungs = {
            photos: Rung.take_first(photos, folder, tables, seed) for photos in sorted(set(halving.photos.values()))
        }

    @property
    def last_rung(self) -> Rung:
        """The one of the most photos."""
        return self.rungs[max(self.rungs)]

    def load_finished_predictions(self) -> dict[str, NDArray[np.float32]]:
        """Out-of-fold probabilities of those that were judged on the last rung."""
        reached = [one for one in self.candidates if self.halving.photos[one.name] == len(self.last_rung.rows)]
        return {one.name: self.last_rung.load_or_predict(self.folder, one) for one in reached}

    def list_surveyed(self) -> list[SurveyedBackbone]:
        """All that were judged, in the order of the candidates."""
        return [self._build_surveyed(one) for one in self.candidates]

    def _build_surveyed(self, candidate: Candidate) -> SurveyedBackbone:
        rung = self.rungs[self.halving.photos[candidate.name]]
        groups = self.tables.train["group"].iloc[rung.scored].tolist()
        return SurveyedBackbone(
            name=candidate.name,
            image_size=candidate.image_size,
            speed=self.halving.speeds[candidate.name],
            scores=compute_scores(
                rung.targets, rung.load_or_predict(self.folder, candidate), self.tables.manifest, groups
            ),
            photos=len(rung.rows),
            stopped=self.halving.stopped.get(candidate.name, ""),
        )


def summarise_survey(
    results: SurveyResults,
    failed: Sequence[FailedBackbone],
    options: TypedOptions,
    sort: SurveySorting,
    accuracy: float | None,
    progress: Progress,
) -> SurveyResult:
    """Say what follows from what was found of backbones.

    Parameters
    ----------
    failed
        Backbones that were not given to the job; those that failed in it are added.
    options
        Options of the survey, which training takes too.
    sort, accuracy
        As :func:`ensembler.survey` takes them.

    Raises
    ------
    BadChoice
        If none of the backbones could be judged.
    """
    failed = [*failed, *(FailedBackbone(name, reason) for name, reason in results.halving.failed.items())]
    if not results.halving.photos:
        raise BadChoice(f"No backbone could be judged: {failed[0].name}, for one, because: {failed[0].reason}")
    trio = choose_best_combination(results.last_rung, results.load_finished_predictions(), progress)
    surveyed = results.list_surveyed()
    finished = [one for one in surveyed if one.photos == len(results.last_rung.rows)]
    best = min(finished, key=lambda one: one.scores.log_loss)
    smallest, good_enough = find_smallest_good(finished, accuracy)
    return SurveyResult(
        candidates=tuple(sorted(surveyed, key=_choose_sort_key(sort))),
        failed=tuple(failed),
        photos=len(results.last_rung.rows),
        best=best,
        smallest=smallest,
        good_enough=good_enough,
        trio=trio,
        commands=suggest_commands(best, trio, options),
        picture=(),
        seconds=0.0,
    )


def _choose_sort_key(sort: SurveySorting) -> Any:
    keys = {
        "size": lambda one: one.speed.parameters,
        # A loss on fewer photos is not comparable; who stopped early is behind those that went on.
        "loss": lambda one: (-one.photos, one.scores.log_loss),
        "latency": lambda one: one.speed.milliseconds_per_photo,
    }
    return keys[sort]
