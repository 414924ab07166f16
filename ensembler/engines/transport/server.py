"""The driver's side: describes the files of jobs, sends their contents to nodes, and receives what jobs wrote."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Self

from ...errors import EnsemblerError, StorageError, TransferFailed
from ...progress import Progress
from ..job import JobFiles
from .channel import PIECE_BYTES, Channel
from .inbox import Inbox
from .listing import Digests, expand_reads, make_signature
from .messages import (
    Accepted,
    Content,
    Damaged,
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
    encode_listing,
)


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
        self._inbox = Inbox()
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.close()

    def describe(self, key: str, files: JobFiles) -> Shipment:
        """List the files that a job reads, and allow a node to send back what it writes.

        Parameters
        ----------
        key
            Name of this attempt to run the job. Each attempt has its own.

        Raises
        ------
        StorageError
            If a file cannot be read.
        """
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
        )

    def answer(self, request: Request) -> Reply:
        """Answer a node. Errors that the user can mend become :class:`Refused`."""
        try:
            return self._answer(request)
        except EnsemblerError as error:
            return Refused(str(error))

    def abandon(self, key: str) -> None:
        """Forget an attempt, and remove its half-received files. Later messages about it are refused."""
        self._inbox.abandon(key)

    def _answer(self, request: Request) -> Reply:
        match request:
            case WantSegments(segments):
                return Sent(self._channel.put(b"".join(map(self._read_segment, segments))))
            case ReturnPiece(key, path, offset, handle):
                self._inbox.add_piece(key, path, offset, self._channel.get(handle))
            case ReturnEnd(key, path, content):
                return Accepted() if self._inbox.complete(key, path, content) else Damaged()
            case ReturnDeletion(key, path):
                self._inbox.delete(key, path)
        return Accepted()

    def _list_photos(self, photos: tuple[str, ...]) -> Content:
        # Many jobs share a long list.
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
            raise TransferFailed(
                f"{path} changed while it was sent to another machine: run the same command again, and change files "
                "only between runs."
            )
        return data
