"""Unpacking of downloads with nested archives, checked, completely or not at all."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from ...errors import BadData, DamagedArchive, format_count
from ...progress import Progress, Task
from ...storage import require_space, write_folder_atomically
from .formats import DAMAGE_ERRORS, describe_format, is_archive, open_archive
from .limit import MAX_NESTING, UnpackLimit
from .members import ArchiveEntry, ArchiveReader, EncryptedArchive
from .mirror import mirror
from .pixel_tables import draw_pixel_tables
from .placing import is_litter, put_in_place

_READ_ERRORS: tuple[type[Exception], ...] = (*DAMAGE_ERRORS, OSError)
_UNREADABLE_ERRORS: tuple[type[Exception], ...] = (*_READ_ERRORS, EncryptedArchive, NotImplementedError)


class _Unreadable(Exception):
    """An archive is damaged or of an unknown format. The message contains no remedy."""


class _Damaged(_Unreadable):
    """An archive is damaged, so another download may help."""


def extract_archive(archive: Path, folder: Path, progress: Progress, *, max_bytes: int | None = None) -> None:
    """Unpack ``archive`` and all archives inside it into ``folder``, whose previous content is replaced.

    An inner archive ``train.zip`` whose entries all begin with ``train/`` is unpacked beside itself, any other into a
    folder of its name, or of another name if that one exists. Inner archives are deleted, except hidden ones and those
    that are encrypted or unreadable, which are reported. Tables of pixels become files of photos.

    Parameters
    ----------
    max_bytes
        Largest unpacked size. 0 sets no limit. None is the default of :class:`UnpackLimit`.

    Raises
    ------
    DamagedArchive
        If the outer archive cannot be read or its checksums are wrong. They cover the archives inside it.
    BadData
        If its format is unknown, all of it is encrypted, it exceeds ``max_bytes``, or it contains links, devices or
        entries outside its folder.
    StorageError
        If the disk is full. No file is left then.
    """
    with write_folder_atomically(folder) as temporary:
        unpacking = _Unpacking(archive, temporary, UnpackLimit(archive, max_bytes), progress)
        unpacking.run()
        draw_pixel_tables(temporary, progress)


def extract_inner_archives(
    root: Path, packed: Sequence[Path], folder: Path, exclude: Path, progress: Progress, *, max_bytes: int | None = None
) -> None:
    """Unpack the archives ``packed`` below ``root`` into ``folder``, beside links to the other files of ``root``.

    ``root`` stays as it is. Its files below ``exclude`` are omitted. Archives inside are treated as by
    :func:`extract_archive`, and so are errors. An archive that cannot be unpacked is linked.
    """
    with write_folder_atomically(folder) as temporary:
        mirror(root, temporary, exclude)
        kept = {path for path in temporary.rglob("*") if is_archive(path)}
        kept -= {temporary / path.relative_to(root) for path in packed}
        limit = UnpackLimit(root, max_bytes, sum(path.stat().st_size for path in packed))
        _Unpacking(root, temporary, limit, progress, unreadable=kept).unpack_inner_archives()
        draw_pixel_tables(temporary, progress)


def list_entries(archive: Path) -> list[ArchiveEntry] | None:
    """Return the entries of an archive, without inner archives; None if it is unreadable."""
    try:
        with open_archive(archive) as opened:
            return list(opened.entries)
    except _UNREADABLE_ERRORS:
        return None


def read_claimed_size(archive: Path) -> int:
    """Return the unpacked size that an archive claims, without inner archives; 0 if it is unreadable."""
    return sum(entry.size for entry in list_entries(archive) or ())


@dataclass
class _Unpacking:
    """The unpacking of one outer archive into one folder."""

    archive: Path
    root: Path
    limit: UnpackLimit
    progress: Progress
    locked: set[Path] = field(default_factory=set)
    unreadable: set[Path] = field(default_factory=set)

    def run(self) -> None:
        self._unpack_outer()
        self.unpack_inner_archives()
        if self.locked and not any(path.is_file() and path not in self.locked for path in self.root.rglob("*")):
            raise BadData(
                f"All of {self.archive} is encrypted: unpack it with its password, and pass the folder to "
                "`ensembler adopt FOLDER`."
            )

    def unpack_inner_archives(self) -> None:
        """Unpack all archives below the root, and those that appear there."""
        for _ in range(MAX_NESTING):
            inner = sorted(set(self._iterate_archives()) - self.locked - self.unreadable)
            if not inner:
                break
            for path in inner:
                self._unpack_inner(path)
        else:
            raise BadData(f"{self.archive} contains more than {MAX_NESTING} levels of archives: unpack it by hand.")

    def _iterate_archives(self) -> Iterator[Path]:
        for path in self.root.rglob("*"):
            if is_archive(path) and path.is_file() and not is_litter(path.relative_to(self.root)):
                yield path

    def _unpack_outer(self) -> None:
        try:
            if not self._unpack(self.archive, self.root, str(self.archive)):
                self.locked.add(self.archive)
        except _Damaged as error:
            raise DamagedArchive(f"{error}: download it again.") from error
        except _Unreadable as error:
            raise BadData(
                f"{error}: unpack it with another program, and pass the folder to `ensembler adopt FOLDER`."
            ) from error

    def _unpack_inner(self, archive: Path) -> None:
        """Unpack an archive to its place and delete it. An unreadable one is kept."""
        display_name = f"{archive.relative_to(self.root)} in {self.archive}"
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=archive.parent) as aside:
            try:
                if not self._unpack(archive, Path(aside), display_name):
                    self.locked.add(archive)
                    return
            except _Unreadable as error:
                self.progress.warn(f"{error}: it is kept as it is.")
                self.unreadable.add(archive)
                return
            if moved := put_in_place(Path(aside), archive):
                where = moved.relative_to(self.root).as_posix()
                self.progress.warn(
                    f"{display_name} was unpacked into {where}, because its folder contains different files."
                )
        archive.unlink()

    def _unpack(self, archive: Path, folder: Path, display_name: str) -> bool:
        """Unpack an archive, named ``display_name`` in messages, into ``folder``.

        Returns whether an entry could be read without a password.
        """
        try:
            with _translate_errors(archive, display_name), open_archive(archive) as opened:
                return self._write_entries(archive, opened, folder, display_name)
        except EncryptedArchive:
            self.progress.warn(f"{display_name} is encrypted and was skipped.")
            return False

    def _write_entries(self, archive: Path, opened: ArchiveReader, folder: Path, display_name: str) -> bool:
        files = [member for member in opened.entries if member.kind != "folder"]
        places = {member.name: _resolve_place(member, display_name) for member in files}
        if guessed := [member for member in files if member.encoding]:
            self.progress.note(
                f"Names in {display_name} are not marked as UTF-8, so they are read as {guessed[0].encoding} (first: "
                f"{guessed[0].name})."
            )
        readable = [member for member in files if not member.encrypted]
        if len(readable) < len(files):
            self.progress.warn(f"{display_name} is encrypted: skipped {format_count(files[len(readable) :], 'file')}.")
        if files and not readable:
            return False
        claimed = sum(member.size for member in readable)
        require_space(folder, claimed, f"Unpacking {archive.name}")
        self.limit.begin(archive, claimed, display_name)
        task = self.progress.start(f"unpack {archive.name}", claimed, unit="bytes")

        @contextlib.contextmanager
        def open_sink(entry: ArchiveEntry) -> Iterator[_CountingSink]:
            path = folder / places[entry.name]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as stream:
                yield _CountingSink(stream, self.limit, task)

        opened.unpack(readable, open_sink)
        task.finish()
        return True


@dataclass(frozen=True)
class _CountingSink:
    """A file that counts the bytes written to it."""

    stream: IO[bytes]
    limit: UnpackLimit
    task: Task

    def write(self, block: bytes, /) -> int:
        self.limit.count(len(block))
        self.task.advance(len(block))
        return self.stream.write(block)


@contextlib.contextmanager
def _translate_errors(archive: Path, display_name: str) -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise _Unreadable(f"The compression of {display_name} is not supported ({error})") from error
    except _READ_ERRORS as error:
        # gzip and bz2 report damage by an OSError without a number.
        if getattr(error, "errno", None) is not None:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _Damaged(f"{display_name} is damaged or not a {describe_format(archive)} file ({reason})") from error


def _resolve_place(entry: ArchiveEntry, display_name: str) -> PurePosixPath:
    """Return the path of an entry relative to the archive's folder."""
    inside = PurePosixPath(entry.name.replace("\\", "/"))
    if not inside.parts or inside.is_absolute() or ".." in inside.parts or re.match("[A-Za-z]:", inside.parts[0]):
        raise BadData(f"{display_name} contains an entry outside its folder, {entry.name!r}: use another archive.")
    if entry.kind != "file":
        raise BadData(
            f"{display_name} contains a {entry.kind}, {entry.name!r}: unpack it with another program, and pass the "
            "folder to `ensembler adopt FOLDER`."
        )
    return inside
