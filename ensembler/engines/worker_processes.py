"""The processes that run at once, and how they share the machine: processors, and a GPU each."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from queue import SimpleQueue
from threading import Lock
from typing import IO

from .control import STOP

# On x86 processors without AVX-512 TensorFlow leaves oneDNN off, though it is several times faster there.
_ENVIRONMENT = {
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "PYTHONUNBUFFERED": "1",
}


class WorkerProcesses:
    """Starts processes of jobs, one in each slot.

    Parameters
    ----------
    parallel
        Slots; without effect where there are ``gpus``.
    gpus
        What ``CUDA_VISIBLE_DEVICES`` calls the GPUs: a slot each. Without any, each process sees all GPUs.

    Attributes
    ----------
    limit
        Number of slots.
    """

    def __init__(self, parallel: int, gpus: Sequence[str] = ()) -> None:
        slots = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] or [{}] * parallel
        self.limit = len(slots)
        self._free: SimpleQueue[dict[str, str]] = SimpleQueue()
        for slot in slots:
            self._free.put(slot)
        self._running: list[subprocess.Popen[str]] = []
        self._ending = False
        self._lock = Lock()

    @contextlib.contextmanager
    def slot(self) -> Iterator[dict[str, str]]:
        """Wait for a slot and lend it, as the environment of a process, for the length of the block."""
        own = self._free.get()
        try:
            # What a person has set wins, but for the GPU: among those left visible to us it is ours to choose.
            yield {**_ENVIRONMENT, **_share_of_processors(self.limit), **os.environ, **own}
        finally:
            self._free.put(own)

    @contextlib.contextmanager
    def running(self, line: str, log: IO[bytes], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
        """Run a process that is given a job's line, for the length of the block.

        Its standard input stays open: its end would tell the process that we have died.

        Raises
        ------
        CancelledError
            After :meth:`stop` or :meth:`kill`: a process started then would outlive the interruption.
        """
        with self._start(line, log, environment) as process:
            try:
                yield process
            finally:
                process.kill()
                with self._lock:
                    self._running.remove(process)

    def _start(self, line: str, log: IO[bytes], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        # The lock keeps a stop from reaching the process before its job does.
        with self._lock:
            if self._ending:
                raise CancelledError
            process = subprocess.Popen(
                [sys.executable, "-m", "ensembler.engines.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=environment,
            )
            self._running.append(process)
            _send(process, line)
            return process

    def stop(self) -> None:
        """Ask the processes that run to save what they have and end, and start no other."""
        with self._lock:
            self._ending = True
            for process in self._running:
                _send(process, f"{STOP}\n")

    def kill(self) -> None:
        """Kill the processes that run, and start no other."""
        with self._lock:
            self._ending = True
            for process in self._running:
                process.kill()


def _send(process: subprocess.Popen[str], text: str) -> None:
    """Write past Python's buffer: what a process that has just ended did not take must not trouble us later."""
    if process.stdin is None:
        raise RuntimeError("A job's process was started without pipes.")
    with contextlib.suppress(OSError):
        os.write(process.stdin.fileno(), text.encode("utf-8"))


def _share_of_processors(parallel: int) -> dict[str, str]:
    """By the slots rather than by the jobs that are left, so that a run that goes on computes as one never cut off."""
    if parallel == 1:
        return {}
    threads = str(max(1, (os.cpu_count() or 1) // parallel))
    return {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, "OMP_NUM_THREADS": threads}
