"""The stage ``fetch``: download a competition or copy a zip, unpack it, detect its layout, and scan its photos."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from ...competition.archives.unpacking import extract_archive, read_claimed_size
from ...competition.layout.hints import NO_HINTS, Hints
from ...competition.layout.layout import is_metric_guessed
from ...competition.layout.not_classification import refuse_metric
from ...competition.manifest import Manifest
from ...competition.metrics.metrics import find_metric
from ...competition.tables import invalidate_tables
from ...errors import BadChoice, DamagedArchive
from ...locks import hold_lock
from ...options.arguments import Seconds, check_arguments
from ...options.kinds import declare
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, PathLike, Workspace, WorkspaceLike, require_file
from ...progress import SILENT, Progress
from ...serialization import write_record
from ...storage import remove_file, remove_unfinished, require_space, write_file_atomically, write_text
from ...submission.kaggle.competitions import parse_slug
from ...submission.kaggle.download import remove_partial
from ...submission.kaggle.retry_policy import DEFAULT_RETRIES, RetryPolicy
from ...submission.kaggle.submissions import Kaggle
from ..results import PreparedCompetition
from .answers import KaggleFacts, back_up_edited_manifest, merge_hints, read_facts
from .checksums import is_another, write_checksum
from .detection import detect_layout
from .packed import read_packed_folder
from .tables import DuplicateScan, prepare_competition

# Gigabytes of unpacked files. 0 sets no limit.
UnpackLimit = Annotated[float, declare("GB", ge=0)]
# The folder of photos in the manifest of a fetched competition.
EXTRACTED_FOLDER = "raw/extracted"
# Progress of replacing the unpacked files.
_DOWNLOADING, _DOWNLOADED, _UNPACKED = "downloading", "downloaded", "unpacked"


@check_arguments
def fetch(
    competition: str,
    *,
    archive: PathLike | None = None,
    hints: Hints = NO_HINTS,
    force: bool = False,
    unpack_limit: UnpackLimit | None = None,
    timeout: Seconds = DEFAULT_RETRIES.read_timeout,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> PreparedCompetition:
    """Create a competition from Kaggle or from a zip. See :func:`ensembler.fetch`."""
    slug = parse_slug(competition)
    folder = Workspace.read(workspace).competition(slug)
    archive = None if archive is None else Path(archive)
    max_bytes = None if unpack_limit is None else round(unpack_limit * 1e9)
    retry_policy = replace(DEFAULT_RETRIES, read_timeout=timeout)
    if archive is not None:
        require_file(archive, "pass the zip that the browser downloaded as --archive.")
    with hold_lock(folder.lock("fetch"), slug):
        remove_unfinished(folder.root)
        # No other process writes there while this one holds the lock.
        remove_unfinished(folder.raw, all_writers=True)
        _refuse_other(folder, archive, progress, force=force)
        stage = _read_stage(folder)
        detect_again = force or bool(stage)
        answers = hints if detect_again else merge_hints(folder, hints)
        if archive is not None and (detect_again or not _is_unpacked(folder)):
            _unpack_local_archive(archive, folder, max_bytes, progress)
        elif (detect_again and stage != _UNPACKED) or not folder.extracted.is_dir():
            _download_and_unpack(folder, retry_policy, answers, max_bytes, progress, force=force)
        if detect_again:
            _remove_former_files(folder, progress)
        scan = None
        if hints != NO_HINTS or not folder.manifest.is_file():
            scan = _find_layout(folder, answers, progress)
        remove_file(folder.renewing)
        return prepare_competition(folder, progress, scan)


def _refuse_other(folder: CompetitionFolder, archive: Path | None, progress: Progress, *, force: bool) -> None:
    """Check that the name is free or belongs to the same competition, unless it is being replaced."""
    if force or folder.renewing.is_file():
        return
    photos = Manifest.load(folder.manifest).photos if folder.manifest.is_file() else EXTRACTED_FOLDER
    photos = read_packed_folder(folder).folder or photos
    if photos != EXTRACTED_FOLDER:
        raise BadChoice(
            f"{folder.name} is the name of a competition that was created from {photos}: move {folder.root} away, or "
            "replace it with --force."
        )
    if archive is not None and _is_unpacked(folder) and is_another(archive, folder, progress):
        raise BadChoice(f"{folder.raw} contains another archive than {archive}: replace it with --force.")


def _is_unpacked(folder: CompetitionFolder) -> bool:
    """Return whether unpacking is complete. The copy of the archive is written last, and may be deleted later."""
    return folder.extracted.is_dir() and (folder.archive.is_file() or folder.manifest.is_file())


def _unpack_local_archive(archive: Path, folder: CompetitionFolder, max_bytes: int | None, progress: Progress) -> None:
    """Unpack a zip that the user downloaded, and keep a copy. Existing files stay until both succeed."""
    is_our_copy = folder.archive.is_file() and archive.samefile(folder.archive)
    _mark_as_replacing(folder)
    invalidate_tables(folder)
    if is_our_copy:
        extract_archive(archive, folder.extracted, progress, max_bytes=max_bytes)
    else:
        original = archive.stat()
        require_space(
            folder.raw, original.st_size + read_claimed_size(archive), f"Copying and unpacking {archive.name}"
        )
        with write_file_atomically(folder.archive) as temporary:
            shutil.copyfile(archive, temporary)
            os.utime(temporary, ns=(original.st_atime_ns, original.st_mtime_ns))
            extract_archive(archive, folder.extracted, progress, max_bytes=max_bytes)
            remove_file(folder.digest)
            remove_file(folder.facts)
    write_checksum(folder, progress)


def _download_and_unpack(
    folder: CompetitionFolder,
    retry_policy: RetryPolicy,
    answers: Hints,
    max_bytes: int | None,
    progress: Progress,
    *,
    force: bool,
) -> None:
    """Do the missing part of download and unpacking. A damaged archive is downloaded once more."""
    stage = _read_stage(folder)
    if stage == _DOWNLOADING or (force and not stage) or not folder.archive.is_file():
        _download(folder, retry_policy, answers, progress)
    else:
        # A process that was killed at the end of the download may have left the record of its progress.
        remove_partial(folder.archive)
    try:
        _unpack(folder, max_bytes, progress)
    except DamagedArchive as damage:
        progress.warn(f"{damage} It is downloaded again now.")
        _download(folder, retry_policy, answers, progress)
        _unpack(folder, max_bytes, progress)


def _download(folder: CompetitionFolder, retry_policy: RetryPolicy, answers: Hints, progress: Progress) -> None:
    """Download the archive. An existing one stays until the new one is complete."""
    kaggle = Kaggle.connect(retry_policy, progress)
    facts = kaggle.fetch_competition(folder.name, progress)
    if not answers.metric:
        # Refuse before the download of gigabytes that cannot be used.
        refuse_metric(facts.metric)
    _mark_as_replacing(folder)
    write_record(folder.facts, KaggleFacts(facts.metric, facts.code_only))
    remove_file(folder.digest)
    kaggle.download(folder.name, folder.raw, progress)
    _write_stage(folder, _DOWNLOADED)


def _read_stage(folder: CompetitionFolder) -> str:
    """Return the progress of replacing the unpacked files, empty if they are not being replaced."""
    return folder.renewing.read_text("utf-8") if folder.renewing.is_file() else ""


def _mark_as_replacing(folder: CompetitionFolder) -> None:
    """Record that the unpacked files are being replaced, so that the next fetch resumes if this one is killed."""
    if folder.extracted.is_dir():
        write_text(folder.renewing, _DOWNLOADING)


def _write_stage(folder: CompetitionFolder, stage: str) -> None:
    """Record the progress of replacing the unpacked files, if they are being replaced."""
    if folder.renewing.is_file():
        write_text(folder.renewing, stage)


def _remove_former_files(folder: CompetitionFolder, progress: Progress) -> None:
    """Remove the manifest, hints, labels and sample of the previous files."""
    _write_stage(folder, _UNPACKED)
    back_up_edited_manifest(folder, progress)
    for path in (folder.manifest, folder.solution, folder.sample, folder.hints, folder.packed):
        remove_file(path)


def _unpack(folder: CompetitionFolder, max_bytes: int | None, progress: Progress) -> None:
    """Unpack the archive and compare its checksums. A damaged archive is removed."""
    invalidate_tables(folder)
    if not folder.digest.is_file():
        write_checksum(folder, progress)
    try:
        extract_archive(folder.archive, folder.extracted, progress, max_bytes=max_bytes)
    except DamagedArchive:
        # The next call must not take it for a complete download.
        remove_file(folder.digest)
        remove_file(folder.archive)
        raise


def _find_layout(folder: CompetitionFolder, answers: Hints, progress: Progress) -> DuplicateScan | None:
    """Detect the layout, and write the manifest."""
    slug = folder.name
    facts = read_facts(folder) if folder.facts.is_file() else None
    manifest, scan = detect_layout(folder, folder.extracted, slug, EXTRACTED_FOLDER, answers, progress, facts=facts)
    on_kaggle = facts.metric if facts else ""
    if on_kaggle and not answers.metric and find_metric(on_kaggle) is None:
        progress.warn(
            f"The metric of {slug} on Kaggle, {on_kaggle!r}, is unknown. {manifest.metric} is used instead: choose "
            "another with --metric."
        )
    elif is_metric_guessed(slug, answers, on_kaggle) and manifest.slug:
        progress.note(
            f"Kaggle does not name the metric of {slug}. {manifest.metric} is a guess: choose another with --metric."
        )
    return scan
