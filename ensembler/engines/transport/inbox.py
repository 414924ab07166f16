"""Files that come back from nodes, each written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path, PurePath
from threading import Lock
from typing import BinaryIO

from ...errors import StorageError, TransferFailed
from ...storage import remove_file, write_file_atomically
from .messages import Content


class _Abandoned(Exception):
    """Ends an unfinished file without replacing the old one."""


class _IncomingFile:
    """A file whose pieces arrive in order."""

    def __init__(self, path: Path) -> None:
        self._stack = contextlib.ExitStack()
        self._stream: BinaryIO = self._stack.enter_context(
            self._stack.enter_context(write_file_atomically(path)).open("wb")
        )
        self._path = path
        self._digest = hashlib.sha256()
        self._size = 0
        # A node that was given up may still send while its files are removed.
        self._lock = Lock()

    def add(self, offset: int, piece: bytes) -> None:
        with self._lock:
            if self._size != offset or self._stream.closed:
                raise TransferFailed(f"A piece of {self._path} is missing: run the same command again.")
            try:
                self._stream.write(piece)
            except OSError as error:
                raise StorageError.from_os(error) from error
            self._digest.update(piece)
            self._size += len(piece)

    def finish(self, content: Content) -> bool:
        """Move the file to its place if it has this content, else remove it. Return whether it has."""
        with self._lock:
            matches = Content(self._digest.hexdigest(), self._size) == content
            if matches:
                self._stack.close()
        if not matches:
            self.abandon()
        return matches

    def abandon(self) -> None:
        with self._lock, contextlib.suppress(_Abandoned):
            # The temporary file is removed because the block ends with an error.
            self._stack.__exit__(_Abandoned, _Abandoned(), None)


class Inbox:
    """Files below the folders that each attempt may write. All methods may be called from several threads."""

    def __init__(self) -> None:
        self._writes: dict[str, tuple[str, ...]] = {}
        self._incoming: dict[tuple[str, str], _IncomingFile] = {}
        self._lock = Lock()

    def open(self, key: str, writes: tuple[str, ...]) -> None:
        """Allow an attempt to send files at or below ``writes``."""
        with self._lock:
            self._writes[key] = writes

    def add_piece(self, key: str, path: str, offset: int, piece: bytes) -> None:
        """Add a piece to a file. ``offset`` 0 begins the file anew.

        Raises
        ------
        TransferFailed
            If the attempt may not write this file, or a piece is missing.
        """
        with self._lock:
            self._check(key, path)
            if offset == 0:
                self._drop(key, path)
                self._incoming[key, path] = _IncomingFile(Path(path))
            incoming = self._incoming.get((key, path))
        if incoming is None:
            raise TransferFailed(f"The first piece of {path} is missing: run the same command again.")
        incoming.add(offset, piece)

    def complete(self, key: str, path: str, content: Content) -> bool:
        """Move a received file to its place if its checksum is correct, and return whether it is."""
        with self._lock:
            self._check(key, path)
            incoming = self._incoming.pop((key, path), None)
        if incoming is None:
            raise TransferFailed(f"The pieces of {path} are missing: run the same command again.")
        return incoming.finish(content)

    def delete(self, key: str, path: str) -> None:
        """Delete a file that the job deleted."""
        with self._lock:
            self._check(key, path)
            remove_file(Path(path))

    def abandon(self, key: str) -> None:
        """Remove the unfinished files of an attempt, and refuse its later messages."""
        with self._lock:
            self._writes.pop(key, None)
            for known, path in list(self._incoming):
                if known == key:
                    self._drop(key, path)

    def close(self) -> None:
        """Remove all unfinished files."""
        for key in list(self._writes):
            self.abandon(key)

    def _drop(self, key: str, path: str) -> None:
        if incoming := self._incoming.pop((key, path), None):
            incoming.abandon()

    def _check(self, key: str, path: str) -> None:
        if key not in self._writes:
            raise TransferFailed(
                f"{key} was given up meanwhile, so its files are not taken: run the same command again."
            )
        # Nothing that a node says leads out of these folders.
        if os.path.normpath(path) != path or not any(
            path == place or path.startswith(place.rstrip("/") + "/") or PurePath(path).match(place)
            for place in self._writes[key]
        ):
            raise TransferFailed(f"{key} may not write {path}: use the same version of ensembler on all machines.")
