"""A process that decodes photos: it receives functions with their arguments and sends back what these return.

It imports the modules of these functions and nothing else, so it needs little memory. It ends when its connection
closes, which happens whenever and however the process ends that started it.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import signal
import socket
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

from ...errors import EnsemblerError
from .shared_arrays import Reference

# What a message to this process contains.
OBJECT, MEMORY, FORGET, CALL = range(4)


class _Reader(pickle.Unpickler):
    """Reader of an object with references."""

    def __init__(self, message: bytes, known: dict[int, Any]) -> None:
        super().__init__(io.BytesIO(message))
        self._known = known

    def persistent_load(self, reference: Reference) -> Any:
        """Return a shared array."""
        return reference.resolve(self._known)


def main(descriptor: int) -> None:
    """Serve until the connection closes."""
    # A terminal sends Ctrl-C to all processes. The one that started this one handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    known: dict[int, Any] = {}
    with Connection(descriptor) as connection:
        try:
            while True:
                _serve(connection, known)
        except (EOFError, ConnectionError):
            return


def _serve(connection: Connection, known: dict[int, Any]) -> None:
    """Process one message."""
    kind, subject, content = connection.recv()
    if kind == FORGET:
        known.pop(subject)
    elif kind == MEMORY:
        known[subject] = _receive_memory(connection, content)
    elif kind == OBJECT:
        known[subject] = _Reader(content, known).load()
    else:
        connection.send_bytes(_run(content, known))


def _receive_memory(connection: Connection, size: int) -> mmap.mmap:
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        _, [descriptor], _, _ = socket.recv_fds(channel, 1, 1)
    try:
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _run(content: bytes, known: dict[int, Any]) -> bytes:
    """Call a function with arguments, and return the message with its result or error."""
    try:
        function, arguments = _Reader(content, known).load()
        result = function(
            *(argument.resolve(known) if isinstance(argument, Reference) else argument for argument in arguments)
        )
    except Exception as error:  # noqa: BLE001 - the process that asked raises it
        if not isinstance(error, EnsemblerError):
            error.add_note("In a process that decodes photos:\n" + traceback.format_exc())
        return pickle.dumps((False, error))
    return pickle.dumps((True, result))


if __name__ == "__main__":
    main(int(sys.argv[1]))
