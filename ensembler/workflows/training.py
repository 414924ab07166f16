"""Train members: settings settled first, then a process per job, then the figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

from ..competition.folds import shared_folds
from ..competition.metrics.scoring import judge_out_of_fold
from ..competition.tables import Tables, samples_fingerprint
from ..engines.job import Job
from ..engines.local import run_jobs
from ..errors import BadChoice, Mismatch
from ..members.assignment import Assignment
from ..members.budget.allotment import Allotment
from ..members.budget.sizes import Settled, ways_to_train
from ..members.choosing import unused_options
from ..members.option_reading import typed
from ..members.options import TrainingOptions
from ..members.presets import NO_GPU, NOTHING, Preset
from ..members.records import MemberRecord, trained_members
from ..members.registry import Backbone
from ..members.settings import MemberSettings
from ..progress import SILENT, Progress
from ..stacking.inputs import MemberPredictions, load_members
from ..storage import HERE, CompetitionFolder, Workspace, file_digest
from .budget import Asked, Budgeted, read_budget, within_budget
from .budget_speeds import Place
from .budget_text import tell_cut_short
from .competitions import open_competition
from .configuration import Configuration, configure
from .machine import PLAIN, ThisMachine, this_machine
from .results import MemberResult


@dataclass(frozen=True)
class Plan:
    """A member to be trained, and how.

    Attributes
    ----------
    record
        Its settings, and what they belong to.
    weights
        Where its weights come from.
    data_parallel
        Whether all GPUs work on each of its networks.
    tiny
        Whether its folds share a process.
    allotments
        Of its folds, within a time budget.
    """

    record: MemberRecord
    weights: str
    data_parallel: bool
    tiny: bool
    allotments: Mapping[int, Allotment] = field(default_factory=dict)


def train_members(
    members: Sequence[str],
    *,
    competition: str | None = None,
    folds: int = 5,
    restart: bool = False,
    time_budget: str | float | None = None,
    preset: Preset | None = None,
    config: str | Path | None = None,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
    **options: Unpack[TrainingOptions],
) -> list[MemberResult]:
    """Train backbones over all folds; a fold that is finished is not trained again.

    Parameters
    ----------
    members
        Names of backbones, see :data:`ensembler.members.registry.BACKBONES`, or of one's own.
    competition
        Its name; None is the one last brought in.
    folds
        How many; the first call makes them, and all members share them.
    restart
        Forget what these members learned before.
    time_budget
        Of the whole call, such as ``90s``, ``10m`` or ``1h30m``, or seconds: what does not fit is cut, first epochs,
        then folds, then the size of photos and what is trained.
    preset
        Sets options together: ``quick``, ``good`` or ``best``; None is the file's, or ``good``.
    config
        A TOML file of options, which win over the preset's; see :func:`ensembler.workflows.configuration.configure`.
    **options
        Win over the file's; see :class:`ensembler.members.options.TrainingOptions`. What is left open is chosen by
        preset, family of the backbone and machine.

    Returns
    -------
    list of MemberResult
        In the order of ``members``.

    Raises
    ------
    BadChoice, Mismatch
        If a name, number or folder does not fit, a member is there with other settings, or a budget is too short.
    JobFailed
        If a job's process died; the other jobs ran all the same.
    """
    budget = read_budget(time_budget)
    configuration = configure(options, preset, config)
    backbones = named_backbones(configuration, members)
    folder, tables = open_competition(competition, workspace, progress)
    tiny = all(backbone.tiny for backbone in backbones)
    # To look for GPUs takes longer than to train such networks.
    here = PLAIN if tiny else this_machine()
    settled = [configuration.settings(here.machine, name) for name in members]
    general = configuration.in_force(here.machine).options
    _say(configuration, [settings for settings, _ in settled], here, progress)
    gpus = () if general["data_parallel"] else here.gpus
    parallel = os.cpu_count() or 1 if tiny else 1
    budgeted = Budgeted(settled, folds)
    if budget:
        asked = Asked(members, _ways(configuration, here, members), [one.tiny for one in backbones], folds, restart)
        place = Place(folder, len(gpus) or parallel, gpus, general["data_parallel"])
        budgeted = within_budget(budget, asked, place, tables, progress)
    folds = budgeted.folds
    shared_folds(folder, tables, folds, general["seed"])
    plans = [
        Plan(
            _record(folder, tables, settings, folds),
            source,
            general["data_parallel"],
            backbone.tiny,
            budgeted.allotments.get(name, {}),
        )
        for name, backbone, (settings, source) in zip(members, backbones, budgeted.settled, strict=True)
    ]
    for plan in plans:
        _make_room(folder, plan.record, restart=restart)
        if not budget:
            tell_cut_short(folder, plan.record, progress)
    jobs = [job for plan in plans for job in _jobs(folder, plan)]
    run_jobs(jobs, folder.logs, progress, parallel=parallel, gpus=gpus)
    return member_results(folder, tables, load_members(folder, tables, members))


def named_backbones(configuration: Configuration, members: Sequence[str]) -> list[Backbone]:
    """Find the backbones that a person named.

    Raises
    ------
    BadChoice
        If there is no such backbone, or one is named twice, or none.
    """
    if not members or len(set(members)) < len(members):
        raise BadChoice(f"Name each member once, at least one. Received: {', '.join(members) or 'none'}")
    return [configuration.network(name) for name in members]


def _ways(configuration: Configuration, here: ThisMachine, members: Sequence[str]) -> list[list[Settled]]:
    """Return ways to train each member: as it was asked for, then ever smaller."""
    return [
        ways_to_train(configuration.backbone(name), configuration.in_force(here.machine, name).options)
        for name in members
    ]


def _say(
    configuration: Configuration, settled: Sequence[MemberSettings], here: ThisMachine, progress: Progress
) -> None:
    """Tell what a person may not expect."""
    if here.trouble:
        progress.warn(here.trouble)
    sources = {configuration.in_force(here.machine, one.backbone).sources.get("unfreeze") for one in settled}
    if NO_GPU in sources:
        progress.note("No GPU: heads are trained on frozen backbones; --unfreeze all fine-tunes them whole.")
    if NOTHING in sources:
        progress.note("Nothing is pretrained, so the whole networks are trained (--unfreeze all).")
    # A file may tell all options; who types one expects an effect.
    unused = {name for one in settled for name in unused_options(configuration.command.options, one)}
    if unused:
        names = ", ".join(sorted(map(typed, unused)))
        progress.warn(f"A frozen backbone (--unfreeze none) makes no use of {names}.")


def _record(folder: CompetitionFolder, tables: Tables, settings: MemberSettings, folds: int) -> MemberRecord:
    return MemberRecord(
        name=settings.backbone,
        settings=settings,
        samples=samples_fingerprint(folder, tables.manifest),
        folds=file_digest(folder.folds),
        folds_count=folds,
        classes=tables.manifest.outputs,
    )


def _make_room(folder: CompetitionFolder, record: MemberRecord, *, restart: bool) -> None:
    """Write the member's settings, unless the same are there; refuse to mix it with others."""
    place = folder.member(record.name)
    if restart and place.exists():
        shutil.rmtree(place)
    if record.name in trained_members(folder):
        there = MemberRecord.load(folder, record.name)
        if there.fingerprint != record.fingerprint:
            what = there.settings.differences(record.settings) or "photos, labels, folds or classes"
            raise Mismatch(
                f"{record.name} was trained with other settings: {what}; ask for those, or forget them with --restart."
            )
        return
    record.save(folder)


def _jobs(folder: CompetitionFolder, plan: Plan) -> list[Job]:
    """One job for a frozen member, whose heads take seconds; else one per fold, but for the tiniest networks."""
    record = plan.record
    missing = record.unfinished(folder)
    if not missing:
        return []
    if record.settings.frozen:
        return [_job(folder, plan, "ensembler.members.frozen:train_frozen", missing, record.name)]
    function = "ensembler.members.fine_tuning.job:fine_tune"
    if plan.tiny:
        return [_job(folder, plan, function, missing, record.name)]
    return [_job(folder, plan, function, [fold], f"{record.name}-fold-{fold}") for fold in missing]


def _job(folder: CompetitionFolder, plan: Plan, function: str, folds: list[int], name: str) -> Job:
    allotments = {fold: plan.allotments[fold] for fold in folds if fold in plan.allotments}
    assignment = Assignment(
        folder, plan.record.name, tuple(folds), plan.weights, data_parallel=plan.data_parallel, allotments=allotments
    )
    return Job(name, function, assignment.to_json())


def member_results(
    folder: CompetitionFolder, tables: Tables, members: Sequence[MemberPredictions]
) -> list[MemberResult]:
    """Score members out of fold."""
    return [
        MemberResult(
            name=member.name,
            fold_log_losses=member.fold_scores,
            seconds=member.seconds,
            folder=folder.member(member.name),
            **vars(judge_out_of_fold(tables, member.out_of_fold)),
        )
        for member in members
    ]
