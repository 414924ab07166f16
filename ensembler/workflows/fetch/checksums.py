"""Which archive was unpacked: its checksum, kept beside it, and whether another one is the same."""

from __future__ import annotations

from pathlib import Path

from ...paths import CompetitionFolder
from ...progress import Progress
from ...storage import compute_file_digest, write_text


def write_checksum(folder: CompetitionFolder, progress: Progress) -> None:
    """Write down the SHA-256 of the archive that was unpacked, as ``sha256sum`` does."""
    write_text(folder.digest, f"{_compute_checksum(folder.archive, progress)}  {folder.archive.name}\n")


def is_another(archive: Path, folder: CompetitionFolder, progress: Progress) -> bool:
    """Whether an archive is not the one that was unpacked.

    Reading many gigabytes takes minutes, so size and time are looked at first: our copy has those of the original.
    Where a person removed our copy to save space, its checksum still tells.
    """
    if folder.archive.is_file():
        given, ours = archive.stat(), folder.archive.stat()
        if given.st_size != ours.st_size:
            return True
        if given.st_mtime_ns == ours.st_mtime_ns:
            return False
    return _compute_checksum(archive, progress) != _read_or_compute_checksum(folder, progress)


def _read_or_compute_checksum(folder: CompetitionFolder, progress: Progress) -> str:
    """Return the checksum of the archive that was unpacked, taken now if nobody wrote it down; empty if it is gone."""
    if not folder.digest.is_file():
        if not folder.archive.is_file():
            return ""
        write_checksum(folder, progress)
    return folder.digest.read_text("utf-8").split()[0]


def _compute_checksum(path: Path, progress: Progress) -> str:
    task = progress.start(f"checksum of {path.name}", path.stat().st_size, unit="bytes")
    digest = compute_file_digest(path, task.advance)
    task.finish()
    return digest
