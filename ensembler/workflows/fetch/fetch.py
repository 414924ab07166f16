"""Fetch a competition: download it or take a zip, unpack it, find out its layout, look at its photos."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...competition.archives.unpacking import claimed_size, extract
from ...competition.layout.layout import Hints, find_layout, metric_is_guess
from ...competition.layout.not_classification import refuse_metric
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import metric_named
from ...competition.tables import forget_tables
from ...errors import BadChoice, DamagedArchive, StorageError
from ...locks import held
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...serialization import read_json, write_json
from ...storage import remove, require_space, sweep, whole_file, write_text
from ...submission.kaggle.competitions import slug_of
from ...submission.kaggle.download import forget
from ...submission.kaggle.retry_policy import PATIENT, Patience
from ...submission.kaggle.submissions import Kaggle
from ..competition import NO_HINTS, ready
from ..results import Fetched
from .answers import keep_edited, remembered, save_found
from .checksums import is_another, write_checksum

# Where a manifest says that the photos of a fetched competition are.
UNPACKED = "raw/extracted"
# Stages of replacing what is unpacked.
_DOWNLOADING, _DOWNLOADED, _UNPACKED = "downloading", "downloaded", "unpacked"


def fetch(
    competition: str,
    *,
    archive: Path | None = None,
    hints: Hints = NO_HINTS,
    force: bool = False,
    most_bytes: int | None = None,
    timeout: float = PATIENT.answer,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> Fetched:
    """Bring a competition in: download it or take a zip, unpack it, find out its layout, look at its photos.

    It can be killed at any moment and called again: it goes on from there. A second call does only what is missing,
    and keeps a manifest that a person has edited.

    Parameters
    ----------
    competition
        Slug or address on Kaggle.
    archive
        A zip that was downloaded already; nothing is asked of Kaggle then.
    hints
        Answers to what cannot be found out; with any, the layout is found out anew.
    force
        Download, unpack and find out anew.
    most_bytes
        Unpack no more than that, 0 for any number; None takes 50 GB, or ten times the archive if that is more.
    timeout
        Seconds without an answer after which a request to Kaggle is repeated.

    Raises
    ------
    Busy
        If another process is fetching the same competition.
    KaggleError
        If Kaggle or the network refuses.
    Question, BadChoice, BadData, StorageError
        If the layout cannot be found out, an answer does not fit, the data are unusable, or the disk refuses.
    """
    slug = slug_of(competition)
    folder = workspace.competition(slug)
    patience = replace(PATIENT, answer=timeout)
    if archive is not None and not archive.is_file():
        raise BadChoice(f"There is no file {archive}: --from takes the zip that the browser downloaded.")
    with held(workspace.lock(slug, "fetch"), slug):
        sweep(folder.root)
        # Nobody else writes there while we hold the lock.
        sweep(folder.raw, everybody=True)
        _refuse_other(folder, archive, progress, force=force)
        stage = _stage(folder)
        anew = force or bool(stage)
        answers = hints if anew else remembered(folder, hints)
        if archive is not None and (anew or not _is_taken(folder)):
            _take(archive, folder, most_bytes, progress)
        elif (anew and stage != _UNPACKED) or not folder.extracted.is_dir():
            _bring(folder, patience, answers, most_bytes, progress, force=force)
        if anew:
            _forget_former(folder, progress)
        if hints != NO_HINTS or not folder.manifest.is_file():
            _find_out(folder, slug, answers, progress)
        remove(folder.renewing)
        return ready(workspace, folder, progress)


def _refuse_other(folder: CompetitionFolder, archive: Path | None, progress: Progress, *, force: bool) -> None:
    """Make sure that nothing else lies there under this name, unless it is to be replaced."""
    if force or folder.renewing.is_file():
        return
    if folder.manifest.is_file() and (photos := Manifest.load(folder.manifest).photos) != UNPACKED:
        raise StorageError(
            f"{folder.name} is the name of a competition that was made of {photos}: move {folder.root} away, or "
            "replace it with --force."
        )
    if archive is not None and _is_taken(folder) and is_another(archive, folder, progress):
        raise StorageError(f"{folder.raw} holds another archive than {archive}: replace it with --force.")


def _is_taken(folder: CompetitionFolder) -> bool:
    """Whether an archive is unpacked, and our copy of it, which comes last, was kept or is no longer needed."""
    return folder.extracted.is_dir() and (folder.archive.is_file() or folder.manifest.is_file())


def _take(archive: Path, folder: CompetitionFolder, most_bytes: int | None, progress: Progress) -> None:
    """Unpack a zip that a person downloaded, and keep a copy; what was there before stays until all is well."""
    ours = folder.archive.is_file() and archive.samefile(folder.archive)
    _begin_anew(folder)
    forget_tables(folder)
    if ours:
        extract(archive, folder.extracted, progress, most_bytes=most_bytes)
    else:
        original = archive.stat()
        require_space(folder.raw, original.st_size + claimed_size(archive), f"Copying and unpacking {archive.name}")
        with whole_file(folder.archive) as temporary:
            shutil.copyfile(archive, temporary)
            os.utime(temporary, ns=(original.st_atime_ns, original.st_mtime_ns))
            extract(archive, folder.extracted, progress, most_bytes=most_bytes)
            remove(folder.digest)
            remove(folder.facts)
    write_checksum(folder, progress)


def _bring(
    folder: CompetitionFolder,
    patience: Patience,
    answers: Hints,
    most_bytes: int | None,
    progress: Progress,
    *,
    force: bool,
) -> None:
    """Download and unpack, or what is missing of it; an archive that turns out damaged is fetched once more."""
    stage = _stage(folder)
    if stage == _DOWNLOADING or (force and not stage) or not folder.archive.is_file():
        _download(folder, patience, answers, progress)
    else:
        # A process that was killed as the download was over may have left a note of it.
        forget(folder.archive)
    try:
        _unpack(folder, most_bytes, progress)
    except DamagedArchive as damage:
        progress.warn(f"{damage} It is fetched again now.")
        _download(folder, patience, answers, progress)
        _unpack(folder, most_bytes, progress)


def _download(folder: CompetitionFolder, patience: Patience, answers: Hints, progress: Progress) -> None:
    """Download; what was there before stays until the new archive is whole."""
    kaggle = Kaggle.connect(patience, progress)
    facts = kaggle.competition(folder.name, progress)
    if not answers.metric:
        # Before gigabytes come that cannot be used.
        refuse_metric(facts.metric)
    _begin_anew(folder)
    write_json(folder.facts, {"metric": facts.metric, "code_only": facts.code_only})
    remove(folder.digest)
    kaggle.download(folder.name, folder.raw, progress)
    _come_to(folder, _DOWNLOADED)


def _stage(folder: CompetitionFolder) -> str:
    """How far the replacing of what is unpacked has come; empty if it is not being replaced."""
    return folder.renewing.read_text("utf-8") if folder.renewing.is_file() else ""


def _begin_anew(folder: CompetitionFolder) -> None:
    """Note that what is unpacked is being replaced, so that the next fetch goes on with it if this one is killed."""
    if folder.extracted.is_dir():
        write_text(folder.renewing, _DOWNLOADING)


def _come_to(folder: CompetitionFolder, stage: str) -> None:
    """Note how far that has come, if anything is being replaced."""
    if folder.renewing.is_file():
        write_text(folder.renewing, stage)


def _forget_former(folder: CompetitionFolder, progress: Progress) -> None:
    """Forget what was found out, said and hidden of what was unpacked before."""
    _come_to(folder, _UNPACKED)
    keep_edited(folder, progress)
    for path in (folder.manifest, folder.solution, folder.sample, folder.hints):
        remove(path)


def _unpack(folder: CompetitionFolder, most_bytes: int | None, progress: Progress) -> None:
    """Unpack the archive, which compares all checksums in it; one that is damaged is removed."""
    forget_tables(folder)
    if not folder.digest.is_file():
        write_checksum(folder, progress)
    try:
        extract(folder.archive, folder.extracted, progress, most_bytes=most_bytes)
    except DamagedArchive:
        # It must not be taken for a finished download the next time.
        remove(folder.digest)
        remove(folder.archive)
        raise


def _find_out(folder: CompetitionFolder, slug: str, answers: Hints, progress: Progress) -> None:
    """Find out the layout, and write it down with what Kaggle told."""
    facts: dict[str, Any] = read_json(folder.facts) if folder.facts.is_file() else {}
    told = facts.get("metric", "")
    keep_edited(folder, progress)
    manifest = find_layout(folder.extracted, slug, slug, answers, UNPACKED, metric=told)
    if told and not answers.metric and metric_named(told) is None:
        progress.warn(
            f"Kaggle judges {slug} by {told!r}, which is not known here: {manifest.metric} is taken in its place; "
            "name another with --metric."
        )
    elif metric_is_guess(slug, answers, told):
        progress.note(
            f"Kaggle was not asked what {slug} is judged by: {manifest.metric} is a guess; name another with --metric."
        )
    save_found(folder, replace(manifest, code_only=manifest.code_only or bool(facts.get("code_only"))), answers)
