"""Downloading what may be interrupted at any moment: bytes that came are kept, and none is fetched twice.

Kaggle's client can resume too, but it asks for the whole file first, gives up after five cuts, waits for ever for the
first answer, and in 2.2.4 takes an error page for data. So the client asks, and the bytes are taken here.
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
from ...storage import remove, sync
from .errors import BadRange, PassingError, intercepted
from .retry_policy import Patience

# What a kill or a cut can cost: bytes are written in pieces of this size.
CHUNK = 1 << 15
_ZIP_BEGINS = b"PK"


def download(
    ask: Callable[[Mapping[str, str]], requests.Response],
    target: Path,
    progress: Progress,
    *,
    patience: Patience,
    make_room: Callable[[int, int], None],
    translated: Callable[[], AbstractContextManager[None]],
) -> Path:
    """Download a zip, or what is missing of it.

    Parameters
    ----------
    ask : callable
        Sends the request with additional headers and returns the answer, not yet read; it raises errors of ours.
    target : Path
        Where the file goes once it is whole. Until then it grows beside it, as ``NAME.part``.
    progress : Progress
        Hears of the bytes and of second attempts.
    patience : Patience
        How often to try in vain; an attempt that brings bytes is not in vain.
    make_room : callable
        Given the bytes of the whole file and those still to come, raises if the disk has no room for them.
    translated : callable
        Gives a block that turns what the network raises into errors of ours.

    Returns
    -------
    Path
        ``target``, of the right size. Its checksums have not been tested.

    Raises
    ------
    KaggleError
        If Kaggle, the storage or the network refuses, or what comes is no zip.
    StorageError
        If the disk refuses.
    """
    failures = furthest = 0
    with contextlib.closing(_Bar(progress, f"download {target.name}")) as bar:
        while True:
            try:
                part = _fetched(ask, _Part.of(target), bar, make_room, translated)
                break
            except BadRange:
                _Part.of(target).forget()
                trouble = PassingError("The archive at Kaggle is not the one that the download was begun with.")
            except PassingError as error:
                trouble = error
            there = _Part.of(target).there
            failures = 0 if there > furthest else failures + 1
            furthest = max(there, furthest)
            patience.wait(failures, trouble, progress)
    part.path.replace(target)
    sync(target.parent)
    part.forget()
    return target


def forget(target: Path) -> None:
    """Remove what an earlier attempt left of ``target``."""
    _Part.of(target).forget()


@dataclass(frozen=True)
class _Part:
    """A download on its way: its bytes so far, and beside them a note of what they are a part of.

    ``tag`` is the storage's word for this version of the file, ``size`` the bytes of the whole, 0 if unknown.
    """

    path: Path
    size: int = 0
    tag: str = ""

    @classmethod
    def of(cls, target: Path) -> _Part:
        """Find what an earlier attempt left."""
        part = cls(target.with_name(target.name + ".part"))
        try:
            told = read_json(part.note)
            return cls(part.path, int(told["size"]), str(told["tag"]))
        except (BadData, KeyError, TypeError, ValueError):
            return part

    @property
    def note(self) -> Path:
        """Where size and tag are kept."""
        return self.path.with_name(self.path.name + ".json")

    @property
    def on_disk(self) -> int:
        """Bytes that came."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def there(self) -> int:
        """Bytes that need not be fetched again; those of an unknown version do."""
        return self.on_disk if self.tag else 0

    @property
    def headers(self) -> dict[str, str]:
        """Ask for the rest, or for the whole if the storage has another version by now."""
        rest = {"Range": f"bytes={self.there}-", "If-Range": self.tag} if self.there else {}
        return {"Accept-Encoding": "identity", **rest}

    def continued(self, answer: requests.Response) -> _Part:
        """Go on with this part, or begin anew, as the storage answers.

        Raises
        ------
        BadRange
            If it sends another piece than was asked for.
        """
        if answer.status_code == requests.codes.partial_content:
            piece, _, size = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            if piece.partition("-")[0] != str(self.there) or size != str(self.size):
                raise BadRange("The storage sent another piece of the archive than was asked for: try again.")
            return self
        # The old bytes go before the new note comes: under it they would be taken for the beginning.
        self.forget()
        new = _Part(self.path, *_size_and_tag(answer))
        write_json(new.note, {"size": new.size, "tag": new.tag})
        return new

    def forget(self) -> None:
        """Remove the bytes and the note."""
        remove(self.path)
        remove(self.note)


def _size_and_tag(answer: requests.Response) -> tuple[int, str]:
    """Read the size, and what proves that two answers are of the same bytes; a weak ETag does not."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        return 0, ""
    tag = answer.headers.get("ETag", "")
    tag = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")
    return int(answer.headers.get("Content-Length", 0)), tag


def _fetched(
    ask: Callable[[Mapping[str, str]], requests.Response],
    part: _Part,
    bar: _Bar,
    make_room: Callable[[int, int], None],
    translated: Callable[[], AbstractContextManager[None]],
) -> _Part:
    """Fetch the rest of ``part``, in one attempt."""
    if not (part.size and part.there == part.size):
        with contextlib.closing(ask(part.headers)) as answer, translated():
            pieces = answer.iter_content(CHUNK)
            first = next(pieces, b"")
            _check_is_a_part(answer, first, part)
            part = part.continued(answer)
            make_room(part.size, part.size - part.there)
            bar.show(part.there, part.size)
            _pour(itertools.chain([first], pieces), part, bar)
    if part.size and part.on_disk < part.size:
        raise PassingError("The connection to Kaggle's storage broke off: check the network and try again.")
    if part.size and part.on_disk > part.size:
        part.forget()
        raise KaggleError(f"What came is larger than {part.path.stem} should be and was removed: download it again.")
    return part


def _check_is_a_part(answer: requests.Response, first: bytes, part: _Part) -> None:
    """Make sure that an answer is of a zip, before what came earlier is given up for it."""
    if answer.status_code == requests.codes.partial_content or first.startswith(_ZIP_BEGINS):
        return
    if "html" in answer.headers.get("Content-Type", "").lower() or first.lstrip()[:1] == b"<":
        raise intercepted()
    raise KaggleError(f"What came for {part.path.stem} is not a zip, and nothing of it was kept: download it again.")


def _pour(pieces: Iterable[bytes], part: _Part, bar: _Bar) -> None:
    """Write what comes, each piece as soon as it is there."""
    with part.path.open("ab", buffering=0) as sink:
        for piece in pieces:
            sink.write(piece)
            bar.advance(len(piece))
        os.fsync(sink.fileno())


class _Bar:
    """One bar for all attempts, begun again only where the bytes are."""

    def __init__(self, progress: Progress, label: str) -> None:
        self.progress = progress
        self.label = label
        self.task: Task | None = None
        self.done = 0

    def show(self, done: int, total: int) -> None:
        """Show the bar at ``done`` bytes, unless it stands there."""
        if self.task is None or done != self.done:
            self.close()
            self.task, self.done = self.progress.start_bytes(self.label, total, done), done

    def advance(self, count: int) -> None:
        """Move the bar by so many bytes."""
        self.done += count
        if self.task:
            self.task.advance(count)

    def close(self) -> None:
        """Take the bar away."""
        if self.task:
            self.task.finish()
        self.task = None
