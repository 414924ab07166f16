"""Unpacking what was downloaded: archives in archives, checked, and there whole or not at all."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..errors import BadData, DamagedArchive
from ..progress import Progress, Task
from ..storage import require_space, whole_folder

# What the standard library raises for a damaged archive; RuntimeError is its word for an encrypted one.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def extract(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack ``archive`` into ``folder``, with every zip inside it in its own place.

    A zip named ``train.zip`` whose members all begin with ``train/`` is unpacked beside itself, any other into a
    folder of its name. The inner zips are deleted; the outer one stays where it is.

    Raises
    ------
    DamagedArchive
        If an archive cannot be read or its checksums do not agree.
    BadData
        If it has members that would land outside, or links.
    StorageError
        If there is no room; nothing is left behind then.
    """
    with whole_folder(folder) as temporary:
        _unpack(archive, temporary, progress, str(archive))
        while inner := sorted(
            path for path in temporary.rglob("*") if path.suffix.lower() == ".zip" and path.is_file()
        ):
            for path in inner:
                _unpack(path, None, progress, f"{path.relative_to(temporary)} in {archive}")
                path.unlink()


def _unpack(archive: Path, folder: Path | None, progress: Progress, shown: str) -> None:
    """Unpack into ``folder``, or where an inner archive belongs; ``shown`` is what errors call the archive."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [info for info in opened.infolist() if not info.is_dir()]
            place = folder or _place_for(archive, opened)
            total = sum(info.file_size for info in members)
            require_space(place, total, f"Unpacking {archive.name}")
            task = progress.start(f"unpack {archive.name}", total)
            for info in members:
                _unpack_member(opened, info, place, task, shown)
            task.finish()
    except _DAMAGE as error:
        raise DamagedArchive(f"{shown} is damaged or no zip ({error}): download it again.") from error


def _unpack_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, task: Task, shown: str) -> None:
    inside = PurePosixPath(info.filename.replace("\\", "/"))
    if not inside.parts or inside.is_absolute() or ".." in inside.parts or re.match("[A-Za-z]:", inside.parts[0]):
        raise BadData(
            f"{shown} has a member that would land outside its folder: {info.filename!r}; take another archive."
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadData(f"{shown} has a link among its members: {info.filename!r}; unpack it and `ensembler adopt` that.")
    target = folder / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, target.open("wb") as sink:  # reading to the end compares the checksum
        shutil.copyfileobj(source, sink, 1 << 20)
    task.advance(info.file_size)


def _place_for(archive: Path, opened: zipfile.ZipFile) -> Path:
    """Beside the archive if all of it lies in one folder of the archive's name, else in a new folder of that name."""
    tops = {PurePosixPath(name).parts[0] for name in opened.namelist() if PurePosixPath(name).parts}
    return archive.parent if tops == {archive.stem} else archive.with_suffix("")
