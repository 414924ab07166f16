"""Unpacking what was downloaded: archives in archives, checked, and there whole or not at all."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from ..errors import BadData
from ..progress import Progress, Task
from ..storage import require_space, whole_folder


def extract(archive: Path, folder: Path, progress: Progress) -> None:
    """Unpack ``archive`` into ``folder``, with every zip inside it in its own place.

    A zip named ``train.zip`` whose members all begin with ``train/`` is unpacked beside itself, any other into a
    folder of its name. The inner zips are deleted; the outer one stays where it is.

    Raises
    ------
    BadData
        If an archive is damaged (checksums are compared), has members that would land outside, or links.
    StorageError
        If there is no room; nothing is left behind then.
    """
    with whole_folder(folder) as temporary:
        _unpack(archive, temporary, progress)
        while inner := sorted(temporary.rglob("*.zip")):
            for path in inner:
                _unpack(path, _place_for(path), progress)
                path.unlink()


def _unpack(archive: Path, folder: Path, progress: Progress) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [info for info in opened.infolist() if not info.is_dir()]
            total = sum(info.file_size for info in members)
            require_space(folder, total, f"Unpacking {archive.name}")
            task = progress.start(f"unpack {archive.name}", total)
            for info in members:
                _unpack_member(opened, info, folder, task)
            task.finish()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        # RuntimeError is the standard library's word for an encrypted archive.
        raise BadData(f"{archive} is damaged or no zip ({error}): download it again.") from error


def _unpack_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, task: Task) -> None:
    inside = PurePosixPath(info.filename.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
        raise BadData(
            f"{opened.filename} has a member that would land outside its folder: {info.filename!r}."
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadData(
            f"{opened.filename} has a link among its members: {info.filename!r}; unpack it yourself."
        )
    target = folder / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, target.open("wb") as sink:  # reading to the end compares the checksum
        shutil.copyfileobj(source, sink, 1 << 20)
    task.advance(info.file_size)


def _place_for(archive: Path) -> Path:
    """Beside the archive if all of it lies in one folder of the archive's name, else in a new folder of that name."""
    if not zipfile.is_zipfile(archive):
        raise BadData(f"{archive.name} inside the archive is damaged or no zip: download the archive again.")
    with zipfile.ZipFile(archive) as opened:
        tops = {PurePosixPath(name).parts[0] for name in opened.namelist() if PurePosixPath(name).parts}
    return archive.parent if tops == {archive.stem} else archive.with_suffix("")
