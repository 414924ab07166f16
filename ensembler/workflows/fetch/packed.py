"""Local folders with archives inside, which are unpacked into the competition's own folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...competition.archives.mirror import walk_places
from ...competition.archives.packed_folders import find_packed
from ...competition.archives.pixel_tables import find_pixel_tables
from ...competition.archives.unpacking import extract_inner_archives
from ...errors import format_count, format_first
from ...locks import hold_lock
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import compute_fingerprint, read_record, write_record
from ...storage import remove_file


@dataclass(frozen=True)
class PackedFolder:
    """A local folder whose archives were unpacked, and the hash of its list of files at that time."""

    folder: str = ""
    files: str = ""


def unpack_packed_folder(
    folder: CompetitionFolder, root: Path, max_bytes: int | None, progress: Progress
) -> tuple[Path, str]:
    """Unpack the archives of a local folder into the competition's folder, beside links to its other files.

    Tables of pixels are drawn as photos there, if the folder contains no photos.

    Returns
    -------
    tuple
        The folder of the photos, and its path in the manifest. It is ``root`` if there is nothing to unpack.
    """
    exclude = folder.workspace.data.absolute()
    packed = find_packed(root, exclude)
    drawn = [] if packed else [table.path for table in find_pixel_tables(root)]
    if not packed and not drawn:
        remove_file(folder.packed)
        return root, str(root)
    files = [(place, (root / place).stat()) for place in walk_places(root, exclude)]
    record = PackedFolder(str(root), compute_fingerprint([[name, at.st_size, at.st_mtime_ns] for name, at in files]))
    if not (folder.extracted.is_dir() and read_packed_folder(folder) == record):
        with hold_lock(folder.lock("fetch"), folder.name):
            remove_file(folder.packed)
            extract_inner_archives(root, packed, folder.extracted, exclude, progress, max_bytes=max_bytes)
            write_record(folder.packed, record)
        names = format_first([path.relative_to(root).as_posix() for path in packed or drawn])
        what = format_count(packed, "archive") if packed else format_count(drawn, "table") + " of pixels"
        progress.note(
            f"{folder.extracted} contains the files of {what} of {root} ({names}), and links to its other files. "
            f"{root} stays as it is."
        )
    return folder.extracted, folder.extracted.relative_to(folder.root).as_posix()


def read_packed_folder(folder: CompetitionFolder) -> PackedFolder:
    """Return the local folder whose archives were unpacked for a competition; an empty record if there is none."""
    return read_record(folder.packed, PackedFolder) if folder.packed.is_file() else PackedFolder()
