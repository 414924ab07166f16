"""The driver's side: describes the files of jobs, sends their contents to nodes, and receives what jobs wrote."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Self

from ...errors import EnsemblerError, StorageError, TransferFailed
from ...job_files import JobFiles
from ...progress import Progress
from .channel import PIECE_BYTES, Channel
from .inbox import Inbox
from .listing import Digests, expand_reads, make_signature
from .messages import (
    Accepted,
    Content,
    Damaged,
    Described,
    Outdated,
    Refused,
    Reply,
    Request,
    ReturnDeletion,
    ReturnEnd,
    ReturnPiece,
    Segment,
    Sent,
    Shipment,
    WantSegments,
    WantShipment,
    encode_listing,
)


class _ChangedError(Exception):
    """A file is no longer what was listed."""


class FileServer:
    """Files of all jobs of a call. The context manager removes half-received files on exit.

    Methods may be called from several threads.

    Parameters
    ----------
    channel
        Way of the pieces.
    progress
        Receives the progress of checksums.
    """

    def __init__(self, channel: Channel, progress: Progress) -> None:
        self._channel = channel
        self._digests = Digests(progress)
        self._listings: dict[str, bytes] = {}
        self._photos: dict[tuple[str, ...], Content] = {}
        self._jobs: dict[str, Callable[[], JobFiles]] = {}
        self._inbox = Inbox()
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.close()

    def open(self, key: str, list_files: Callable[[], JobFiles]) -> None:
        """Allow a node to ask for the files of a job, and to send back what it writes.

        Parameters
        ----------
        key
            Name of this attempt to run the job. Each attempt has its own.
        list_files
            Function that lists the files when the node asks for them.
        """
        with self._lock:
            self._jobs[key] = list_files

    def answer(self, request: Request) -> Reply:
        """Answer a node. Errors that the user can mend become :class:`Refused`."""
        try:
            return self._answer(request)
        except EnsemblerError as error:
            return Refused(str(error))

    def abandon(self, key: str) -> None:
        """Forget an attempt, and remove its half-received files. Later messages about it are refused."""
        with self._lock:
            self._jobs.pop(key, None)
        self._inbox.abandon(key)

    def _answer(self, request: Request) -> Reply:
        match request:
            case WantShipment(key):
                return Described(self._describe(key))
            case WantSegments(segments):
                return self._send(segments)
            case ReturnPiece(key, path, offset, handle):
                self._inbox.add_piece(key, path, offset, self._channel.get(handle))
            case ReturnEnd(key, path, content):
                return Accepted() if self._inbox.complete(key, path, content) else Damaged()
            case ReturnDeletion(key, path):
                self._inbox.delete(key, path)
        return Accepted()

    def _describe(self, key: str) -> Shipment:
        with self._lock:
            list_files = self._jobs.get(key)
        if list_files is None:
            raise TransferFailed(f"{key} was given up meanwhile: run the same command again.")
        files = list_files()
        listings = [self._list_files(expand_reads(files.reads))]
        if files.photos:
            listings.append(self._list_photos(files.photos))
        self._inbox.open(key, files.writes)
        folders = {str(Path(photo).parent) for photo in files.photos}
        return Shipment(
            key,
            tuple(listings),
            (*files.reads, *files.writes, *files.shared, *sorted(folders)),
            files.writes,
            files.shared,
            dict(files.environment),
            str(Path.cwd()),
            socket.gethostname(),
        )

    def _send(self, segments: Sequence[Segment]) -> Sent | Outdated:
        try:
            return Sent(self._channel.put(b"".join(map(self._read_segment, segments))))
        except _ChangedError as change:
            return Outdated(str(change))

    def _list_photos(self, photos: tuple[str, ...]) -> Content:
        # Many jobs share a long list. Photos must not change during a run.
        if photos not in self._photos:
            self._photos[photos] = self._list_files(photos)
        return self._photos[photos]

    def _list_files(self, paths: Sequence[str]) -> Content:
        data = encode_listing(self._digests.list_files(paths))
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            self._listings[digest] = data
        return Content(digest, len(data))

    def _read_segment(self, segment: Segment) -> bytes:
        if not 0 <= segment.length <= PIECE_BYTES:
            raise TransferFailed(f"A node requested {segment.length} bytes at once: use the same version everywhere.")
        if segment.digest in self._listings:
            return self._listings[segment.digest][segment.offset : segment.offset + segment.length]
        if segment.digest not in self._digests.sources:
            raise TransferFailed("A node requested a file that no job reads: run the same command again.")
        path, signature = self._digests.sources[segment.digest]
        try:
            with Path(path).open("rb") as stream:
                stream.seek(segment.offset)
                data = stream.read(segment.length)
                unchanged = make_signature(os.fstat(stream.fileno())) == signature
        except FileNotFoundError:
            unchanged = False
        except OSError as error:
            raise StorageError.from_os(error) from error
        if not unchanged:
            raise _ChangedError(
                f"{path} changed while it was sent to another machine: run the same command again, and change files "
                "only between runs."
            )
        return data
