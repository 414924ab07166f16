"""The files that a job reads, with their checksums."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock

from ...progress import Progress
from ...storage import compute_file_digest
from .late_task import LateTask
from .messages import Content, ListedFile, Signature


def make_signature(found: os.stat_result) -> Signature:
    """Return the signature of a file."""
    return found.st_size, found.st_mtime_ns, found.st_ino


def expand_reads(reads: Iterable[str]) -> list[str]:
    """Return the existing files of paths and glob patterns. A folder stands for all files below it.

    Unfinished files of :func:`.write_file_atomically` are left out.
    """
    places = (place for read in reads for place in expand_pattern(read))
    return list(dict.fromkeys(file for place in places for file in iterate_files(place)))


def expand_pattern(pattern: str) -> Iterable[Path]:
    """Return the paths that a pattern matches, or the path if it is none or exists as it is."""
    path = Path(pattern)
    if glob.has_magic(pattern) and not path.exists():
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return [path]


def iterate_files(place: Path) -> Iterator[str]:
    """Iterate over a file, or over all finished files below a folder."""
    if not place.is_dir():
        if place.is_file():
            yield str(place)
        return
    for folder, folders, names in os.walk(place, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".writing-"))
        yield from (str(path) for name in sorted(names) if (path := Path(folder, name)).is_file())


class Digests:
    """Checksums of the driver's files, each computed once while the file does not change.

    Attributes
    ----------
    sources
        Path and signature of a file with each content.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._known: dict[str, tuple[Signature, str]] = {}
        self._lock = Lock()
        self.sources: dict[str, tuple[str, Signature]] = {}

    def list_files(self, paths: Iterable[str]) -> list[ListedFile]:
        """List files with their contents. Files that vanish in the meantime are left out."""
        with self._lock:
            signatures = dict(self._iterate_signatures(paths))
            missing = sum(each[0] for path, each in signatures.items() if not self._knows(path, each))
            task = LateTask(self._progress, "compute checksums", missing)
            try:
                return [
                    ListedFile(path, Content(self._compute(path, signature, task), signature[0]))
                    for path, signature in signatures.items()
                ]
            finally:
                task.finish()

    def _iterate_signatures(self, paths: Iterable[str]) -> Iterator[tuple[str, Signature]]:
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                found = Path(path).stat()
                # A pipe or a device would block.
                if stat.S_ISREG(found.st_mode):
                    yield path, make_signature(found)

    def _knows(self, path: str, signature: Signature) -> bool:
        return path in self._known and self._known[path][0] == signature

    def _compute(self, path: str, signature: Signature, task: LateTask) -> str:
        if not self._knows(path, signature):
            self._known[path] = signature, compute_file_digest(Path(path), task.advance)
        digest = self._known[path][1]
        self.sources[digest] = path, signature
        return digest
