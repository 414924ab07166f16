"""Runs jobs as tasks of a cluster, again on another node if the machine of a job is lost."""

from __future__ import annotations

import contextlib
import json
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
from ...locks import LOST_HOLDERS_VARIABLE, Holder, format_holders
from ...progress import Progress
from ..job import Job, JobFiles
from ..relay import read_end, relay_events, report_end
from ..transport.server import FileServer
from .messages import KILL, STOP, Asked, Assignment, Ended, Letter, Message, Refused, Started
from .placement import Demand, Node, count_slots
from .remote import attempt_task
from .versions import read_versions

# Number of times that a job is started again after its machine or its memory was lost.
MAX_RESTARTS = 3
# Seconds after which tasks that have not begun, or do not end, are cancelled.
_CANCEL_SECONDS = 3.0
# Variables of the driver that determine what jobs compute. Paths in others belong to each machine.
_PREFIXES = ("TF_", "KERAS_", "XLA_FLAGS", "ENSEMBLER_", "OMP_NUM_THREADS")
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
    ended
        Message about the end of the process of the current attempt, if it arrived.
    started
        Message about the start of that process, if it arrived.
    lost
        Processes of earlier attempts, whose locks no longer count.
    """

    number: int = 0
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

    def run(self, job: Job, log: Path, progress: Progress) -> Any:
        """Run a job, again if its machine is lost."""
        attempts = _Attempts()
        with report_end(progress):
            while True:
                attempts.number += 1
                try:
                    return self._run_once(job, log, progress, attempts)
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

    def _run_once(self, job: Job, log: Path, progress: Progress, attempts: _Attempts) -> Any:
        attempts.started = attempts.ended = None
        key = f"{self._run}-{job.name}-{attempts.number}"
        lines = self._follow(key, self._assign(key, job, log, attempts), attempts, progress)
        try:
            end = relay_events(lines, progress, job.name)
            # The end of the process, and what it sends after its result.
            for _ in lines:
                pass
        except _LOST as error:
            raise self._describe_loss(error, attempts) from error
        except exceptions.TaskCancelledError as error:
            raise errors.Interrupted from error
        finally:
            with self._lock:
                self._tasks.pop(key, None)
            self._mailbox.close.remote(key)
            if self._server:
                self._server.abandon(key)
        ended = attempts.ended or Ended(1)
        if not end and ended.killed:
            raise errors.Interrupted
        if not end and ended.code == -9:
            raise self._describe_kill(attempts)
        return read_end(job, end, ended.code, log)

    def _assign(self, key: str, job: Job, log: Path, attempts: _Attempts) -> Assignment:
        shipment = None
        if self._server:
            shipment = self._server.describe(key, replace(job.files, writes=(*job.files.writes, str(log))))
        environment = {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}
        if attempts.lost:
            environment[LOST_HOLDERS_VARIABLE] = format_holders(attempts.lost)
        if not self._server:
            log.parent.mkdir(parents=True, exist_ok=True)
            # The machines share the folders of Python too, as far as they share a folder at all.
            environment |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        return Assignment(
            run=self._run,
            key=key,
            line=replace(job, files=JobFiles()).to_line(log.absolute()),
            attempt=attempts.number,
            processors=self._demands[job.name].processors,
            environment=environment,
            folder=str(Path.cwd()),
            versions=read_versions(),
            shipment=shipment,
        )

    def _submit(self, assignment: Assignment, name: str) -> Iterator[Any]:
        demand = self._demands[name]
        with self._lock:
            if self._stopped:
                raise errors.Interrupted
            task = attempt_task.options(
                name=name, num_cpus=demand.processors, num_gpus=demand.gpus, memory=demand.memory_bytes or None
            ).remote(assignment, self._mailbox)
            self._tasks[assignment.key] = task
        return iter(task)

    def _follow(self, key: str, assignment: Assignment, attempts: _Attempts, progress: Progress) -> Iterator[str]:
        """Iterate over the lines of an attempt's process."""
        for reference in self._submit(assignment, json.loads(assignment.line)["job"]["name"]):
            message: Message = ray.get(reference)
            self._begun.add(key)
            match message:
                case Started():
                    attempts.started = message
                    attempts.lost = (*attempts.lost, Holder(message.host, message.process))
                    progress.emit(JobBegan(message.process, message.host, message.gpus))
                case Asked():
                    self._answer(key, message)
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
