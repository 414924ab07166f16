"""The other end of a process that decodes photos."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from ...errors import StorageError
from .shared_arrays import Reference, SharedArray, SharedMemory, draw_number
from .worker import CALL, FORGET, MEMORY, OBJECT

R = TypeVar("R")
# The process does little linear algebra, and threads for it need memory.
_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # The C library would return the memory of each photo to the system and take it again for the next one, which costs
    # a third more CPU time.
    **dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(256 * 1024**2)),
}
# Seconds that a process may take to end when its connection is closed.
_PATIENCE = 5.0
_PACKAGES = Path(__file__).parents[3]


class SharedObject:
    """An object that is sent to each process once, whatever number of tasks use it.

    Parameters
    ----------
    value
        Object that can be pickled. Shared arrays in it are not copied.
    """

    def __init__(self, value: Any) -> None:
        self.number = draw_number()
        self.value = value
        writer = _Writer()
        writer.dump(value)
        # What the object contains lives as long as the object.
        self.parts, self.message = writer.parts, writer.message


class _Writer(pickle.Pickler):
    """Writer of an object, which collects the memory of its shared arrays."""

    def __init__(self) -> None:
        self._file = io.BytesIO()
        self.parts: list[SharedMemory] = []
        super().__init__(self._file, pickle.HIGHEST_PROTOCOL)

    def persistent_id(self, item: Any) -> Reference | None:
        """Return a reference to a shared array."""
        if not isinstance(item, SharedArray):
            return None
        self.parts.append(item.memory)
        return Reference(item.memory.number, item.shape)

    @property
    def message(self) -> bytes:
        return self._file.getvalue()


class WorkerProcess:
    """A process that calls functions, one at a time. Only one thread may use it.

    Attributes
    ----------
    number
        The system's number of the process.
    has_ended
        Whether the process ended by itself or was killed.
    """

    def __init__(self) -> None:
        channel, other = socket.socketpair()
        with contextlib.ExitStack() as opened, other:
            opened.enter_context(channel)
            # A bare start: what the main module of this process imports is not needed.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ensembler.images.loading.worker", str(other.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": _build_path()},
                pass_fds=[other.fileno()],
            )
            opened.pop_all()
        self._channel = channel
        self._connection = Connection(os.dup(self._channel.fileno()))
        self._known: dict[int, weakref.ref[Any]] = {}
        self.number = self._process.pid
        self.has_ended = False

    def call(self, function: Callable[..., R], *arguments: Any) -> R:
        """Call a function of a module in the process.

        Raises
        ------
        StorageError
            If the process ended.
        """
        try:
            self._forget()
            content = pickle.dumps((function, [self._refer_to(argument) for argument in arguments]))
            self._connection.send((CALL, 0, content))
            succeeded, result = self._connection.recv()
        except (EOFError, ConnectionError) as error:
            self.has_ended = True
            message = self._describe_end()
            self.close()
            raise StorageError(message) from error
        if not succeeded:
            raise result
        return result  # type: ignore[no-any-return]

    def _refer_to(self, argument: Any) -> Any:
        """Return a reference to a shared argument, after sending it if the process does not have it."""
        if isinstance(argument, SharedArray):
            self._send_memory(argument.memory)
            return Reference(argument.memory.number, argument.shape)
        if isinstance(argument, SharedObject):
            if argument.number not in self._known:
                for memory in argument.parts:
                    self._send_memory(memory)
                self._connection.send((OBJECT, argument.number, argument.message))
                self._known[argument.number] = weakref.ref(argument)
            return Reference(argument.number)
        return argument

    def _send_memory(self, memory: SharedMemory) -> None:
        if memory.number not in self._known:
            self._connection.send((MEMORY, memory.number, memory.size))
            socket.send_fds(self._channel, [b"."], [memory.descriptor])
            self._known[memory.number] = weakref.ref(memory)

    def _forget(self) -> None:
        """Release in the process what nobody here uses any more."""
        for number in [number for number, item in self._known.items() if item() is None]:
            del self._known[number]
            self._connection.send((FORGET, number, None))

    def _describe_end(self) -> str:
        code = self._process.wait(_PATIENCE)
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return (
            f"A process that decodes photos {how}, which often means that memory ran out: close other programs "
            "and run the command again, which continues where it stopped."
        )

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._channel.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _build_path() -> str:
    """Return the search path of modules, on which this package lies also if it is not installed."""
    with contextlib.suppress(KeyError):
        return os.pathsep.join([str(_PACKAGES), os.environ["PYTHONPATH"]])
    return str(_PACKAGES)
