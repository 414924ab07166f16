"""Sends the files that a job wrote, changed or deleted from its mirror to the driver."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from glob import escape, has_magic
from pathlib import Path
from threading import Event, Lock, Thread

from ...errors import StorageError, TransferFailed
from ...events import EpochEvent
from ...events import Event as JobEvent
from ...progress import Progress
from .channel import PIECE_BYTES, Ask, Channel
from .late_task import LateTask
from .listing import expand_pattern, iterate_files, make_signature
from .messages import (
    Content,
    Damaged,
    Refused,
    Reply,
    Request,
    ReturnDeletion,
    ReturnEnd,
    ReturnPiece,
    Signature,
)


class Returns:
    """Files of one attempt that are brought back. :meth:`close` ends the thread that sends in the background.

    Parameters
    ----------
    key
        Name of the attempt.
    mirror
        Folder of the mirror.
    writes
        Paths and glob patterns on the driver at or below which files are brought back. The files of a later one are
        sent after those of an earlier one, and otherwise in the order of their times, so that a file that marks others
        as finished is sent last.
    """

    def __init__(
        self, key: str, mirror: Path, writes: Sequence[str], ask: Ask, channel: Channel, progress: Progress
    ) -> None:
        self._key = key
        self._mirror = str(mirror)
        self._writes = writes
        self._ask = ask
        self._channel = channel
        self._progress = progress
        self._sending = Lock()
        self._wanted = Event()
        self._ended = False
        # What the driver has: at first the files that it sent.
        self._known = self._find_files()
        self._thread = Thread(target=self._send_in_background, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def notice(self, event: JobEvent) -> None:
        """Bring changed files back in the background at the beginning and the end of an epoch.

        A checkpoint is written between both events.
        """
        if isinstance(event, EpochEvent):
            self._wanted.set()

    def bring_back(self) -> None:
        """Bring all changed files back, and delete on the driver what the job deleted.

        Raises
        ------
        TransferFailed
            If the driver refuses, or a checksum is wrong twice.
        StorageError
            If a file cannot be read.
        """
        with self._sending:
            found = self._find_files()
            changed = [path for path in found if found[path] != self._known.get(path)]
            task = LateTask(self._progress, "bring files back", sum(found[path][0] for path in changed))
            try:
                for path in changed:
                    self._send_file(path, task)
            except OSError as error:
                raise StorageError.from_os(error) from error
            finally:
                task.finish()
            # Last, because a checkpoint is deleted after the fold is stored.
            for path in [path for path in self._known if path not in found]:
                self._request(ReturnDeletion(self._key, path))
                del self._known[path]

    def _send_in_background(self) -> None:
        while self._wanted.wait() and not self._ended:
            self._wanted.clear()
            try:
                self.bring_back()
            except (TransferFailed, StorageError) as error:
                # The end of the job tries again, and raises the error.
                self._progress.warn(f"{self._key}: files were not brought back yet ({error})")

    def _find_files(self) -> dict[str, Signature]:
        """Return the signatures of all files that are brought back, in the order in which they are sent."""
        found: dict[str, tuple[int, int, Signature]] = {}
        for number, place in enumerate(self._writes):
            for path, signature in self._iterate_signatures(place):
                found[path] = number, signature[1], signature
        return {path: found[path][2] for path in sorted(found, key=lambda each: (found[each][:2], each))}

    def _iterate_signatures(self, place: str) -> Iterator[tuple[str, Signature]]:
        for path in self._iterate_files(place):
            try:
                yield path.removeprefix(self._mirror), make_signature(Path(path).stat())
            except FileNotFoundError:
                # The job deleted it in the meantime.
                continue

    def _iterate_files(self, place: str) -> Iterator[str]:
        pattern = escape(self._mirror) if has_magic(place) else self._mirror
        for path in expand_pattern(pattern + place):
            yield from iterate_files(path)

    def _send_file(self, path: str, task: LateTask) -> None:
        """Send a file, and once more if its checksum differs. A file that has vanished is left out."""
        for _ in range(2):
            try:
                signature, reply = self._send_once(path, task)
            except FileNotFoundError:
                return
            if not isinstance(reply, Damaged):
                self._known[path] = signature
                return
        raise TransferFailed(
            f"The checksum of {path} was wrong twice after it was brought back: check the memory and the network of "
            "the machines, then run the same command again."
        )

    def _send_once(self, path: str, task: LateTask) -> tuple[Signature, Reply]:
        digest, offset = hashlib.sha256(), 0
        # The job may replace the file meanwhile. The open one stays as it is.
        with Path(self._mirror + path).open("rb") as stream:
            signature = make_signature(os.fstat(stream.fileno()))
            while (piece := stream.read(PIECE_BYTES)) or offset == 0:
                digest.update(piece)
                self._request(ReturnPiece(self._key, path, offset, self._channel.put(piece)))
                offset += len(piece)
                task.advance(len(piece))
                if not piece:
                    break
        return signature, self._request(ReturnEnd(self._key, path, Content(digest.hexdigest(), offset)))

    def _request(self, request: Request) -> Reply:
        reply = self._ask(request)
        if isinstance(reply, Refused):
            raise TransferFailed(reply.text)
        return reply
