"""List of trained members. It loads pandas only if a score is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ...competition.manifest import Manifest
from ...competition.samples import compute_samples_fingerprint
from ...errors import BadData, EnsemblerError, Mismatch
from ...locks import describe_holder
from ...members.records import (
    FoldRecord,
    MemberRecord,
    has_finished_fold,
    list_trained_members,
    load_finished_folds,
    read_history,
)
from ...members.scores import load_figures
from ...options.arguments import check_arguments
from ...options.settings import list_differing_settings
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ...progress import SILENT, Progress
from ...storage import compute_file_digest, count_folder_bytes
from ...submission.ledger.rows import drop_non_finite
from ...tables import Listing
from ..plots import read_plot_path
from .listed_member import DAMAGED_FOLDS, ListedMember
from .plot import save_members_plot
from .table import build_member_table


@check_arguments
def list_members(
    competition: CompetitionLike | None = None,
    *,
    measure: bool = False,
    plot: PathLike | None = None,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> Listing[ListedMember]:
    """List the members of which a fold is finished, or that are being trained now, by name.

    Parameters
    ----------
    competition
        Name of the competition. None selects the one last fetched or adopted.
    measure
        Whether to time the prediction of single photos, where it was not done on this machine.
    plot
        File ending with .png, .svg or .pdf for charts of scores against costs and of learning curves. None draws none.

    Raises
    ------
    BadChoice
        If the competition does not exist, or the suffix of ``plot`` is another one.
    BadData
        If the manifest is damaged. A damaged record of a member is a warning.
    JobFailed
        If a measurement fails.

    Examples
    --------
    >>> members = ensembler.list_members("pets")
    >>> members["demo-dense"].folds_done
    3
    """
    picture = read_plot_path(plot)
    folder = Workspace.read(workspace).current(competition)
    if measure:
        from .measuring import measure_single_photos

        speeds = [(record, record.load_speed(folder)) for record in _load_records(folder, progress)]
        measure_single_photos(folder, [one for one, speed in speeds if not (speed and speed.is_complete)], progress)
    if damage := describe_damaged_folds(folder):
        progress.warn(damage)
    if begun := list_begun_members(folder):
        it = "it" if len(begun) == 1 else "them"
        progress.note(f"Not trained yet: {', '.join(begun)}. `ensembler status` says how to resume or remove {it}.")
    members = list_competition_members(folder, progress, damage)
    if picture:
        save_members_plot(folder, members, picture, progress)
    return members


def list_begun_members(folder: CompetitionFolder) -> list[str]:
    """Return the names of members whose first run failed or was interrupted before a fold was finished."""
    return [
        name
        for name in list_trained_members(folder)
        if not has_finished_fold(folder, name) and not describe_holder(folder.member_lock(name))
    ]


def describe_damaged_folds(folder: CompetitionFolder) -> str:
    """Return a sentence about a file of folds that is damaged, or missing although members need it, or empty.

    The file is read only if no member was trained on its present content, because pandas loads slowly.
    """
    known = {record.folds for record in _load_records(folder, SILENT)}
    if not (known or folder.folds.is_file()) or (folder.folds.is_file() and compute_file_digest(folder.folds) in known):
        return ""
    from ...competition.folds.file import load_folds
    from ..competition import open_competition

    try:
        folder, tables = open_competition(folder.name, folder.workspace)
    except EnsemblerError:
        # The tables are reported elsewhere.
        return ""
    try:
        load_folds(folder, tables)
    except (BadData, Mismatch) as error:
        return str(error)
    return ""


def list_competition_members(folder: CompetitionFolder, progress: Progress, damage: str) -> Listing[ListedMember]:
    """List a competition's members. See :func:`list_members`.

    Parameters
    ----------
    damage
        Result of :func:`describe_damaged_folds`.
    """
    records = _load_records(folder, progress)
    if not records:
        return Listing([], build_member_table)
    manifest = Manifest.load(folder.manifest)
    folds = compute_file_digest(folder.folds) if folder.folds.is_file() else ""
    # Without the tables, members count as trained on other photos.
    there = folder.train.is_file() and folder.test.is_file()
    samples = compute_samples_fingerprint(folder, manifest) if there else ""
    stale = [_find_mismatch(record, manifest, samples, folds) for record in records]
    if damage:
        stale = [DAMAGED_FOLDS if mismatch == "folds" else mismatch for mismatch in stale]
    usable = [record for record, mismatch in zip(records, stale, strict=True) if not mismatch]
    _compute_missing_scores(folder, usable, manifest, progress)
    differing = list_differing_settings([record.settings for record in records])
    described = (
        _describe_member(folder, record, words, mismatch, manifest.metric)
        for record, words, mismatch in zip(records, differing, stale, strict=True)
    )
    return Listing(described, build_member_table)


def _load_records(folder: CompetitionFolder, progress: Progress) -> list[MemberRecord]:
    """Read the records of all members except those that have only begun. Warn of damaged ones."""
    records, begun = [], list_begun_members(folder)
    for name in (name for name in list_trained_members(folder) if name not in begun):
        try:
            record = MemberRecord.load(folder, name)
            load_finished_folds(folder, record, range(record.folds_count))
            records.append(record)
        except BadData as error:
            progress.warn(str(error))
    return records


def _find_mismatch(record: MemberRecord, manifest: Manifest, samples: str, folds: str) -> str:
    """Return which inputs of a member changed since its training, or an empty text."""
    if record.classes != manifest.outputs:
        return "classes"
    if record.samples != samples:
        return "photos or labels"
    return "folds" if record.folds != folds else ""


def _compute_missing_scores(
    folder: CompetitionFolder,
    records: Sequence[MemberRecord],
    manifest: Manifest,
    progress: Progress,
) -> None:
    """Compute the missing scores of finished members by the present metric."""
    names = [
        record.name
        for record in records
        if not record.list_unfinished_folds(folder) and load_figures(folder, record, manifest.metric) is None
    ]
    if not names:
        return
    from ...competition.folds.file import load_folds
    from ...members.predictions import load_members
    from ..competition import open_competition
    from ..member_scores import score_members

    try:
        _, tables = open_competition(folder.name, folder.workspace)
    except Mismatch as error:
        progress.warn(str(error))
        return
    for name in names:
        try:
            score_members(folder, tables, load_members(folder, tables, [name]), load_folds(folder, tables))
        except EnsemblerError as error:
            # A damaged member does not prevent the list of the others.
            progress.warn(str(error))


def _describe_member(
    folder: CompetitionFolder, record: MemberRecord, settings: dict[str, str], stale: str, metric: str
) -> ListedMember:
    done = load_finished_folds(folder, record, range(record.folds_count))
    losses = tuple(fold.log_loss for fold in done if fold.log_loss is not None)
    scores = load_figures(folder, record, metric) if len(done) == record.folds_count else None
    figures: dict[str, Any] = {}
    names = ("score", "standard_error", "corrected_score", "corrected_log_loss")
    if scores:
        figures = {name: drop_non_finite(getattr(scores, name)) for name in names}
        figures |= {"accuracy": scores.accuracy, "metric": scores.metric}
    return ListedMember(
        name=record.name,
        folder=folder.member(record.name),
        settings=settings,
        folds_done=len(done),
        folds=record.folds_count,
        fold_log_losses=losses,
        log_loss=scores.log_loss if scores else _compute_mean_log_loss(done),
        log_loss_spread=stdev(losses) if len(losses) > 1 else None,
        seconds=sum(fold.seconds for fold in done),
        seconds_per_epoch=_compute_seconds_per_epoch([folder.fold(record.name, fold.fold) for fold in done]),
        speed=record.load_speed(folder),
        bytes_on_disk=count_folder_bytes(folder.member(record.name)),
        running=describe_holder(folder.member_lock(record.name)),
        stale=stale,
        **figures,
    )


def _compute_mean_log_loss(folds: Sequence[FoldRecord]) -> float | None:
    """Return the mean log loss over the held-out photos of some folds."""
    photos = sum(fold.held_out for fold in folds)
    return sum((fold.log_loss or 0.0) * fold.held_out for fold in folds) / photos if photos else None


def _compute_seconds_per_epoch(places: Sequence[Path]) -> float | None:
    """Return the mean time of a whole epoch. A time budget may have ended an epoch early."""
    # The history may be missing or damaged, as nothing else needs it.
    kept = [place for place in places if (place / "history.csv").is_file()]
    try:
        rows = [row for place in kept for row in read_history(place) if row.get("seconds")]
        return fmean(float(row["seconds"]) / (float(row.get("share") or 0) or 1.0) for row in rows) if rows else None
    except (BadData, ValueError):
        return None
