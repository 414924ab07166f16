"""Writing files and folders so that they are there whole or not at all."""

from __future__ import annotations

import contextlib
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

# Names of what is being written tell by whom: the machine and the process.
_UNFINISHED = re.compile(r"\.writing-(?P<host>[0-9a-f]{8})-(?P<process>[0-9]+)-.*")


@contextlib.contextmanager
def write_file_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its place once the block has ended well.

    Raises
    ------
    StorageError
        If the disk refuses; nothing is left behind then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_make_prefix(), dir=path.parent) as folder:
            # Same name, so that writers that look at the suffix (Keras, NumPy) see the real one.
            temporary = Path(folder) / path.name
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        raise StorageError.from_os(error) from error


def sync(path: Path) -> None:
    """Have the disk hold what was written to ``path``, a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def write_folder_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``path`` once the block has ended well."""
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
    """Begin the name of what this process writes."""
    return f".writing-{_hash_host()}-{os.getpid()}-"


def _hash_host() -> str:
    return hashlib.sha256(socket.gethostname().encode("utf-8")).hexdigest()[:8]


def remove_unfinished(folder: Path, *, all_writers: bool = False) -> None:
    """Remove what killed processes left half-written in ``folder``.

    Parameters
    ----------
    folder : Path
        Where to look; not below it.
    all_writers : bool
        Remove also what other machines, or processes that live, are writing: where nobody but us may write.
    """
    for path in folder.glob(".writing-*"):
        name = _UNFINISHED.fullmatch(path.name)
        if all_writers or (name and name["host"] == _hash_host() and _is_gone(int(name["process"]))):
            shutil.rmtree(path, ignore_errors=True)


def _is_gone(process: int) -> bool:
    if os.name != "posix":
        # Signal 0 is not a question there.
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # Somebody else's, but there.
        return False
    return False


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` whole or not at all."""
    with write_file_atomically(path) as temporary:
        temporary.write_bytes(content)


def remove_file(path: Path) -> None:
    """Delete a file if it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError.from_os(error) from error


def remove_folder(path: Path) -> int:
    """Delete a folder whole or not at all, if it is there; return how many bytes its files had.

    It is gone at once as far as anybody looks; :func:`remove_unfinished` finishes what a kill cuts off.
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
    """Return how many bytes the files in ``folder`` have, at any depth; one that is just written may be missed."""
    size = 0
    # What vanishes on the way, as what is being written does, is no error of the walk's.
    for place, _, files in os.walk(folder):
        for name in files:
            with contextlib.suppress(FileNotFoundError):
                size += (Path(place) / name).lstat().st_size
    return size


def write_text(path: Path, content: str) -> None:
    """Write ``content`` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))


def compute_file_digest(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; ``on_bytes`` hears how many were read."""
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
    """Whether a file is a zip archive that agrees with the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Make sure that ``needed`` bytes are free where ``folder`` is or will be.

    Raises
    ------
    StorageError
        If they are not.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise StorageError(
            f"{purpose} needs {needed / 1e9:.2f} GB in {folder}, but only {free / 1e9:.2f} GB are free: "
            "free some space or choose another folder with --data."
        )
