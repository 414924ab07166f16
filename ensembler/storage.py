"""Atomic writing and removal of files and folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import socket
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import StorageError

# Names of unfinished files contain the machine and the process that write them.
_UNFINISHED = re.compile(r"\.writing-(?P<host>[0-9a-f]{8})-(?P<process>[0-9]+)-.*")


@contextlib.contextmanager
def write_file_atomically(path: Path) -> Iterator[Path]:
    """Provide a temporary path that replaces ``path`` when the block succeeds.

    Raises
    ------
    StorageError
        If writing fails. Nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_make_prefix(), dir=path.parent) as folder:
            # The name is kept, because Keras and NumPy depend on the suffix.
            temporary = Path(folder) / path.name
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        raise StorageError.from_os(error) from error


def reserve_space(descriptor: int, size: int, name: str) -> None:
    """Reserve ``size`` bytes of the disk for an open file that is written through mapped memory.

    Otherwise a full disk would end the process that writes by a signal. Some systems cannot reserve; there it would.
    ``name`` is what an error names.

    Raises
    ------
    OSError
        If there is not enough space.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise OSError(error.errno, error.strerror, name) from None


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_folder_atomically(path: Path) -> Iterator[Path]:
    """Provide a temporary folder that replaces ``path`` when the block succeeds."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=_make_prefix(), dir=path.parent))
        (aside / "new").mkdir()
    except OSError as error:
        raise StorageError.from_os(error) from error
    try:
        yield aside / "new"
        if path.exists():
            path.replace(aside / "old")
        (aside / "new").replace(path)
    except OSError as error:
        raise StorageError.from_os(error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _make_prefix() -> str:
    """Return the prefix of the names of this process's unfinished files."""
    return f".writing-{_hash_host()}-{os.getpid()}-"


def _hash_host() -> str:
    return hashlib.sha256(socket.gethostname().encode("utf-8")).hexdigest()[:8]


def remove_unfinished(folder: Path, *, all_writers: bool = False) -> None:
    """Remove the unfinished files that killed processes left in ``folder``.

    Parameters
    ----------
    folder
        Folder to clean, without its subfolders.
    all_writers
        Whether to remove the unfinished files of other machines and of running processes too. Use it only where no
        other process may write.
    """
    for path in folder.glob(".writing-*"):
        name = _UNFINISHED.fullmatch(path.name)
        if all_writers or (name and name["host"] == _hash_host() and _is_gone(int(name["process"]))):
            shutil.rmtree(path, ignore_errors=True)


def _is_gone(process: int) -> bool:
    if os.name != "posix":
        # Signal 0 does not test for a process on other systems.
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # The process exists, but belongs to another user.
        return False
    return False


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically."""
    with write_file_atomically(path) as temporary:
        temporary.write_bytes(content)


def remove_file(path: Path) -> None:
    """Delete a file if it exists."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.from_os(error) from error


def remove_folder(path: Path) -> int:
    """Delete a folder atomically if it exists, and return the size of its files in bytes.

    The folder is first renamed. If the process is killed afterwards, :func:`remove_unfinished` deletes the rest.
    """
    if not path.exists():
        return 0
    try:
        size = count_folder_bytes(path)
        with tempfile.TemporaryDirectory(prefix=_make_prefix(), dir=path.parent) as aside:
            path.replace(Path(aside) / path.name)
    except OSError as error:
        raise StorageError.from_os(error) from error
    return size


def count_folder_bytes(folder: Path) -> int:
    """Return the size in bytes of all files in ``folder`` at any depth."""
    size = 0
    # Files may vanish during the walk, such as unfinished ones.
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                size += (Path(place) / name).lstat().st_size
    return size


def write_text(path: Path, content: str) -> None:
    """Write text as UTF-8 atomically."""
    write_bytes(path, content.encode("utf-8"))


def compute_file_digest(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """Compute the SHA-256 of a file in hexadecimal. ``on_bytes`` receives the number of bytes of each block."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                if on_bytes:
                    on_bytes(len(block))
    except OSError as error:
        raise StorageError.from_os(error) from error
    return digest.hexdigest()


def is_whole_zip(path: Path) -> bool:
    """Return whether a file is a zip archive whose checksums are correct."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Check that ``needed`` bytes are free on the disk of ``folder``, which may not exist yet.

    Raises
    ------
    StorageError
        If the free space is too small.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise StorageError(
            f"{purpose} needs {needed / 1e9:.2f} GB in {folder}, but only {free / 1e9:.2f} GB are free: "
            "free some space or choose another folder with --data."
        )
