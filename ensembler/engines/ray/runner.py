"""Runs jobs as tasks of a cluster, again on another node if the machine of a job is lost."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, Timer
from typing import Any

import ray
from ray import exceptions

from ... import errors
from ...events import JobBegan
from ...job_files import JobFiles
from ...locks import LOST_HOLDERS_VARIABLE, Holder, format_holders
from ...progress import Progress
from ..job import Job
from ..relay import read_end, relay_events, report_end
from ..transport.server import FileServer
from ..worker_processes import choose_backend
from .cluster import list_nodes
from .messages import KILL, STOP, Asked, Assignment, Ended, Letter, Message, Refused, Started
from .placement import Demand, Node, count_slots
from .remote import attempt_task
from .versions import read_versions

# Number of times that a job is started again after its machine or its memory was lost.
MAX_RESTARTS = 3
# Seconds after which tasks that have not begun, or do not end, are cancelled.
_CANCEL_SECONDS = 3.0
# Seconds without a message after which the reason for the wait is told.
_WAIT_SECONDS = 20.0
# Variables of the driver that determine what jobs compute. Paths in others belong to each machine.
_PREFIXES = (
    "TF_",
    "KERAS_",
    "JAX_DEFAULT_",
    "JAX_ENABLE_",
    "XLA_FLAGS",
    "XLA_PYTHON_",
    "ENSEMBLER_",
    "OMP_NUM_THREADS",
)
_LOST = (
    exceptions.NodeDiedError,
    exceptions.WorkerCrashedError,
    exceptions.OutOfMemoryError,
    exceptions.ObjectLostError,
)


class _MachineLost(Exception):
    """A machine or its memory was lost, not by a fault of the job."""


@dataclass
class _Attempts:
    """What is known of the attempts of a job.

    Attributes
    ----------
    number
        Number of the current attempt, from 1.
    key
        Name of the current attempt.
    ended
        Message about the end of the process of the current attempt, if it arrived.
    started
        Message about the start of that process, if it arrived.
    lost
        Processes of earlier attempts, whose locks no longer count.
    """

    number: int = 0
    key: str = ""
    ended: Ended | None = None
    started: Started | None = None
    lost: tuple[Holder, ...] = ()


class RayRunner:
    """Runner of jobs in tasks of a cluster.

    Tasks are submitted in the order of their urgency. Ray starts tasks of the same demand in that order, but does not
    know which are urgent. So only as many as run at the same time are submitted, and as many again, which wait inside
    Ray: there an autoscaler sees them as demand, and a free machine gets its next job at once.

    Parameters
    ----------
    nodes
        Nodes of the cluster at the beginning.
    demands
        Demand of each job by its name.
    server
        Server of files. None if all machines share the folders.
    mailbox
        Actor :class:`.Mailbox`.
    """

    def __init__(
        self, nodes: Sequence[Node], demands: Mapping[str, Demand], server: FileServer | None, mailbox: Any
    ) -> None:
        self.limit = min((count_slots(demand, nodes) for demand in demands.values()), default=1)
        self.ahead = self.limit
        self._demands = demands
        self._server = server
        self._mailbox = mailbox
        self._run = uuid.uuid4().hex[:8]
        self._attempts: dict[str, _Attempts] = {}
        self._tasks: dict[str, Any] = {}
        self._begun: set[str] = set()
        self._lock = Lock()
        self._stopped = self._killed = False
        self._timer: Timer | None = None

    def __enter__(self) -> RayRunner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()

    def hand_over(self, job: Job, log: Path) -> None:
        """Submit the first attempt of a job."""
        self._attempts[job.name] = attempts = _Attempts()
        self._submit(job, log, attempts)

    def run(self, job: Job, log: Path, progress: Progress) -> Any:
        """Follow a job, and submit it again if its machine is lost."""
        attempts = self._attempts.pop(job.name)
        with report_end(progress):
            while True:
                try:
                    return self._follow(job, log, progress, attempts)
                except _MachineLost as loss:
                    if self._stopped:
                        raise errors.Interrupted from loss
                    if attempts.number > MAX_RESTARTS:
                        raise errors.JobFailed(
                            f"The job {job.name} was started {attempts.number} times and lost its machine each time, "
                            f"at last because {loss}. Its log is {log}."
                        ) from loss
                    progress.warn(
                        f"{job.name} is started again ({attempts.number} of at most {MAX_RESTARTS} times), because "
                        f"{loss}."
                    )
                    self._submit(job, log, attempts)

    def _submit(self, job: Job, log: Path, attempts: _Attempts) -> None:
        """Submit the next attempt of a job, unless the run was stopped."""
        attempts.number += 1
        attempts.started = attempts.ended = None
        attempts.key = f"{self._run}-{job.name}-{attempts.number}"
        demand = self._demands[job.name]
        options = {"num_cpus": demand.processors, "num_gpus": demand.gpus, "memory": demand.memory_bytes or None}
        assignment = self._assign(job, log, attempts)
        with self._lock:
            if not self._stopped:
                task = attempt_task.options(name=job.name, **options).remote(assignment, self._mailbox)
                self._tasks[attempts.key] = task

    def _follow(self, job: Job, log: Path, progress: Progress, attempts: _Attempts) -> Any:
        """Pass on the events of an attempt, and return its result or raise its error."""
        lines = self._iterate_lines(attempts, progress)
        waiting = Timer(_WAIT_SECONDS, self._report_wait, (job, attempts.key, progress))
        waiting.daemon = True
        waiting.start()
        try:
            end = relay_events(lines, progress, job.name)
            # The end of the process, and what it sends after its result.
            for _ in lines:
                pass
        except _LOST as error:
            raise self._describe_loss(error, attempts) from error
        except exceptions.TaskCancelledError as error:
            raise errors.Interrupted from error
        except exceptions.RayTaskError as error:
            if "No module named 'ensembler'" not in str(error):
                raise
            raise errors.JobFailed(
                f"The package ensembler is not installed on the node of {job.name}: install the same version on all "
                "machines of the cluster."
            ) from error
        finally:
            waiting.cancel()
            with self._lock:
                self._tasks.pop(attempts.key, None)
            self._mailbox.close.remote(attempts.key)
            if self._server:
                self._server.abandon(attempts.key)
        if (ended := attempts.ended) is None:
            # Ray ends the messages of a cancelled task without an error.
            raise _MachineLost("its task ended without a message")
        if not end and ended.killed:
            raise errors.Interrupted
        if not end and ended.code == -9:
            raise self._describe_kill(attempts)
        return read_end(job, end, ended.code, log)

    def _assign(self, job: Job, log: Path, attempts: _Attempts) -> Assignment:
        if self._server:
            own_log = JobFiles(writes=(str(log.absolute()),))
            self._server.open(attempts.key, lambda: job.files().join(own_log))
        environment = {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}
        environment |= choose_backend()
        if attempts.lost:
            environment[LOST_HOLDERS_VARIABLE] = format_holders(attempts.lost)
        if not self._server:
            log.parent.mkdir(parents=True, exist_ok=True)
            # The machines share the folders of Python too, as far as they share a folder at all.
            environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        return Assignment(
            run=self._run,
            key=attempts.key,
            # A process that shares would wait for another job.
            line=replace(job, shares_process=False).to_line(log.absolute()),
            attempt=attempts.number,
            processors=self._demands[job.name].processors,
            environment=environment,
            folder=str(Path.cwd()),
            versions=read_versions(),
            carries_files=self._server is not None,
        )

    def _iterate_lines(self, attempts: _Attempts, progress: Progress) -> Iterator[str]:
        """Iterate over the lines of an attempt's process."""
        with self._lock:
            task = self._tasks.get(attempts.key)
        if task is None:
            raise errors.Interrupted
        for reference in task:
            message: Message = ray.get(reference)
            self._begun.add(attempts.key)
            match message:
                case Started():
                    attempts.started = message
                    attempts.lost = (*attempts.lost, Holder(message.host, message.process))
                    progress.emit(JobBegan(message.process, message.host, message.gpus))
                case Asked():
                    self._answer(attempts.key, message)
                case Ended():
                    attempts.ended = message
                case Refused():
                    raise getattr(errors, message.kind)(message.text)
                case _:
                    yield from message.lines

    def _answer(self, key: str, asked: Asked) -> None:
        if self._server:
            letter = Letter(self._server.answer(asked.request), asked.number)
            self._mailbox.send.remote(key, letter)

    def _report_wait(self, job: Job, key: str, progress: Progress) -> None:
        """Tell why an attempt has not begun, unless it waits for other jobs of this run."""
        demand = self._demands[job.name]
        if key in self._begun or self._stopped:
            return
        if not any(demand.count_on(node) for node in list_nodes()):
            progress.warn(f"{job.name} waits, because no node of the cluster offers {demand} any more: add a node.")
            return
        with self._lock:
            others_run = not self._begun.isdisjoint(self._tasks)
        if not others_run:
            progress.note(f"{job.name} waits until the cluster has {demand} free, which others use.")

    def _describe_loss(self, error: Exception, attempts: _Attempts) -> _MachineLost:
        where = f"the node {attempts.started.host}" if attempts.started else "its node"
        if isinstance(error, exceptions.OutOfMemoryError):
            return _MachineLost(f"Ray ended it, because the memory of {where} ran out")
        if isinstance(error, exceptions.WorkerCrashedError):
            return _MachineLost(f"its task on {where} died")
        return _MachineLost(f"{where} was lost")

    def _describe_kill(self, attempts: _Attempts) -> _MachineLost:
        where = f" of {attempts.started.host}" if attempts.started else ""
        return _MachineLost(f"its process was killed, probably because the memory{where} ran out")

    def stop(self) -> None:
        """Ask all running jobs to save their state and end, and cancel those that wait inside Ray."""
        with self._lock:
            self._stopped = True
        self._mailbox.send_to_all.remote(self._run, Letter(STOP))
        self._cancel_later(lambda key: key not in self._begun, force=False)

    def kill(self) -> None:
        """Kill all running jobs."""
        with self._lock:
            self._stopped = self._killed = True
        self._mailbox.send_to_all.remote(self._run, Letter(KILL))
        self._cancel_later(lambda _: True, force=True)

    def _cancel_later(self, chosen: Callable[[str], bool], *, force: bool) -> None:
        """Cancel tasks after a while. Those that have begun end by themselves before."""

        def cancel() -> None:
            with self._lock:
                tasks = [task for key, task in self._tasks.items() if chosen(key)]
            for task in tasks:
                with contextlib.suppress(exceptions.RayError, ValueError):
                    ray.cancel(task, force=force)

        if self._timer:
            self._timer.cancel()
        self._timer = Timer(_CANCEL_SECONDS, cancel)
        self._timer.daemon = True
        self._timer.start()
