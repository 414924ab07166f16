"""Builds the result of a survey from what its job stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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

_SORT_KEYS: Mapping[SurveySorting, Callable[[SurveyedBackbone], tuple[float, ...]]] = {
    "size": lambda one: (one.speed.parameters,),
    # A loss on fewer photos is not comparable, so backbones that stopped early come last.
    "loss": lambda one: (-one.photos, one.scores.log_loss),
    "latency": lambda one: (one.speed.milliseconds_per_photo,),
}


def summarise_survey(
    folder: CompetitionFolder,
    tables: Tables,
    candidates: Sequence[Candidate],
    halving: HalvingResult,
    failed: Sequence[FailedBackbone],
    options: TypedOptions,
    sort: SurveySorting,
    accuracy: float | None,
    progress: Progress,
) -> SurveyResult:
    """Score the backbones, and choose the best, the smallest that is good enough, and the best three together.

    Parameters
    ----------
    failed
        Backbones that were not given to the job. Those that failed in it are added.
    options
        Options of the survey that training has too.
    sort, accuracy
        Arguments of :func:`ensembler.survey`.

    Raises
    ------
    BadChoice
        If none of the backbones could be scored.
    """
    failed = [*failed, *(FailedBackbone(name, reason) for name, reason in halving.failed.items())]
    if not halving.photos:
        raise BadChoice(f"No backbone could be scored. The first error, of {failed[0].name}: {failed[0].reason}")
    numbers = sorted(set(halving.photos.values()))
    rungs = {photos: Rung.take_first(photos, folder, tables, options.seed) for photos in numbers}
    last = rungs[numbers[-1]]
    surveyed, finished_predictions = [], {}
    for candidate in candidates:
        if candidate.name not in halving.photos:
            continue
        rung = rungs[halving.photos[candidate.name]]
        predictions = rung.load_or_predict(folder, candidate)
        if rung is last:
            finished_predictions[candidate.name] = predictions
        groups = tables.train["group"].iloc[rung.scored].tolist()
        one = SurveyedBackbone(
            name=candidate.name,
            image_size=candidate.image_size,
            speed=halving.speeds[candidate.name],
            scores=compute_scores(rung.targets, predictions, tables.manifest, groups),
            photos=len(rung.rows),
            stopped=halving.stopped.get(candidate.name, ""),
        )
        surveyed.append(one)
    trio = choose_best_combination(last, finished_predictions, progress)
    finished = [one for one in surveyed if one.name in finished_predictions]
    best = min(finished, key=lambda one: one.scores.log_loss)
    smallest, good_enough = find_smallest_good(finished, accuracy)
    return SurveyResult(
        candidates=tuple(sorted(surveyed, key=_SORT_KEYS[sort])),
        failed=tuple(failed),
        photos=len(last.rows),
        best=best,
        smallest=smallest,
        good_enough=good_enough,
        trio=trio,
        commands=suggest_commands(best, trio, options),
        picture=(),
        seconds=0.0,
    )
