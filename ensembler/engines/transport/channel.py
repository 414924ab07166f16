"""The two ways between the driver and a node: a channel for pieces of files, and questions with short answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .messages import Reply, Request

# Largest piece in bytes. Several are in memory at a time.
PIECE_BYTES = 32 * 2**20

# Function of a node that sends a request to the driver and waits for the reply.
Ask = Callable[[Request], Reply]


class Channel(Protocol):
    """Store of pieces that both sides reach, such as Ray's object store. A handle can be pickled."""

    def put(self, piece: bytes) -> Any:
        """Store a piece and return its handle."""

    def get(self, handle: Any) -> bytes:
        """Return the piece of a handle."""


class DirectChannel:
    """Channel whose handles are the pieces themselves, for messages that carry any size, as those of Ray do."""

    def put(self, piece: bytes) -> bytes:
        """Return the piece."""
        return piece

    def get(self, handle: bytes) -> bytes:
        """Return the piece."""
        return handle
