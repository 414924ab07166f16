"""Survey backbones: which of them are worth training on these photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...backbones.patterns import match_backbones
from ...backbones.registry import Backbone, smallest_size
from ...competition.folds.file import shared_folds
from ...competition.folds.folds import Folds
from ...competition.tables import Tables
from ...engines.onednn.settle import settle_onednn
from ...errors import BadChoice
from ...images.cache_policy import read_cache_limit
from ...inference.runtimes import read_runtime
from ...locks import held
from ...machine_memory import machine_memory
from ...options.declared import TrainingOptions
from ...options.durations import read_duration
from ...options.kinds import checked
from ...options.resolve import choose_settings
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...surveys.candidates import Candidate
from ...surveys.halving import rungs
from ...surveys.survey_job import Assigned
from ..competition import open_competition
from ..machine import PLAIN, ThisMachine, this_machine
from ..train.plan_jobs import record_of
from .answers import Typed
from .conclusion import Judged, conclude
from .files import save_survey
from .jobs import compare
from .result import Failed, Sorting, Survey

# Of the machine's memory, beyond which a process leaves the rest to a fresh one.
MEMORY_SHARE = 0.4
# Backbones that are judged on all photos, at least.
TOP = 3
# Photos in each fold, at least.
FEWEST_IN_A_FOLD = 4


def survey(
    members: Sequence[str] | None = None,
    *,
    photos: int | None = None,
    top: int = TOP,
    budget: str | float | None = None,
    full: bool = False,
    weights: str | Path | None = None,
    image_size: int | None = None,
    seed: int = 0,
    sort: Sorting = "size",
    accuracy: float | None = None,
    runtime: str | None = None,
    cache_limit: str | int | None = None,
    competition: str | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Survey:
    """Judge backbones by linear heads on their frozen features, under the competition's own folds.

    Each photo is read and decoded once for all backbones, each backbone runs over it once, and ``train-members`` finds
    the features there. All are judged on a part of the photos, the promising ones on more; a second call computes only
    what is missing.

    Parameters
    ----------
    members
        Names of backbones, with wildcards; None is all of ``keras.applications``.
    photos
        Labelled photos to look at, at most; None is all.
    top
        Backbones that are judged on all photos, at least.
    budget
        Time for the whole call, such as ``10m``, or seconds: what does not fit is judged on fewer photos, or left out.
    full
        Judge all on all photos.
    weights
        ``imagenet`` (the default), ``none``, or a folder, as training takes them.
    image_size
        Height and width of photos in pixels, or the smallest that a network can be built for; None is each one's own.
    seed
        Of the order of photos, of folds that are made, and of random weights.
    sort
        What the candidates are sorted by.
    accuracy
        That the smallest one must reach to be good enough; None asks for a log loss within one standard error of the
        best.
    runtime
        What computes features: ``auto``, ``keras``, ``graph`` or ``onnx``, as :func:`ensembler.train_members` takes it.
    cache_limit
        What decoded photos may take on the disk for the length of the call, such as ``20GB``, or bytes; None is half of
        what is free.
    competition
        Its name; None is the one last brought in.

    Raises
    ------
    BadChoice
        If a name or number does not fit, or none of the backbones can be judged.
    Busy
        If another process surveys this competition.
    Interrupted
        After Ctrl-C; the same call goes on from there.
    """
    began = time.time()
    limit = None if budget is None else checked("--budget", read_duration, budget)
    chosen_runtime, room = read_runtime(runtime), read_cache_limit(cache_limit)
    backbones = match_backbones(members or ())
    folder, tables = open_competition(competition, workspace, progress)
    here = PLAIN if all(backbone.tiny for backbone in backbones) else this_machine()
    if here.trouble:
        progress.warn(here.trouble)
    with held(folder.lock("survey"), f"the survey of {folder.name}"):
        folds = shared_folds(folder, tables, seed=seed)
        _check_photos(photos, folds)
        candidates, failed = _candidates(folder, tables, folds, backbones, _options(weights, image_size, seed), here)
        number = min(photos or len(tables.train), len(tables.train))
        assigned = Assigned(
            competition=str(folder.root),
            # The cheapest first: a time budget then leaves out few.
            candidates=tuple(one.to_json() for one in sorted(candidates, key=lambda one: one.work)),
            photos=tuple(rungs(number, len(tables.manifest.outputs), full=full)),
            seed=seed,
            top=top,
            until=None if limit is None else began + limit,
            memory=MEMORY_SHARE * machine_memory(),
            runtime=chosen_runtime,
            cache_limit=room,
        )
        if limit is None and not here.machine.gpus:
            settle_onednn(number * sum(one.work for one in candidates), folder.logs, progress)
        climbed = compare(folder, assigned, here.gpus, progress)
        typed = Typed(None if weights is None else str(weights), image_size, seed, workspace, competition or "")
        made = conclude(Judged(folder, tables, candidates, climbed, seed), failed, typed, sort, accuracy, progress)
        return save_survey(folder, replace(made, seconds=time.time() - began))


def _check_photos(photos: int | None, folds: Folds) -> None:
    """Make sure that there are enough photos for each fold."""
    least = FEWEST_IN_A_FOLD * folds.splits
    if photos is not None and photos < least:
        raise BadChoice(f"--photos must be at least {least} for {folds.splits} folds. Received: {photos}")


def _options(weights: str | Path | None, image_size: int | None, seed: int) -> TrainingOptions:
    options: TrainingOptions = {"unfreeze": "none", "flips": False, "tta": "none", "seed": seed}
    if weights is not None:
        options["weights"] = str(weights)
    if image_size is not None:
        options["image_size"] = image_size
    return options


def _candidates(
    folder: CompetitionFolder,
    tables: Tables,
    folds: Folds,
    backbones: Sequence[Backbone],
    options: TrainingOptions,
    here: ThisMachine,
) -> tuple[list[Candidate], list[Failed]]:
    """Settle what is looked at; backbones without weights are told."""
    candidates, failed = [], []
    for backbone in backbones:
        own = options.copy()
        if "image_size" in own:
            own["image_size"] = max(own["image_size"], smallest_size(backbone))
        try:
            settings, source = choose_settings(backbone, own, machine=here.machine)
        except BadChoice as error:
            failed.append(Failed(backbone.name, str(error), f"no weights in {options.get('weights')}"))
            continue
        candidates.append(Candidate(record_of(folder, tables, backbone.name, settings, folds), source))
    return candidates, failed
