"""Survey backbones: which of them are worth training on these photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backbones.patterns import match_backbones
from ...backbones.registry import Backbone, smallest_size
from ...competition.folds.file import shared_folds
from ...competition.folds.folds import Folds
from ...competition.metrics.scoring import judge
from ...competition.tables import Tables
from ...engines.onednn.settle import settle_onednn
from ...errors import BadChoice, BadData
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
from ...surveys.measures import load_measures
from ...surveys.rung import Rung
from ...surveys.survey_job import Assigned, Climbed
from ..competition import open_competition
from ..machine import PLAIN, ThisMachine, this_machine
from ..train.plan_jobs import record_of
from .answers import Typed, best_together, next_commands, smallest_good
from .files import save_survey
from .jobs import compare
from .result import Failed, Sorting, Survey, Surveyed

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
        least = FEWEST_IN_A_FOLD * folds.splits
        if photos is not None and photos < least:
            raise BadChoice(f"--photos must be at least {least} for {folds.splits} folds. Received: {photos}")
        options = _options(weights, image_size, seed)
        candidates, failed = _candidates(folder, tables, folds, backbones, options, here)
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
        failed += [Failed(name, reason) for name, reason in climbed.failed.items()]
        if not climbed.photos:
            raise BadChoice(f"No backbone could be judged: {failed[0].name}, for one, because: {failed[0].reason}")
        judged = _Judged(folder, tables, candidates, climbed, seed)
        typed = Typed(None if weights is None else str(weights), image_size, seed)
        trio = best_together(judged.last, judged.finished_predictions(), progress)
        surveyed = judged.surveyed()
        finished = [one for one in surveyed if one.photos == len(judged.last.rows)]
        best = min(finished, key=lambda one: one.figures.log_loss)
        smallest, good_enough = smallest_good(finished, accuracy)
        made = Survey(
            candidates=tuple(sorted(surveyed, key=_key(sort))),
            failed=tuple(failed),
            photos=len(judged.last.rows),
            best=best,
            smallest=smallest,
            good_enough=good_enough,
            trio=trio,
            commands=next_commands(best, trio, typed, workspace, competition or ""),
            picture=(),
            seconds=time.time() - began,
        )
        return save_survey(folder, made)


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


class _Judged:
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


def _key(sort: Sorting) -> Any:
    keys = {
        "size": lambda one: one.measures.parameters,
        # A loss on fewer photos is not comparable; who stopped early is behind those that went on.
        "loss": lambda one: (-one.photos, one.figures.log_loss),
        "latency": lambda one: one.measures.milliseconds,
    }
    return keys[sort]
