"""Arrays in memory that this process shares with the processes that decode photos.

The memory is an unnamed file: one of ``memfd_create`` on Linux, which no limit of ``/dev/shm`` concerns, elsewhere a
temporary file that is removed at once. Either ends with the last process that uses it, also if that one is killed.
"""

from __future__ import annotations

import itertools
import math
import mmap
import os
import tempfile
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...storage import reserve_space

_numbers = itertools.count()


def draw_number() -> int:
    """Return a number that nothing else has that this process shares."""
    return next(_numbers)


class SharedMemory:
    """Memory that other processes map through its descriptor.

    Parameters
    ----------
    size
        Number of bytes, at least 1.

    Attributes
    ----------
    number
        Number among what this process shares.
    """

    def __init__(self, size: int) -> None:
        self.number = draw_number()
        self.size = size
        self.descriptor = _create_file(size)
        self.content = mmap.mmap(self.descriptor, size)
        weakref.finalize(self, os.close, self.descriptor)


class SharedArray:
    """Array in shared memory.

    NumPy makes views of it by :func:`numpy.asarray`, which keep this object alive. It lives as long as any of them, and
    as any task that writes to it, and then calls ``release``.

    Parameters
    ----------
    memory
        Memory of at least the array's size.
    shape
        Shape of the array.
    release
        Function of the memory that is called when nobody uses the array any more.
    """

    def __init__(
        self, memory: SharedMemory, shape: tuple[int, ...], release: Callable[[SharedMemory], Any] | None = None
    ) -> None:
        self.memory = memory
        self.shape = shape
        pixels = view_bytes(memory.content, shape)
        self.__array_interface__ = {**pixels.__array_interface__, "data": (pixels.ctypes.data, False)}
        if release is not None:
            weakref.finalize(self, release, memory).atexit = False

    @classmethod
    def allocate(cls, shape: tuple[int, ...]) -> SharedArray:
        """Return an array of zeros in memory of its own.

        Raises
        ------
        OSError
            If there is not enough memory, or no room for a temporary file.
        """
        return cls(SharedMemory(max(1, math.prod(shape))), shape)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """A view of the array."""
        return np.asarray(self)


class Reference(NamedTuple):
    """What stands for a shared object in a message, or with a shape for a shared array."""

    number: int
    shape: tuple[int, ...] | None = None

    def resolve(self, known: dict[int, Any]) -> Any:
        """Return the object or a view of the array."""
        item = known[self.number]
        return item if self.shape is None else view_bytes(item, self.shape)


def view_bytes(content: mmap.mmap, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the first bytes of mapped memory as an array."""
    return np.frombuffer(content, np.uint8, math.prod(shape)).reshape(shape)


def _create_file(size: int) -> int:
    """Return the descriptor of an unnamed file of ``size`` bytes."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("photos")
        os.ftruncate(descriptor, size)
        return descriptor
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        reserve_space(file.fileno(), size, tempfile.gettempdir())
        return os.dup(file.fileno())
