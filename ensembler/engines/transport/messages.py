"""What the driver and a node say to each other about files. All messages can be pickled."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Size, time of the last change in nanoseconds, and number of a file, which change with its content.
Signature = tuple[int, int, int]


@dataclass(frozen=True)
class Content:
    """Content of a file: its SHA-256 in hexadecimal, and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class ListedFile:
    """A file that a job reads, by its absolute path on the driver."""

    path: str
    content: Content


def encode_listing(files: Iterable[ListedFile]) -> bytes:
    """Encode a listing as JSON. Names that are not Unicode survive."""
    return json.dumps([[file.path, file.content.digest, file.content.size] for file in files]).encode("ascii")


def decode_listing(data: bytes) -> list[ListedFile]:
    """Decode the result of :func:`encode_listing`."""
    return [ListedFile(path, Content(digest, size)) for path, digest, size in json.loads(data)]


@dataclass(frozen=True)
class Shipment:
    """What a node must know about the files of a job.

    Attributes
    ----------
    key
        Name of this attempt to run the job.
    listings
        Contents of the listings of all files that the job reads.
    roots
        Paths on the driver at or below which the job's files lie.
    writes
        Paths on the driver at or below which files are brought back.
    shared
        Folders that all jobs on a node share.
    environment
        Environment variables with absolute paths on the driver.
    working_folder
        Working folder of the driver.
    origin
        Name of the driver's machine. Jobs of different drivers share no folders.
    """

    key: str
    listings: tuple[Content, ...]
    roots: tuple[str, ...]
    writes: tuple[str, ...]
    shared: tuple[str, ...]
    environment: dict[str, str]
    working_folder: str
    origin: str


@dataclass(frozen=True)
class WantShipment:
    """Request for the description of the files of an attempt, as they are now."""

    key: str


@dataclass(frozen=True)
class Segment:
    """Part of a content, in bytes."""

    digest: str
    offset: int
    length: int


@dataclass(frozen=True)
class WantSegments:
    """Request for parts of contents, which together are at most one piece."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class ReturnPiece:
    """A piece of a file that the job wrote. ``offset`` is its place in the file, 0 for the first."""

    key: str
    path: str
    offset: int
    handle: Any


@dataclass(frozen=True)
class ReturnEnd:
    """All pieces of a file were sent."""

    key: str
    path: str
    content: Content


@dataclass(frozen=True)
class ReturnDeletion:
    """The job deleted a file."""

    key: str
    path: str


Request = WantShipment | WantSegments | ReturnPiece | ReturnEnd | ReturnDeletion


@dataclass(frozen=True)
class Described:
    """Reply to :class:`WantShipment`."""

    shipment: Shipment


@dataclass(frozen=True)
class Sent:
    """Reply to :class:`WantSegments`: the handle of the joined segments."""

    handle: Any


@dataclass(frozen=True)
class Outdated:
    """Reply to :class:`WantSegments`: a file has changed since it was listed, as ``text`` says."""

    text: str


@dataclass(frozen=True)
class Accepted:
    """Reply to the other requests."""


@dataclass(frozen=True)
class Damaged:
    """Reply to :class:`ReturnEnd`: the checksum differs."""


@dataclass(frozen=True)
class Refused:
    """The driver cannot fulfil the request, for the reason ``text``."""

    text: str


Reply = Described | Sent | Outdated | Accepted | Damaged | Refused
