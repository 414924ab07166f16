"""Pools of processes or threads that work on photos.

Threads of one process hand Python's lock to each other several times per photo, so many of them decode hardly more than
two do. Each process has a lock of its own. A thread of this process passes it parts of several photos and waits, so
nothing is copied and little is computed here.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...machine_limits import count_processors
from .shared_arrays import SharedArray, SharedMemory
from .worker_process import SharedObject, WorkerProcess

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

# Fewer photos are decoded in less time than processes take to start.
MIN_PHOTOS = 256
# Photos that are passed to a process at once: so many that passing them costs little, so few that all processes end
# a batch together.
PHOTOS_PER_PART = 8
# Number of batches made in advance. More need more memory, fewer let the network wait.
PREFETCH_BATCHES = 3
# Arrays that may be in use at once. Beyond it, somebody collects batches, each of which would keep files open.
_MAX_ARRAYS = 128
_LOG = logging.getLogger(__name__)


class Pool:
    """Threads that call functions, here or each in a process of its own.

    Parameters
    ----------
    count
        Number of threads.
    uses_processes
        Whether each thread has a process. Then functions are those of modules, and what they take and return is
        pickled, except for what :meth:`share` and :meth:`allocate` return.
    """

    def __init__(self, count: int, *, uses_processes: bool) -> None:
        self.count = count
        self.uses_processes = uses_processes
        self._threads = ThreadPoolExecutor(count, "photos")
        self._local = threading.local()
        self._workers: list[WorkerProcess] = []
        # Memory of arrays that nobody uses any more. New memory would have to be cleared by the system each time.
        self._free: deque[SharedMemory] = deque(maxlen=_MAX_ARRAYS)
        self._used = 0

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        """Run ``work`` in a thread of this process. It may use :meth:`call`."""
        return self._threads.submit(work, *arguments)

    def call(self, function: Callable[..., R], *arguments: Any) -> R:
        """Call a function in the process of this thread, or here if it has none.

        Raises
        ------
        StorageError
            If the process ended.
        """
        worker = self._find_worker()
        if worker is None:
            return function(*map(_resolve, arguments))
        try:
            return worker.call(function, *arguments)
        finally:
            if worker.has_ended:
                self._workers.remove(worker)
                self._local.worker = None

    def _find_worker(self) -> WorkerProcess | None:
        """Return this thread's process. None if there are no processes, or if the system starts no more of them."""
        worker: WorkerProcess | None = getattr(self._local, "worker", None)
        if worker is None and self.uses_processes:
            try:
                worker = self._local.worker = WorkerProcess()
            except OSError as error:
                self.uses_processes = bool(self._workers)
                _LOG.warning("Photos are decoded by threads, because no further process can be started: %s", error)
            else:
                self._workers.append(worker)
        return worker

    def share(self, value: Any) -> Any:
        """Return what stands for an object in the arguments of many tasks, so that it is pickled once."""
        return SharedObject(value) if self.uses_processes else value

    def allocate(self, shape: tuple[int, ...]) -> Any:
        """Return what stands for an array of bytes that tasks fill, see :meth:`deliver`."""
        if not self.uses_processes:
            return np.empty(shape, np.uint8)
        self._used += 1
        return SharedArray(self._find_memory(math.prod(shape)), shape, self._release)

    def _find_memory(self, size: int) -> SharedMemory:
        with contextlib.suppress(IndexError):
            while (memory := self._free.popleft()).size < size:
                pass
            return memory
        return SharedMemory(size)

    def _release(self, memory: SharedMemory) -> None:
        self._used -= 1
        self._free.append(memory)

    def deliver(self, array: Any) -> NDArray[np.uint8]:
        """Return an array that tasks filled. Its memory is used again when nobody refers to the array any more."""
        pixels = np.asarray(array)
        return pixels.copy() if self._used > _MAX_ARRAYS else pixels

    def count_ahead(self, batch_size: int) -> int:
        """Return the number of batches to make in advance, so that each process always has a part before it."""
        return max(PREFETCH_BATCHES, math.ceil(2 * self.count * PHOTOS_PER_PART / batch_size))

    def begin_start(self) -> list[Future[Any]]:
        """Let all processes start, and return what is done when they have."""
        return [self.submit(self.call, count_processors) for _ in range(self.count)]

    def start(self) -> None:
        """Start all processes and wait for them."""
        wait(self.begin_start())

    def close(self) -> None:
        """End all threads and processes after what they are computing."""
        self._threads.shutdown(cancel_futures=True)
        while self._workers:
            self._workers.pop().close()


def _resolve(argument: Any) -> Any:
    """Return what a shared object stands for."""
    if isinstance(argument, SharedArray):
        return argument.pixels
    return argument.value if isinstance(argument, SharedObject) else argument


@contextlib.contextmanager
def open_pool(photos: int, *, keep: bool = True) -> Iterator[Pool]:
    """Provide a pool for work on this number of photos: processes if they are many, else threads.

    Parameters
    ----------
    keep
        Whether to use processes that wait for further work afterwards, as the next epoch.
    """
    uses_processes = photos >= MIN_PHOTOS and can_share_with_processes()
    if uses_processes and keep:
        yield get_process_pool()
        return
    pool = Pool(count_processors(), uses_processes=uses_processes)
    try:
        yield pool
    finally:
        pool.close()


def start_ahead(photos: int) -> None:
    """Let the processes start that :func:`open_pool` will provide for this number of photos, without waiting."""
    if photos >= MIN_PHOTOS and can_share_with_processes():
        get_process_pool().begin_start()


@cache
def get_process_pool() -> Pool:
    """Return the processes that decode photos for this process. They live as long as it does."""
    pool = Pool(count_processors(), uses_processes=True)
    atexit.register(pool.close)
    return pool


def can_share_with_processes() -> bool:
    """Return whether this system passes open files to other processes. Windows does not."""
    return hasattr(socket, "send_fds") and hasattr(socket, "AF_UNIX")


def run_in_parts(
    pool: Pool, run_part: Callable[[range], Any], count: int, finish: Callable[[list[Any]], T]
) -> Future[T]:
    """Run a task in parts, and finish it in the thread that ends its last part, so that no thread waits for others.

    Parameters
    ----------
    run_part
        Function of a range of the task's items.
    count
        Number of items.
    finish
        Function of the results of all parts, in their order.

    Returns
    -------
    Future
        Result of ``finish``. If it is cancelled, no further part is begun.
    """
    parts = [range(start, min(start + PHOTOS_PER_PART, count)) for start in range(0, count, PHOTOS_PER_PART)]
    task: Future[T] = Future()
    if not parts:
        task.set_result(finish([]))
    results: list[Any] = [None] * len(parts)
    lock, left = threading.Lock(), len(parts)

    def run(place: int) -> None:
        nonlocal left
        if task.done():
            return
        try:
            results[place] = run_part(parts[place])
            with lock:
                left -= 1
                is_last = not left
            if is_last:
                result = finish(results)
                with contextlib.suppress(InvalidStateError):
                    task.set_result(result)
        # The one that waits for the task raises it. Another part may have failed before.
        except BaseException as error:  # noqa: BLE001 - as in concurrent.futures
            with contextlib.suppress(InvalidStateError):
                task.set_exception(error)

    for place in range(len(parts)):
        pool.submit(run, place)
    return task


def prefetch(tasks: Iterator[Future[T]], ahead: int = PREFETCH_BATCHES) -> Generator[T, None, None]:
    """Yield results in order while the next ``ahead`` are computed. What is not begun at the end is cancelled."""
    waiting: deque[Future[T]] = deque()
    try:
        for task in tasks:
            waiting.append(task)
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for task in waiting:
            task.cancel()


@contextlib.contextmanager
def map_photos(function: Callable[[S], R], items: Sequence[S]) -> Iterator[Iterator[R]]:
    """Return an iterator of the results in the order of ``items``. After the block, no further item is begun.

    ``function`` is one of a module, or a partial of one, because it may be called in other processes.
    """
    with open_pool(len(items), keep=False) as pool:
        shared = pool.share(function)
        size = pool.count * PHOTOS_PER_PART

        def submit(block: Sequence[S]) -> Future[list[R]]:
            return run_in_parts(
                pool,
                lambda part: pool.call(_apply, shared, block[part.start : part.stop]),
                len(block),
                lambda parts: [result for part in parts for result in part],
            )

        blocks = prefetch(submit(items[start : start + size]) for start in range(0, len(items), size))
        with contextlib.closing(blocks):
            yield (result for block in blocks for result in block)


def _apply(function: Callable[[S], R], items: Iterable[S]) -> list[R]:
    return [function(item) for item in items]
