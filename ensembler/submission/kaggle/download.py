"""Resumable downloads, which keep received bytes and do not fetch them again.

Kaggle's client can resume too, but requests the whole file first, stops after five interruptions, has no timeout for
the first response, and in 2.2.4 accepts an error page as data. So the client sends the request, and this module reads
the bytes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import requests

from ...errors import BadData, KaggleError
from ...progress import Progress, Task
from ...serialization import read_json, write_json
from ...storage import remove_file, sync
from .errors import BadRange, TransientError, make_intercepted_error
from .retry_policy import RetryPolicy

# Size of written pieces, and so the largest loss by an interruption.
CHUNK = 1 << 15
_ZIP_MAGIC = b"PK"


def download(
    send: Callable[[Mapping[str, str]], requests.Response],
    target: Path,
    progress: Progress,
    *,
    retry_policy: RetryPolicy,
    make_room: Callable[[int, int], None],
    translate_errors: Callable[[], AbstractContextManager[None]],
) -> Path:
    """Download a zip, or its missing part, to ``target``. Checksums are not verified.

    Until the file is complete, it is stored beside ``target`` as ``NAME.part``.

    Parameters
    ----------
    send : callable
        Function that sends the request with additional headers and returns the unread response, or raises
        ``KaggleError``.
    retry_policy : RetryPolicy
        Limits of the attempts. An attempt that receives bytes does not count as failed.
    make_room : callable
        Function of the bytes of the whole file and of the missing part that raises if the disk lacks space.
    translate_errors : callable
        Function that returns a context which translates network errors.
    """
    furthest = 0

    def fetch() -> _PartialFile:
        try:
            return _fetch_rest(send, _PartialFile.find(target), bar, make_room, translate_errors)
        except BadRange:
            _PartialFile.find(target).delete()
            raise TransientError("The archive at Kaggle has changed since the download began.") from None

    def has_advanced() -> bool:
        nonlocal furthest
        before, furthest = furthest, max(furthest, _PartialFile.find(target).resumable_bytes)
        return furthest > before

    with contextlib.closing(_ProgressBar(progress, f"download {target.name}")) as bar:
        part = retry_policy.call(fetch, progress, has_advanced)
    part.path.replace(target)
    sync(target.parent)
    part.delete()
    return target


def remove_partial(target: Path) -> None:
    """Remove the partial download of ``target``."""
    _PartialFile.find(target).delete()


@dataclass(frozen=True)
class _PartialFile:
    """A partial download, and a note beside it that identifies the whole file.

    ``size`` is that of the whole file in bytes, 0 if unknown. ``tag`` is the storage's name of the file's version.
    """

    path: Path
    size: int = 0
    tag: str = ""

    @classmethod
    def find(cls, target: Path) -> _PartialFile:
        """Find the partial download of an earlier attempt."""
        part = cls(target.with_name(target.name + ".part"))
        try:
            data = read_json(part.metadata_path)
            return cls(part.path, int(data["size"]), str(data["tag"]))
        except (BadData, KeyError, TypeError, ValueError):
            return part

    @property
    def metadata_path(self) -> Path:
        """Path of the note."""
        return self.path.with_name(self.path.name + ".json")

    @property
    def bytes_on_disk(self) -> int:
        """Number of received bytes."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def resumable_bytes(self) -> int:
        """Number of received bytes that can be kept; 0 if their version is unknown."""
        return self.bytes_on_disk if self.tag else 0

    @property
    def headers(self) -> dict[str, str]:
        """Headers that request the rest, or the whole file if the storage has another version."""
        rest = {"Range": f"bytes={self.resumable_bytes}-", "If-Range": self.tag} if self.resumable_bytes else {}
        return {"Accept-Encoding": "identity", **rest}

    def resume_or_restart(self, response: requests.Response) -> _PartialFile:
        """Return this part if the response continues it, else a new one. Another piece raises ``BadRange``."""
        if response.status_code == requests.codes.partial_content:
            piece, _, size = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if piece.partition("-")[0] != str(self.resumable_bytes) or size != str(self.size):
                raise BadRange("The storage sent another piece of the archive than requested: try again.")
            return self
        # The old bytes are deleted first, since the new note would make them its beginning.
        self.delete()
        new = _PartialFile(self.path, *_parse_size_and_tag(response))
        write_json(new.metadata_path, {"size": new.size, "tag": new.tag})
        return new

    def delete(self) -> None:
        """Remove the bytes and the note."""
        remove_file(self.path)
        remove_file(self.metadata_path)


def _parse_size_and_tag(response: requests.Response) -> tuple[int, str]:
    """Return the size and the tag. A weak ETag does not identify the version of the file."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return 0, ""
    tag = response.headers.get("ETag", "")
    tag = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    return int(response.headers.get("Content-Length", 0)), tag


def _fetch_rest(
    send: Callable[[Mapping[str, str]], requests.Response],
    part: _PartialFile,
    bar: _ProgressBar,
    make_room: Callable[[int, int], None],
    translate_errors: Callable[[], AbstractContextManager[None]],
) -> _PartialFile:
    """Fetch the rest of ``part`` in one attempt."""
    if not (part.size and part.resumable_bytes == part.size):
        with contextlib.closing(send(part.headers)) as response, translate_errors():
            pieces = response.iter_content(CHUNK)
            first = next(pieces, b"")
            _check_is_zip(response, first, part)
            part = part.resume_or_restart(response)
            make_room(part.size, part.size - part.resumable_bytes)
            bar.show(part.resumable_bytes, part.size)
            _write_pieces(itertools.chain([first], pieces), part, bar)
    if part.size and part.bytes_on_disk < part.size:
        raise TransientError("The connection to Kaggle's storage was interrupted: check the network and try again.")
    if part.size and part.bytes_on_disk > part.size:
        part.delete()
        raise KaggleError(f"The download of {part.path.stem} was too large and was removed: download it again.")
    return part


def _check_is_zip(response: requests.Response, first: bytes, part: _PartialFile) -> None:
    """Raise ``KaggleError`` if a response is not a zip, before it replaces earlier bytes."""
    if response.status_code == requests.codes.partial_content or first.startswith(_ZIP_MAGIC):
        return
    if "html" in response.headers.get("Content-Type", "").lower() or first.lstrip()[:1] == b"<":
        raise make_intercepted_error()
    raise KaggleError(f"The response for {part.path.stem} is not a zip and was not kept: download it again.")


def _write_pieces(pieces: Iterable[bytes], part: _PartialFile, bar: _ProgressBar) -> None:
    """Write each piece as soon as it arrives."""
    with part.path.open("ab", buffering=0) as file:
        for piece in pieces:
            file.write(piece)
            bar.advance(len(piece))
        os.fsync(file.fileno())


class _ProgressBar:
    """One progress bar for all attempts, restarted only if the number of bytes differs."""

    def __init__(self, progress: Progress, label: str) -> None:
        self.progress = progress
        self.label = label
        self.task: Task | None = None
        self.done = 0

    def show(self, done: int, total: int) -> None:
        """Show the bar at ``done`` bytes."""
        if self.task is None or done != self.done:
            self.close()
            self.task, self.done = self.progress.start(self.label, total, done=done, unit="bytes"), done

    def advance(self, count: int) -> None:
        """Advance the bar by ``count`` bytes."""
        self.done += count
        if self.task:
            self.task.advance(count)

    def close(self) -> None:
        """Remove the bar."""
        if self.task:
            self.task.finish()
        self.task = None
