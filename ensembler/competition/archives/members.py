"""Entries of an archive, in one form for all formats."""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

EntryKind = Literal["file", "folder", "link", "device"]


class EncryptedArchive(Exception):
    """The names of an archive's entries are encrypted."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry of an archive.

    ``name`` is the name in the archive. ``size`` is the unpacked size that the archive claims, 0 if it claims none.
    ``encoding`` is the guessed encoding of the name; empty if it is no guess.
    """

    name: str
    kind: EntryKind
    size: int = 0
    encrypted: bool = False
    encoding: str = ""


class Sink(Protocol):
    """Target of an entry's bytes."""

    def write(self, block: bytes, /) -> int:
        """Write the next bytes."""


OpenSink = Callable[[ArchiveEntry], AbstractContextManager[Sink]]


class ArchiveReader(Protocol):
    """An open archive. Of several entries with one name, the last one counts."""

    entries: list[ArchiveEntry]

    def unpack(self, files: list[ArchiveEntry], open_sink: OpenSink) -> None:
        """Write each of ``files`` to a sink of its own, and verify checksums if the archive has them."""


def classify_mode(mode: int) -> EntryKind:
    """Return the kind of an entry by its Unix mode. Without a mode, as other systems write it, it is a file."""
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device"
