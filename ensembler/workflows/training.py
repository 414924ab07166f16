"""Train members: settings settled first, then a process per job, then the figures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from ..competition.folds import shared_folds
from ..competition.metrics.scoring import judge_out_of_fold
from ..competition.tables import Tables, samples_fingerprint
from ..engines.job import Job
from ..engines.local import has_gpu, run_jobs
from ..errors import BadChoice, Mismatch
from ..members.assignment import Assignment
from ..members.records import MemberRecord, trained_members
from ..members.registry import BACKBONES, find_backbone
from ..members.settings import MemberSettings, choose_settings
from ..progress import SILENT, Progress
from ..stacking.inputs import MemberPredictions, load_members
from ..storage import HERE, CompetitionFolder, Workspace, file_digest
from .competitions import open_competition
from .results import MemberResult


@dataclass(frozen=True)
class Plan:
    """A member to be trained, and where its weights come from."""

    record: MemberRecord
    weights: str


def train_members(
    members: Sequence[str],
    *,
    competition: str | None = None,
    folds: int = 5,
    weights: str = "imagenet",
    unfreeze: str | None = None,
    epochs: int | None = None,
    image_size: int | None = None,
    batch_size: int = 32,
    seed: int = 0,
    restart: bool = False,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> list[MemberResult]:
    """Train backbones over all folds; a fold that is finished is not trained again.

    Parameters
    ----------
    members
        Names of backbones, see :data:`ensembler.members.registry.BACKBONES`.
    competition
        Its name; None is the one last brought in.
    folds
        How many; the first call makes them, and all members share them.
    weights
        ``imagenet``, ``none`` (random), or a folder with ``NAME.weights.h5``, without top.
    unfreeze
        ``none`` trains a linear head on frozen features, ``all`` the whole network after that; None chooses
        ``all`` where there is a GPU, or where nothing is pretrained, else ``none``.
    epochs
        Passes of fine-tuning; None is a default.
    image_size
        Height and width in pixels; None is each backbone's own.
    batch_size
        Photos a step.
    seed
        Of folds, random weights and the order of photos.
    restart
        Forget what these members learned before.

    Returns
    -------
    list of MemberResult
        In the order of ``members``.

    Raises
    ------
    BadChoice, Mismatch
        If a name, number or folder does not fit, or a member is there with other settings.
    JobFailed
        If a job's process died; the other jobs ran all the same.
    """
    if not members or len(set(members)) < len(members):
        raise BadChoice(f"Name each member once, at least one. Received: {', '.join(members) or 'none'}")
    backbones = [find_backbone(name) for name in members]
    folder, tables = open_competition(competition, workspace, progress)
    chosen = unfreeze or _default_unfreeze(weights, progress)
    settled = [
        choose_settings(backbone, weights, chosen, epochs, image_size, batch_size, seed) for backbone in backbones
    ]
    shared_folds(folder, tables, folds, seed)
    plans = [_plan(folder, tables, settings, source, folds) for settings, source in settled]
    for plan in plans:
        _make_room(folder, plan.record, restart=restart)
    tiny = all(backbone.tiny for backbone in backbones)
    jobs = [job for plan in plans for job in _jobs(folder, plan)]
    run_jobs(jobs, folder.logs, progress, parallel=os.cpu_count() or 1 if tiny else 1)
    return member_results(folder, tables, load_members(folder, tables, members))


def _default_unfreeze(weights: str, progress: Progress) -> str:
    if weights == "none":
        progress.note("Nothing is pretrained, so the whole networks are trained (--unfreeze all).")
        return "all"
    if has_gpu():
        return "all"
    progress.note("No GPU: heads are trained on frozen backbones; --unfreeze all fine-tunes them whole.")
    return "none"


def _plan(folder: CompetitionFolder, tables: Tables, settings: MemberSettings, source: str, folds: int) -> Plan:
    record = MemberRecord(
        name=settings.backbone,
        settings=settings,
        samples=samples_fingerprint(folder, tables.manifest),
        folds=file_digest(folder.folds),
        folds_count=folds,
        classes=tables.manifest.outputs,
    )
    return Plan(record, source)


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
    if BACKBONES[record.settings.backbone].tiny:
        return [_job(folder, plan, function, missing, record.name)]
    return [_job(folder, plan, function, [fold], f"{record.name}-fold-{fold}") for fold in missing]


def _job(folder: CompetitionFolder, plan: Plan, function: str, folds: list[int], name: str) -> Job:
    assignment = Assignment(folder, plan.record.name, tuple(folds), plan.weights)
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
