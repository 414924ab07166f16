"""The trained members: what is known of each. Nothing here loads pandas unless a score has to be computed anew."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ...competition.manifest import Manifest
from ...competition.metrics.figures import Figures
from ...competition.samples import samples_fingerprint
from ...errors import BadData, EnsemblerError
from ...locks import holder
from ...members.figures import load_figures
from ...members.records import MemberRecord, trained_members
from ...members.speed import load_speed
from ...options.settings import differing_settings
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...serialization import read_json
from ...storage import file_digest, folder_bytes
from ...submission.ledger.rows import finite
from .listed_member import Member


def list_members(
    competition: str | None = None,
    *,
    measure: bool = False,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> list[Member]:
    """List the members of which something was trained, by name.

    Parameters
    ----------
    competition
        Its name; None is the one last brought in.
    measure
        Measure the speed of those that were trained before it was measured, or on another machine.

    Raises
    ------
    BadChoice
        If there is no such competition.
    BadData
        If its manifest is damaged. A member whose record is damaged is a warning.
    JobFailed
        If a job that measured died.
    """
    folder = workspace.current(competition)
    if measure:
        _measure(folder, progress)
    return members_of(folder, workspace, progress)


def members_of(folder: CompetitionFolder, workspace: Workspace, progress: Progress) -> list[Member]:
    """List a competition's members; see :func:`list_members`."""
    records = _records(folder, progress)
    if not records:
        return []
    manifest = Manifest.load(folder.manifest)
    folds = file_digest(folder.folds) if folder.folds.is_file() else ""
    there = _There(manifest, samples_fingerprint(folder, manifest), folds)
    _renew_figures(folder, [record for record in records if not there.lacking(record)], manifest, workspace, progress)
    differing = differing_settings([record.settings for record in records])
    return [_member(folder, record, words, there) for record, words in zip(records, differing, strict=True)]


def _records(folder: CompetitionFolder, progress: Progress) -> list[MemberRecord]:
    """Read all members but those that are damaged, or of an earlier version."""
    records = []
    for name in trained_members(folder):
        try:
            records.append(MemberRecord.load(folder, name))
        except BadData as error:
            progress.warn(str(error))
    return records


@dataclass(frozen=True)
class _There:
    """What members must have been trained with to be of use now."""

    manifest: Manifest
    samples: str
    folds: str

    def lacking(self, record: MemberRecord) -> str:
        if record.classes != self.manifest.outputs:
            return "classes"
        if record.samples != self.samples:
            return "photos or labels"
        return "folds" if record.folds != self.folds else ""


def _renew_figures(
    folder: CompetitionFolder,
    records: Sequence[MemberRecord],
    manifest: Manifest,
    workspace: Workspace,
    progress: Progress,
) -> None:
    """Compute the scores of finished members that have none, or none by the metric that the manifest names now."""
    lacking = [
        record.name
        for record in records
        if not record.unfinished(folder) and load_figures(folder, record, manifest.metric) is None
    ]
    if not lacking:
        return
    from ...competition.folds.file import load_folds
    from ...members.predictions import load_members
    from ..competition import open_competition
    from ..member_scores import member_results

    _, tables = open_competition(folder.name, workspace, progress)
    for name in lacking:
        try:
            member_results(folder, tables, load_members(folder, tables, [name]), load_folds(folder, tables))
        except EnsemblerError as error:
            # One member that is damaged keeps nobody from the list of the others.
            progress.warn(str(error))


def _measure(folder: CompetitionFolder, progress: Progress) -> None:
    from ...engines.job import Job
    from ...engines.local import run_jobs

    records = _records(folder, progress)
    jobs = [
        Job(
            f"{record.name}-speed",
            "ensembler.members.jobs.speed:measure_member",
            {"competition": str(folder.root), "member": record.name},
            shares_process=True,
        )
        for record in records
        if len(record.unfinished(folder)) < record.folds_count and _is_unmeasured(folder, record)
    ]
    # One at a time: those that share the processors would measure each other.
    run_jobs(jobs, folder.logs, progress)


def _is_unmeasured(folder: CompetitionFolder, record: MemberRecord) -> bool:
    speed = load_speed(folder, record.name, record.fingerprint)
    return speed is None or not speed.is_of_this_machine


def _member(folder: CompetitionFolder, record: MemberRecord, words: dict[str, str], there: _There) -> Member:
    done = [fold for fold in range(record.folds_count) if record.is_finished(folder, fold)]
    told = [read_json(folder.fold(record.name, fold) / "fold.json") for fold in done]
    losses = tuple(float(fold["log_loss"]) for fold in told)
    figures = load_figures(folder, record, there.manifest.metric) if len(done) == record.folds_count else None
    return Member(
        name=record.name,
        folder=folder.member(record.name),
        settings=words,
        folds_done=len(done),
        folds=record.folds_count,
        fold_log_losses=losses,
        log_loss=figures.log_loss if figures else _mean_log_loss(told),
        log_loss_spread=stdev(losses) if len(losses) > 1 else None,
        seconds=sum(float(fold["seconds"]) for fold in told),
        seconds_per_epoch=_seconds_per_epoch([folder.fold(record.name, fold) / "history.csv" for fold in done]),
        speed=load_speed(folder, record.name, record.fingerprint),
        bytes_on_disk=folder_bytes(folder.member(record.name)),
        running=holder(folder.member_lock(record.name)),
        stale=there.lacking(record),
        **_scores(figures),
    )


def _scores(figures: Figures | None) -> dict[str, Any]:
    if figures is None:
        return dict.fromkeys(("accuracy", "metric", "score", "standard_error"))
    return {
        "accuracy": figures.accuracy,
        "metric": figures.metric,
        "score": finite(figures.score),
        "standard_error": finite(figures.standard_error),
    }


def _mean_log_loss(folds: Sequence[dict[str, Any]]) -> float | None:
    """Log loss of the photos held out by some folds, each photo counting the same."""
    photos = sum(fold["held_out"] for fold in folds)
    return sum(fold["log_loss"] * fold["held_out"] for fold in folds) / photos if photos else None


def _seconds_per_epoch(histories: Sequence[Path]) -> float | None:
    taken: list[float] = []
    for path in histories:
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as stream:
                taken += [_whole_epoch(row) for row in csv.DictReader(stream) if row.get("seconds")]
    return fmean(taken) if taken else None


def _whole_epoch(row: dict[str, str]) -> float:
    """Seconds of an epoch; a time budget may have ended this one within it."""
    return float(row["seconds"]) / (float(row.get("share") or 0) or 1.0)
