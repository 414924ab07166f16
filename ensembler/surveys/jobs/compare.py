"""The jobs of a survey: one that compares all backbones, and one that examines a single backbone on one rung."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from ...competition.tables import load_tables
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import convert_to_plain, make_record
from ..rung import Rung
from ..successive_halving import SuccessiveHalving
from ..survey_job import EntryResult, SurveyEntry, SurveyJob
from .feature_extractor import FeatureExtractor, MemoryFullError


def compare_backbones(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Compare the backbones of a :class:`SurveyJob`, and return a :class:`HalvingResult` as a dictionary.

    Earlier results are reused, so a job continues where its predecessor ended.
    """
    job = make_record(spec, SurveyJob, "the description of the job")
    folder = CompetitionFolder(Path(job.competition))
    tables = load_tables(folder)
    halving = SuccessiveHalving(job, folder, tables, FeatureExtractor(job, folder, tables, progress), progress)
    try:
        halving.run()
    except MemoryFullError:
        halving.result.more = True
    return cast("dict[str, Any]", convert_to_plain(halving.result))


def examine_backbone(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Compute a backbone's features and heads on one rung, and measure its speed.

    Returns an :class:`EntryResult` as a dictionary. The out-of-fold predictions are in the cache of the rung.
    """
    entry = make_record(spec, SurveyEntry, "the description of the job")
    [one] = entry.survey.candidates
    folder = CompetitionFolder(Path(entry.survey.competition))
    tables = load_tables(folder)
    rung = Rung.take_first(entry.photos, folder, tables, entry.survey.seed)
    extractor = FeatureExtractor(entry.survey, folder, tables, progress)
    problem = extractor.examine_with_others(one, rung.rows, Path(entry.pixels), entry.sizes)
    if not problem:
        rung.load_or_predict(folder, one, progress)
    result = EntryResult(extractor.speeds.get(one.name), problem)
    return cast("dict[str, Any]", convert_to_plain(result))
