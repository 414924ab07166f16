"""One attempt to run a job on a node: it starts the job's process, and passes on what that process writes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Lock, Thread
from typing import IO, BinaryIO, cast

from ...errors import EnsemblerError, Interrupted, JobFailed, StorageError
from ...events import Event, read_event
from ...keras_backend import BACKEND_VARIABLE, Backend
from ...progress import Progress
from ..control import STOP_LINE
from ..job import Job
from ..transport.channel import DirectChannel
from ..transport.messages import Reply, Request
from ..transport.mirror import Mirror, open_mirror
from ..transport.node_folder import describe_on_machine
from ..worker_processes import ENVIRONMENT, build_thread_limits, send_text, start_worker
from .messages import KILL, STOP, Asked, Assignment, Ended, Letter, Lines, Message, Refused, Started
from .versions import describe_difference, read_versions

# Seconds for which lines are collected, and their largest number, because each message costs a millisecond.
_BATCH_SECONDS = 0.1
_BATCH_LINES = 1000
# Variable that Ray sets in each worker.
_OF_RAY = "OMP_NUM_THREADS"


class Attempt:
    """One attempt to run a job in a process of this machine.

    Parameters
    ----------
    assignment
        Description of the attempt.
    gpus
        GPUs of the job by their names in ``CUDA_VISIBLE_DEVICES``, separated by commas. Empty hides all GPUs.
    receive
        Function that waits for letters from the driver. Its argument is the number of letters received so far. It
        returns none when no other will come, and raises an exception when the driver is gone.
    """

    def __init__(self, assignment: Assignment, gpus: str, receive: Callable[[int], list[Letter]]) -> None:
        self._assignment = assignment
        self._gpus = gpus
        self._receive = receive
        self._outgoing: SimpleQueue[Message | BaseException | None] = SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._lock = Lock()
        self._stopping = Flag()
        self._number = 0
        self._killed = self._unanswered = False
        self._replies: dict[int, SimpleQueue[Reply | None]] = {}

    def iterate_messages(self) -> Iterator[Message]:
        """Run the job, and iterate over the messages for the driver.

        A task that is cancelled raises an exception here, which ends the process.
        """
        Thread(target=self._listen, name="letters", daemon=True).start()
        Thread(target=self._work, name="attempt", daemon=True).start()
        try:
            yield from self._iterate_outgoing()
        finally:
            # The process saves its state, if the task ends before it.
            self._end_input()

    def _iterate_outgoing(self) -> Iterator[Message]:
        """Iterate over messages, with several lines in each."""
        lines: list[str] = []
        deadline = 0.0
        while True:
            try:
                message = self._outgoing.get(timeout=max(0.0, deadline - time.monotonic()) if lines else None)
            except Empty:
                message = Lines()
            if isinstance(message, Lines) and message.lines:
                deadline = deadline if lines else time.monotonic() + _BATCH_SECONDS
                lines += message.lines
                if len(lines) < _BATCH_LINES:
                    continue
                message = Lines()
            if lines:
                yield Lines(lines)
                lines = []
            if message is None:
                return
            if isinstance(message, BaseException):
                raise message
            if not isinstance(message, Lines):
                yield message

    def _listen(self) -> None:
        """Receive letters until the driver is gone, which means the same as for a process on its machine: stop."""
        received = 0
        try:
            while letters := self._receive(received):
                received += len(letters)
                for letter in letters:
                    self._read(letter)
        except Exception:  # noqa: BLE001 - whatever Ray raises, the driver does not answer
            self._end_input()

    def _read(self, letter: Letter) -> None:
        if letter.content == STOP:
            self._stop()
        elif letter.content == KILL:
            self._kill()
        else:
            self._replies[letter.number].put(letter.content)

    def _stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process:
                send_text(self._process, f"{STOP_LINE}\n")

    def _kill(self) -> None:
        with self._lock:
            self._killed = True
            self._stopping.set()
            if self._process and self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._number, signal.SIGKILL)
            self._give_up_replies()

    def _end_input(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process:
                with contextlib.suppress(OSError):
                    cast("IO[str]", self._process.stdin).close()
            self._give_up_replies()

    def _give_up_replies(self) -> None:
        """Let all requests fail, because no reply can come."""
        self._unanswered = True
        for waiting in self._replies.values():
            waiting.put(None)

    def _work(self) -> None:
        try:
            self._run()
        except Interrupted as interruption:
            self._send_line({"interrupted": interruption.places})
            self._outgoing.put(Ended(0))
        except (EnsemblerError, OSError) as error:
            self._outgoing.put(self._describe_refusal(error))
        except BaseException as error:  # noqa: BLE001 - the task raises it
            self._outgoing.put(error)
        self._outgoing.put(None)

    def _describe_refusal(self, error: EnsemblerError | OSError) -> Refused | OSError:
        """Return the message about an error that the user can mend. Others are bugs, or the driver is gone."""
        if isinstance(error, OSError):
            if not StorageError.is_refusal(error):
                return error
            error = StorageError.from_os(error)
        own_disk = self._assignment.carries_files and isinstance(error, StorageError)
        return Refused(type(error).__name__, describe_on_machine(str(error)) if own_disk else str(error))

    def _run(self) -> None:
        assignment = self._assignment
        host = socket.gethostname()
        backend = cast("Backend | None", assignment.environment.get(BACKEND_VARIABLE))
        if difference := describe_difference(host, read_versions(backend), assignment.versions):
            raise JobFailed(difference)
        job, log = Job.from_line(assignment.line)
        if not assignment.carries_files:
            _require_folder(Path(assignment.folder), host)
            _require_folder(log.parent, host)
            self._run_process(job, log, Path(assignment.folder), assignment.environment)
            return
        progress = _Outgoing(self._send_line_of_event, self._stopping)
        with open_mirror(assignment.key, self._ask, DirectChannel(), progress) as mirror:
            job, log = mirror.map_job(job, log)
            try:
                environment = {**assignment.environment, **mirror.environment}
                end = self._run_process(job, log, mirror.working_folder, environment, mirror)
            finally:
                mirror.bring_back()
            self._outgoing.put(end)

    def _run_process(
        self, job: Job, log: Path, folder: Path, environment: Mapping[str, str], mirror: Mirror | None = None
    ) -> Ended:
        """Run the process of the job, and return how it ended. Without a mirror, the end is sent too."""
        with self._start_process(job, log, folder, environment) as process:
            self._outgoing.put(Started(self._number, socket.gethostname(), self._gpus))
            for line in cast("IO[str]", process.stdout):
                self._relay(line, mirror)
            end = Ended(process.wait(), self._killed)
        if mirror is None:
            self._outgoing.put(end)
        return end

    def _relay(self, line: str, mirror: Mirror | None) -> None:
        if mirror is None:
            self._outgoing.put(Lines([line]))
            return
        content = json.loads(mirror.restore(line))
        if content.get("error") == StorageError.__name__:
            content["text"] = describe_on_machine(content["text"])
        self._send_line(content)
        if "event" in content:
            mirror.notice(read_event(content))

    def _start_process(
        self, job: Job, log: Path, folder: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        with self._lock, _open_log(log, keep=self._assignment.attempt > 1) as file:
            if self._stopping.is_set():
                raise Interrupted
            self._process, self._number = _start_shielded(file, self._build_environment(environment), folder)
            # Within the lock, so that a stop does not reach the process before its job.
            send_text(self._process, job.to_line(log))
            return self._process

    def _build_environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the process, which has the same threads as on the machine of the driver."""
        processors, available = self._assignment.processors, os.cpu_count() or 1
        limits = build_thread_limits(processors) if processors < available else {}
        own = {name: value for name, value in os.environ.items() if name != _OF_RAY}
        return {**ENVIRONMENT, **limits, **own, **environment, "CUDA_VISIBLE_DEVICES": self._gpus}

    def _ask(self, request: Request) -> Reply:
        """Send a request to the driver and wait for the reply."""
        reply: SimpleQueue[Reply | None] = SimpleQueue()
        with self._lock:
            number = len(self._replies) + 1
            self._replies[number] = reply
            if self._unanswered:
                reply.put(None)
        self._outgoing.put(Asked(number, request))
        found = reply.get()
        if found is None:
            raise OSError("The driver does not answer any more.")
        return found

    def _send_line(self, content: dict[str, object]) -> None:
        self._outgoing.put(Lines([json.dumps(content)]))

    def _send_line_of_event(self, event: Event) -> None:
        self._send_line(event.to_json())


class _Outgoing(Progress):
    """Progress that sends events to the driver, which may request a stop."""

    def __init__(self, send: Callable[[Event], None], stop: Flag) -> None:
        self._send = send
        self._stop = stop

    @property
    def stopping(self) -> bool:
        """Whether the driver requested a stop."""
        return self._stop.is_set()

    def emit(self, event: Event) -> None:
        """Send an event."""
        self._send(event)


def _start_shielded(log: BinaryIO, environment: Mapping[str, str], folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Start the process of a job below a shield, and return the shield and the number of the process."""
    receiving, sending = os.pipe()
    with os.fdopen(receiving, encoding="ascii") as number:
        try:
            shield = [sys.executable, "-m", "ensembler.engines.ray.shield", str(sending)]
            process = start_worker(log, environment, folder=folder, wrapper=shield, descriptors=[sending])
        finally:
            os.close(sending)
        return process, int(number.read() or process.pid)


def _require_folder(folder: Path, host: str) -> None:
    if not folder.is_dir():
        raise JobFailed(
            f"The folder {folder} does not exist on the node {host}: mount it there under the same path, or use "
            "--no-shared-folder."
        )


def _open_log(log: Path, *, keep: bool) -> BinaryIO:
    try:
        return log.open("ab" if keep else "wb")
    except OSError as error:
        raise StorageError.from_os(error) from error
