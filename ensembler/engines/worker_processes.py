"""The processes of parallel jobs, and their shares of the machine's processors and GPUs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import IO, BinaryIO, Self, cast

from ..errors import StorageError
from ..keras_backend import BACKEND_VARIABLE, find_backend_if_any
from ..machine_limits import count_usable_processors
from ..process_memory import read_resident_bytes
from .control import STOP_LINE
from .job import Job

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # TensorFlow disables oneDNN on x86 processors without AVX-512, although it is several times as fast there.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    # By default, the first process takes all of a GPU's memory with TensorFlow, and three quarters with JAX.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "PYTHONUNBUFFERED": "1",
}

# Resident memory of a process, after a job, above which it runs no other one. Libraries keep memory from one network to
# the next: three networks of 224 to 260 pixels in one process took 3.8 GB, each alone 1.4 GB.
MAX_SHARED_BYTES = 1_200_000_000


@dataclass
class Slot:
    """Place for one process at a time.

    Attributes
    ----------
    environment
        Environment variables of its processes.
    waiting
        Process that waits for a job, if there is one.
    log
        Log of the waiting process.
    hides_gpus
        Whether the waiting process sees no GPU.
    """

    environment: Mapping[str, str]
    waiting: subprocess.Popen[str] | None = None
    log: Path | None = None
    hides_gpus: bool = False


class WorkerProcesses:
    """Processes of jobs, one per slot. The context manager kills all processes on exit.

    Parameters
    ----------
    parallel
        Number of slots. Ignored if ``gpus`` is given.
    gpus
        GPUs by their names in ``CUDA_VISIBLE_DEVICES``, one slot for each. Without any, each process sees all GPUs.
    max_shared_bytes
        Resident memory above which a process runs no other job.

    Attributes
    ----------
    limit
        Number of slots.
    was_killed
        Whether :meth:`kill` was called, so that processes did not end by themselves.
    """

    def __init__(self, parallel: int, gpus: Sequence[str] = (), *, max_shared_bytes: int = MAX_SHARED_BYTES) -> None:
        slots = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] or [{}] * parallel
        usual, backend = {**ENVIRONMENT, **_divide_processors(len(slots))}, choose_backend()
        self.limit = len(slots)
        self._max_shared_bytes = max_shared_bytes
        self._free: SimpleQueue[Slot] = SimpleQueue()
        for own in slots:
            # The user's variables take precedence, except for the choice among the visible GPUs.
            self._free.put(Slot({**usual, **os.environ, **backend, **own}))
        self._running: list[subprocess.Popen[str]] = []
        self._ending = False
        self.was_killed = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for process in list(self._running):
            self._reap_process(process)

    @contextlib.contextmanager
    def borrow_slot(self) -> Iterator[Slot]:
        """Wait for a free slot and hold it within the block."""
        own = self._free.get()
        try:
            yield own
        finally:
            self._free.put(own)

    def start_ahead(self, module: str, log: Path) -> None:
        """Start a process that imports a module and waits for its job. Its output is written to ``log``."""
        with self.borrow_slot() as slot:
            slot.waiting, slot.log = self._start_process(slot, log, module), log

    @contextlib.contextmanager
    def run(self, job: Job, log: Path) -> Iterator[subprocess.Popen[str]]:
        """Run a job within the block, in the waiting process of a free slot or in a new process.

        If the block succeeds and the job shares its process, the process waits for another job, unless it has grown
        beyond ``max_shared_bytes``. Standard input stays open, because its end would signal the death of the parent.

        Raises
        ------
        CancelledError
            After :meth:`stop` or :meth:`kill`, because a new process would outlive the interruption.
        StorageError
            If the log cannot be written.
        """
        with self.borrow_slot() as slot:
            process, slot.waiting = slot.waiting, None
            hides_gpus = job.needs.gpus == 0
            if process is not None and slot.hides_gpus != hides_gpus:
                self._reap_process(process)
                process = None
            slot.hides_gpus = hides_gpus
            if process is None:
                process = self._start_process(slot, log)
            elif slot.log != log:
                _open_empty_log(log).close()
            succeeded = False
            try:
                self._send_job(process, job.to_line(log))
                yield process
                succeeded = True
            finally:
                if succeeded and job.shares_process and not self._has_grown(process):
                    slot.waiting, slot.log = process, log
                else:
                    self._reap_process(process)

    def _has_grown(self, process: subprocess.Popen[str]) -> bool:
        """Return whether a process holds too much memory for another job. Where none is reported, it does not."""
        return (read_resident_bytes(process.pid) or 0) > self._max_shared_bytes

    def _start_process(self, slot: Slot, log: Path, *modules: str) -> subprocess.Popen[str]:
        with self._lock, _open_empty_log(log) as file:
            if self._ending:
                raise CancelledError
            hidden = {"CUDA_VISIBLE_DEVICES": ""} if slot.hides_gpus else {}
            process = start_worker(file, {**slot.environment, **hidden}, *modules)
            self._running.append(process)
            return process

    def _send_job(self, process: subprocess.Popen[str], line: str) -> None:
        # The lock prevents a stop from reaching the process before its job.
        with self._lock:
            if self._ending:
                raise CancelledError
            send_text(process, line)

    def _reap_process(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        # The context manager closes the pipes and waits.
        with process:
            pass
        with self._lock:
            self._running.remove(process)

    def stop(self) -> None:
        """Ask all running processes to save their state and end, and start no other process."""
        with self._lock:
            self._ending = True
            for process in self._running:
                send_text(process, f"{STOP_LINE}\n")

    def kill(self) -> None:
        """Kill all running processes, and start no other process."""
        with self._lock:
            self._ending = self.was_killed = True
            for process in self._running:
                process.kill()


def _open_empty_log(log: Path) -> BinaryIO:
    """Open a log and discard its content."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb")
    except OSError as error:
        raise StorageError.from_os(error) from error


def start_worker(
    log: BinaryIO,
    environment: Mapping[str, str],
    *modules: str,
    folder: Path | None = None,
    wrapper: Sequence[str] = (),
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[str]:
    """Start a process that waits for a job.

    Parameters
    ----------
    log
        Open file for the output of libraries.
    environment
        Environment variables of the process.
    *modules
        Modules to import before the job arrives.
    folder
        Working folder. None is that of this process.
    wrapper
        Words of a command that starts the process.
    descriptors
        Descriptors of files that the process inherits.
    """
    return subprocess.Popen(
        [*wrapper, sys.executable, "-m", "ensembler.engines.worker", *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=folder,
        pass_fds=descriptors,
    )


def send_text(process: subprocess.Popen[str], text: str) -> None:
    """Write unbuffered, so that data for a process that has just ended causes no error later."""
    with contextlib.suppress(OSError):
        os.write(cast("IO[str]", process.stdin).fileno(), text.encode("utf-8"))


def choose_backend() -> dict[str, str]:
    """Return the environment variable of Keras's backend, or nothing without a backend.

    Some jobs need none. Workflows whose jobs do have refused before.
    """
    backend = find_backend_if_any()
    return {BACKEND_VARIABLE: backend} if backend else {}


def _divide_processors(parallel: int) -> dict[str, str]:
    """Divide the processors by the number of slots.

    The number of remaining jobs does not count, so that a resumed run computes exactly as an uninterrupted one.
    """
    return {} if parallel == 1 else build_thread_limits(max(1, count_usable_processors() // parallel))


def build_thread_limits(processors: int) -> dict[str, str]:
    """Return the environment variables that limit a process to this number of threads."""
    threads = str(processors)
    return {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, "OMP_NUM_THREADS": threads}
