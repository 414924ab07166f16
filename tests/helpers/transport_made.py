"""A driver and nodes in one process, with a channel that counts, damages or cuts pieces."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensembler.engines.transport.messages import Reply, Request
from ensembler.engines.transport.mirror import Mirror, open_mirror
from ensembler.engines.transport.node_folder import NodeFolder
from ensembler.engines.transport.server import FileServer
from ensembler.job_files import JobFiles
from ensembler.progress import SILENT, Progress


@dataclass
class DictChannel:
    """Channel in memory. A piece is forgotten when it was received.

    ``change`` receives the number of the piece and its bytes, and returns what arrives.
    """

    change: Callable[[int, bytes], bytes] = lambda _, piece: piece
    pieces: dict[int, bytes] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    most_alive: int = 0

    def put(self, piece: bytes) -> int:
        number = len(self.sizes)
        self.sizes.append(len(piece))
        self.pieces[number] = piece
        self.most_alive = max(self.most_alive, len(self.pieces))
        return number

    def get(self, handle: Any) -> bytes:
        return self.change(handle, self.pieces.pop(handle))


class Cluster:
    """A driver, whose requests are counted, and nodes."""

    def __init__(self, folder: Path, channel: DictChannel | None = None) -> None:
        self.channel = channel or DictChannel()
        self.server = FileServer(self.channel, SILENT)
        self.requests: list[Request] = []
        self.node = NodeFolder(folder / "node")
        self._numbers = itertools.count()

    def ask(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.server.answer(request)

    @contextlib.contextmanager
    def open(self, files: JobFiles, progress: Progress = SILENT, key: str = "") -> Iterator[Mirror]:
        """Open the mirror of a job on the node."""
        key = key or f"job-{next(self._numbers)}"
        self.server.open(key, lambda: files)
        with open_mirror(key, self.ask, self.channel, progress, self.node) as mirror:
            yield mirror


def locate(mirror: Mirror, path: Path) -> Path:
    """Return the place of a driver's path in a mirror."""
    return Path(mirror.environment["ENSEMBLER_MIRROR"] + str(path))
