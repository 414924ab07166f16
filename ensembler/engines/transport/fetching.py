"""Fetches contents from the driver in pieces, a few of them ahead."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from ...errors import StorageError, TransferFailed
from ...progress import Progress
from .channel import PIECE_BYTES, Ask, Channel
from .contents import ContentStore
from .late_task import LateTask
from .messages import Content, Outdated, Refused, Segment, Sent, WantSegments

# Pieces that are requested before they are needed.
PIECES_AHEAD = 2
# Contents per request, so that requests stay small.
_MOST_SEGMENTS = 5000


def divide_contents(contents: Iterable[Content], piece_bytes: int = PIECE_BYTES) -> Iterator[tuple[Segment, ...]]:
    """Divide contents into requests of at most one piece. Small contents share a request."""
    segments: list[Segment] = []
    room = piece_bytes
    for content in contents:
        offset = 0
        while True:
            if room == 0 or len(segments) == _MOST_SEGMENTS:
                yield tuple(segments)
                segments, room = [], piece_bytes
            length = min(content.size - offset, room)
            segments.append(Segment(content.digest, offset, length))
            offset, room = offset + length, room - length
            if offset == content.size:
                break
    if segments:
        yield tuple(segments)


class OutdatedListing(TransferFailed):
    """A file changed after it was listed, for example because another job brought it back."""


class Fetcher:
    """Fetch contents into a store.

    Parameters
    ----------
    store
        Store of the node.
    ask
        Function that sends a request to the driver and waits for the reply.
    channel
        Way of the pieces.
    progress
        Receives the progress of transfers, and may request a stop.
    """

    def __init__(self, store: ContentStore, ask: Ask, channel: Channel, progress: Progress) -> None:
        self._store = store
        self._ask = ask
        self._channel = channel
        self._progress = progress

    def fetch(self, contents: Iterable[Content], label: str) -> None:
        """Fetch the contents that the store lacks. A content with a wrong checksum is fetched again once.

        Raises
        ------
        StorageError
            If the disk has too little space.
        OutdatedListing
            If a file has changed since it was listed.
        TransferFailed
            If the driver refuses, or a checksum is wrong twice.
        Interrupted
            If the progress requests a stop.
        """
        missing = [each for each in dict.fromkeys(contents) if not self._store.has(each)]
        if not missing:
            return
        total = sum(each.size for each in missing)
        self._store.make_room(total)
        task = LateTask(self._progress, label, total)
        try:
            if damaged := self._fetch_once(missing, task):
                damaged = self._fetch_once(damaged, task)
        finally:
            task.finish()
        if damaged:
            raise TransferFailed(
                f"The checksum of a file that a machine received was wrong twice ({damaged[0].digest[:12]}): check the "
                "memory and the network of that machine, then run the same command again."
            )

    def _fetch_once(self, contents: Sequence[Content], task: LateTask) -> list[Content]:
        """Fetch contents and return those with a wrong checksum."""
        damaged = []
        try:
            with (
                tempfile.TemporaryDirectory(prefix="fetching-", dir=self._store.folder) as place,
                contextlib.closing(self._iterate_segments(contents, task)) as parts,
            ):
                file = Path(place) / "content"
                for content in contents:
                    with file.open("wb") as stream:
                        digest = _write_content(stream, content, parts)
                    if digest == content.digest:
                        self._store.add(digest, file)
                    else:
                        damaged.append(content)
        except OSError as error:
            # A lost connection is not an error of the disk.
            if not StorageError.is_refusal(error):
                raise
            raise StorageError.from_os(error) from error
        return damaged

    def _iterate_segments(
        self, contents: Sequence[Content], task: LateTask
    ) -> Generator[tuple[Segment, memoryview], None, None]:
        """Iterate over the segments of all contents in order. Those of a piece that was cut are too short."""
        for segments, piece in self._iterate_pieces(divide_contents(contents)):
            task.advance(len(piece))
            rest = memoryview(piece)
            for segment in segments:
                yield segment, rest[: segment.length]
                rest = rest[segment.length :]

    def _iterate_pieces(self, requests: Iterator[tuple[Segment, ...]]) -> Iterator[tuple[tuple[Segment, ...], bytes]]:
        waiting: deque[tuple[tuple[Segment, ...], Future[bytes]]] = deque()
        with ThreadPoolExecutor(PIECES_AHEAD) as pool:
            try:
                while True:
                    self._progress.raise_if_stopping("in the transfer of files")
                    while len(waiting) < PIECES_AHEAD and (segments := next(requests, None)):
                        waiting.append((segments, pool.submit(self._fetch_piece, segments)))
                    if not waiting:
                        return
                    segments, future = waiting.popleft()
                    yield segments, future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _fetch_piece(self, segments: tuple[Segment, ...]) -> bytes:
        reply = self._ask(WantSegments(segments))
        if isinstance(reply, Refused):
            raise TransferFailed(reply.text)
        if isinstance(reply, Outdated):
            raise OutdatedListing(reply.text)
        if not isinstance(reply, Sent):
            raise TypeError(f"Unexpected reply: {reply}")
        return self._channel.get(reply.handle)


def _write_content(stream: BinaryIO, content: Content, parts: Iterator[tuple[Segment, memoryview]]) -> str:
    """Write a content from the next segments, and return its SHA-256."""
    digest = hashlib.sha256()
    for segment, part in parts:
        stream.write(part)
        digest.update(part)
        if segment.offset + segment.length == content.size:
            break
    return digest.hexdigest()
