"""Entries of an archive, described alike for every kind of archive."""

from __future__ import annotations

import stat
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

EntryKind = Literal["file", "folder", "link", "device"]


class EncryptedArchive(Exception):
    """Not even the names in an archive can be read without its password."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry of an archive, named as the archive has it.

    ``size`` is what the archive claims that it unpacks to; 0 where it claims nothing.
    """

    name: str
    kind: EntryKind
    size: int = 0
    encrypted: bool = False


class Sink(Protocol):
    """Takes a member's bytes."""

    def write(self, block: bytes, /) -> int:
        """Take the next bytes."""


OpenSink = Callable[[ArchiveEntry], AbstractContextManager[Sink]]


class ArchiveReader(Protocol):
    """An open archive; of several members of one name, the last one counts."""

    entries: list[ArchiveEntry]

    def unpack(self, files: list[ArchiveEntry], open_sink: OpenSink) -> None:
        """Write each of ``files`` to a sink of its own, and compare checksums where the archive has them."""


def classify_mode(mode: int) -> EntryKind:
    """Return the kind of an entry by its Unix permissions; archives made elsewhere have none, and hold files."""
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device"
