"""The checksum of the unpacked archive, stored beside it, and its comparison with another archive."""

from __future__ import annotations

from pathlib import Path

from ...paths import CompetitionFolder
from ...progress import Progress
from ...storage import compute_file_digest, write_text


def write_checksum(folder: CompetitionFolder, progress: Progress) -> None:
    """Write the SHA-256 of the unpacked archive in the format of ``sha256sum``."""
    write_text(folder.digest, f"{_compute_checksum(folder.archive, progress)}  {folder.archive.name}\n")


def is_another(archive: Path, folder: CompetitionFolder, progress: Progress) -> bool:
    """Return whether an archive differs from the unpacked one.

    Size and time are compared first, because reading many gigabytes takes minutes. The copy has the original's time. If
    the user deleted the copy to save space, its stored checksum is compared.
    """
    if folder.archive.is_file():
        given, ours = archive.stat(), folder.archive.stat()
        if given.st_size != ours.st_size:
            return True
        if given.st_mtime_ns == ours.st_mtime_ns:
            return False
        if not folder.digest.is_file():
            write_checksum(folder, progress)
    unpacked = folder.digest.read_text("utf-8").split()[0] if folder.digest.is_file() else ""
    return _compute_checksum(archive, progress) != unpacked


def _compute_checksum(path: Path, progress: Progress) -> str:
    task = progress.start(f"checksum of {path.name}", path.stat().st_size, unit="bytes")
    digest = compute_file_digest(path, task.advance)
    task.finish()
    return digest
