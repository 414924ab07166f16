"""A node's store of the contents of files, named after their checksums, which all jobs on the node share."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import StorageError
from .messages import Content

# Time of the last change of all stored contents, so that a content that was changed in place is noticed.
_STORED_AT_NS = 10**18
# Seconds without use after which a content is deleted, and share of the free space that contents may use.
_MOST_SECONDS = 7 * 86400.0
_FREE_SHARE = 0.5
# The time of use is written at most once in so many seconds.
_USE_SECONDS = 3600.0


class ContentStore:
    """Contents in files. A content that is in use has links besides its own, and is never deleted.

    Parameters
    ----------
    folder
        Folder of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate(self, digest: str) -> Path:
        """Return the place of a content."""
        return self.folder / digest[:2] / digest

    def has(self, content: Content) -> bool:
        """Return whether a content is stored, and delete it if it was changed."""
        path = self.locate(content.digest)
        try:
            found = path.stat()
        except FileNotFoundError:
            return False
        if (found.st_size, found.st_mtime_ns) == (content.size, _STORED_AT_NS):
            return True
        path.unlink(missing_ok=True)
        return False

    def add(self, digest: str, file: Path) -> None:
        """Move a verified file into the store."""
        path = self.locate(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.utime(file, ns=(time.time_ns(), _STORED_AT_NS))
        file.chmod(0o444)
        file.replace(path)

    def link(self, digest: str, place: Path) -> None:
        """Put a content at a place, without a copy where the file system allows it."""
        path = self.locate(digest)
        if time.time() - path.stat().st_atime > _USE_SECONDS:
            os.utime(path, ns=(time.time_ns(), _STORED_AT_NS))
        try:
            os.link(path, place)
        except OSError:
            # A file may have too many links, or the file system has none.
            shutil.copyfile(path, place)

    def make_room(self, needed: int) -> None:
        """Delete unused contents until ``needed`` bytes fit.

        Contents may use half of the space that is free without them. The least recently used are deleted first, and
        those that were not used for seven days in any case.

        Raises
        ------
        StorageError
            If there is too little space.
        """
        files = sorted(self._iterate_files(), key=lambda each: each[1].st_atime)
        used = sum(found.st_size for _, found in files)
        free = shutil.disk_usage(self.folder).free
        limit = _FREE_SHARE * (free + used)
        for path, found in files:
            outdated = time.time() - found.st_atime > _MOST_SECONDS
            if found.st_nlink > 1 or not (outdated or used + needed > limit):
                continue
            path.unlink(missing_ok=True)
            used, free = used - found.st_size, free + found.st_size
        if needed > free:
            raise StorageError(
                f"The job needs {needed / 1e9:.3g} GB in {self.folder} for its files, but only {free / 1e9:.3g} GB are "
                "free: free some space there, or choose another folder with the environment variable "
                "ENSEMBLER_NODE_FOLDER."
            )

    def _iterate_files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("??/*"):
            # Another job may delete it.
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat()
