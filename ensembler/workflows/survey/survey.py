"""Surveys backbones: finds those that are worth training on the photos of a competition."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack, cast

from ...backbones.patterns import match_backbones
from ...backbones.registry import Backbone, find_min_size
from ...competition.folds.file import load_or_make_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...engines.engine import Engine
from ...errors import BadChoice
from ...images.cache_policy import parse_cache_limit
from ...inference.runtimes import read_runtime
from ...locks import hold_lock
from ...machine_limits import read_machine_memory
from ...members.records import build_record
from ...options.arguments import Count, Duration, Names, Share, check_arguments
from ...options.declared import EngineOptions, ImageSize, TrainingOptions
from ...options.durations import read_duration
from ...options.kinds import Seed, read_value
from ...options.reading import ENGINE, read_options, show_options
from ...options.resolve import choose_settings
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...surveys.candidates import Candidate
from ...surveys.halving import plan_rungs
from ...surveys.survey_job import SurveyJob
from ..engine import open_engine
from ..fetch.tables import open_refreshed_competition
from ..machine import UNKNOWN_MACHINE, JobMachine, detect_machine
from ..plots import read_plot_path
from .answers import TypedOptions
from .conclusion import summarise_survey
from .files import save_survey
from .jobs import compare
from .plot import save_survey_plot
from .result import FailedBackbone, SurveyResult, SurveySorting

# Share of the machine's memory at which a process leaves the remaining work to a new one.
MEMORY_SHARE = 0.4
# Least number of backbones that are scored on all photos.
DEFAULT_TOP = 3
# Least number of photos in each fold.
MIN_PHOTOS_PER_FOLD = 4


@show_options(ENGINE)
@check_arguments
def survey(
    members: Names | None = None,
    *,
    photos: Count | None = None,
    top: Count = DEFAULT_TOP,
    time_budget: Duration | None = None,
    full: bool = False,
    weights: PathLike | None = None,
    image_size: ImageSize | None = None,
    seed: Seed = 0,
    sort: SurveySorting = "size",
    accuracy: Share | None = None,
    runtime: str | None = None,
    cache_limit: str | int | None = None,
    plot: PathLike | None = None,
    competition: CompetitionLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **engine_options: Unpack[EngineOptions],
) -> SurveyResult:
    """Compare backbones by linear heads on their frozen features, with the folds of the competition.

    Each photo is decoded once for all backbones, and each backbone processes it once. ``train-members`` reuses the
    features. All backbones are scored on a part of the photos, and promising ones on more. A second call computes only
    what is missing.

    Parameters
    ----------
    members
        Names of backbones, with wildcards. None uses all of ``keras.applications``.
    photos
        Maximum number of labelled photos. None uses all.
    top
        Least number of backbones that are scored on all photos.
    time_budget
        Time limit of the call, such as ``10m``, or seconds. Backbones that do not fit are scored on fewer photos or
        left out.
    full
        Whether to score all backbones on all photos.
    weights
        ``imagenet`` (the default), ``none``, or a folder of weights.
    image_size
        Height and width of photos in pixels. None uses the size of each backbone. A network that needs larger photos
        gets the smallest possible size.
    seed
        Seed of the order of photos, of new folds, and of random weights.
    sort
        Order of the candidates.
    accuracy
        Accuracy at which the smallest backbone is good enough. None requires a log loss within one standard error of
        the best.
    runtime
        Runtime that computes features: ``auto``, ``keras``, ``graph`` or ``onnx``.
    cache_limit
        Maximum disk space of decoded photos, such as ``20GB``, or bytes. None allows half of the free space.
    plot
        File ending with .png, .svg or .pdf for charts of log loss against time and size. None draws none.
    competition
        Name of the competition. None uses the one last fetched or adopted.
    **engine_options
        Options of the engine (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice
        If a name is unknown, a number is invalid, or none of the backbones can be scored.
    Busy
        If another process surveys this competition.
    Interrupted
        After Ctrl-C. The same call resumes the survey.

    Examples
    --------
    >>> found = ensembler.survey(["demo-conv", "demo-dense"], weights="none", competition="pets")
    >>> len(found.candidates), found.photos
    (2, 64)
    """
    began = time.time()
    picture = read_plot_path(plot)
    limit = None if time_budget is None else read_value("--time-budget", read_duration, time_budget)
    chosen_engine = cast(EngineOptions, read_options(engine_options, known=ENGINE))
    chosen_runtime, cache_bytes = read_runtime(runtime), parse_cache_limit(cache_limit)
    options = _read_options(weights, image_size, seed)
    image_size, seed = options.get("image_size"), options["seed"]
    backbones = match_backbones(members or ())
    folder, tables = open_refreshed_competition(competition, Workspace.read(workspace), progress)
    with (
        open_engine(chosen_engine, progress) as engine,
        hold_lock(folder.lock("survey"), f"the survey of {folder.name}"),
    ):
        machine = _detect_machine(backbones, engine, progress)
        folds = load_or_make_folds(folder, tables, seed=seed)
        least = MIN_PHOTOS_PER_FOLD * folds.splits
        if photos is not None and photos < least:
            raise BadChoice(f"--photos must be at least {least} for {folds.splits} folds. Received: {photos}")
        candidates, failed = _build_candidates(folder, tables, folds, backbones, options, machine)
        photo_count = min(photos or len(tables.train), len(tables.train))
        survey_job = SurveyJob(
            competition=str(folder.root),
            # With the cheapest first, a time budget leaves out few.
            candidates=tuple(sorted(candidates, key=lambda one: one.work)),
            photos=tuple(plan_rungs(photo_count, len(tables.manifest.outputs), full=full)),
            seed=seed,
            top=top,
            until=None if limit is None else began + limit,
            memory=MEMORY_SHARE * read_machine_memory(),
            runtime=chosen_runtime,
            cache_limit=cache_bytes,
        )
        halving = compare(folder, tables, survey_job, machine.needs, engine, progress)
        source = None if weights is None else str(weights)
        typed = TypedOptions(source, image_size, seed, folder.workspace, folder.name_if_not_current)
        summary = summarise_survey(folder, tables, candidates, halving, failed, typed, sort, accuracy, progress)
        result = save_survey(folder, replace(summary, seconds=time.time() - began))
    if picture:
        save_survey_plot(f"{folder.name}: backbones with linear heads", result, picture, progress)
    return result


def _detect_machine(backbones: Sequence[Backbone], engine: Engine, progress: Progress) -> JobMachine:
    """Detect the machine of jobs, unless all networks are so tiny that the detection would take longer than they do."""
    machine = UNKNOWN_MACHINE if all(backbone.tiny for backbone in backbones) else detect_machine(engine)
    if machine.problem:
        progress.warn(machine.problem)
    return machine


def _read_options(weights: PathLike | None, image_size: int | None, seed: int) -> TrainingOptions:
    given = {"weights": weights and str(weights), "image_size": image_size, "seed": seed}
    options = read_options({name: value for name, value in given.items() if value is not None})
    return {**options, "unfreeze": "none", "flips": False, "tta": "none"}


def _build_candidates(
    folder: CompetitionFolder,
    tables: Tables,
    folds: Folds,
    backbones: Sequence[Backbone],
    options: TrainingOptions,
    machine: JobMachine,
) -> tuple[list[Candidate], list[FailedBackbone]]:
    """Resolve the settings of each backbone. Backbones without weights fail."""
    candidates, failed = [], []
    for backbone in backbones:
        own = options.copy()
        if "image_size" in own:
            own["image_size"] = max(own["image_size"], find_min_size(backbone))
        try:
            settings, source = choose_settings(backbone, own, machine=machine.machine)
        except BadChoice as error:
            failed.append(FailedBackbone(backbone.name, str(error), f"no weights in {options.get('weights')}"))
            continue
        candidates.append(Candidate(build_record(folder, tables, backbone.name, settings, folds), source))
    return candidates, failed
