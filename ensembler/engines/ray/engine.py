"""The engine of a Ray cluster: each job is a task, which starts the same process as the engine of this machine does."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import ray

from ...errors import JobFailed
from ...keras_backend import find_backend_if_any
from ...progress import Progress
from ..dispatch import require_results, run_all
from ..hardware import Hardware
from ..job import Job, Needs
from ..transport.channel import DirectChannel
from ..transport.server import FileServer
from .cluster import connect, list_nodes
from .placement import choose_demand, count_slots
from .remote import Examination, examination_task, mailbox_actor, pin_to
from .runner import RayRunner
from .versions import describe_difference, read_versions


class RayEngine:
    """Engine of a Ray cluster.

    Parameters
    ----------
    address
        Address of a cluster. None uses that of ``RAY_ADDRESS``, or starts a cluster on this machine, which ends with
        the engine.
    progress
        Receiver of notes and warnings about machines.
    shared_folder
        Whether all machines see the same folders.
    job_processors
        Number of processors of a job without a GPU. None leaves it to the jobs.
    """

    def __init__(
        self, address: str | None, progress: Progress, *, shared_folder: bool = True, job_processors: int | None = None
    ) -> None:
        self._address = address
        self._progress = progress
        self._shared_folder = shared_folder
        self._job_processors = job_processors
        self._stack = contextlib.ExitStack()
        self._mailbox: Any = None

    def __enter__(self) -> Self:
        """Connect to the cluster."""
        with contextlib.ExitStack() as stack:
            task = self._progress.start("connect to the Ray cluster", 1)
            stack.enter_context(connect(self._address))
            task.advance()
            task.finish()
            # On the machine of the driver, with which it ends.
            here = pin_to(ray.get_runtime_context().get_node_id())
            self._mailbox = mailbox_actor.options(scheduling_strategy=here).remote()
            stack.callback(self._leave)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the cluster, and end it if the engine started it."""
        self._stack.close()

    def _leave(self) -> None:
        self._mailbox.__ray_terminate__.remote()
        self._mailbox = None

    @cached_property
    def _hardware(self) -> Hardware:
        examinations = self._examine_nodes()
        driver = read_versions()
        for found in examinations:
            if difference := describe_difference(found.host, found.versions, driver):
                raise JobFailed(difference)
        return summarise_nodes([(found.host, found.hardware) for found in examinations], self._progress)

    def detect_hardware(self) -> Hardware:
        """Detect the hardware of all nodes, and return that of the smallest."""
        return self._hardware

    def _examine_nodes(self) -> list[Examination]:
        task = self._progress.start("examine the nodes", 1)
        references = [
            examination_task.options(scheduling_strategy=pin_to(node.identity)).remote(find_backend_if_any())
            for node in list_nodes()
            if node.processors
        ]
        found: list[Examination] = ray.get(references)
        task.advance()
        task.finish()
        return found

    def count_slots(self, needs: Needs) -> int:
        """Return the number of jobs that the cluster runs at the same time."""
        nodes = list_nodes()
        return count_slots(choose_demand(needs, nodes, self._job_processors), nodes)

    def start_ahead(self, function: str, name: str, logs: Path) -> AbstractContextManager[None]:
        """Start nothing, because the node of the job is not known yet."""
        del function, name, logs
        return contextlib.nullcontext()

    def run_each(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs; see :meth:`.Engine.run_each`."""
        nodes = list_nodes()
        demands = {job.name: choose_demand(job.needs, nodes, self._job_processors) for job in jobs}
        if reduced := [job for job in jobs if demands[job.name].memory_bytes < job.needs.memory_bytes]:
            progress.warn(
                f"{reduced[0].name} needs about {reduced[0].needs.memory_bytes / 2**30:.1f} GiB of memory, more than "
                f"any node of the cluster offers: it runs alone on the largest one, where memory may run out."
            )
        with contextlib.ExitStack() as stack:
            server = None if self._shared_folder else stack.enter_context(FileServer(DirectChannel(), progress))
            runner = stack.enter_context(RayRunner(nodes, demands, server, self._mailbox))
            return run_all(jobs, logs, progress, runner)

    def run_jobs(self, jobs: Sequence[Job], logs: Path, progress: Progress) -> list[Any]:
        """Run jobs; see :meth:`.Engine.run_jobs`."""
        return require_results(jobs, self.run_each(jobs, logs, progress))


def summarise_nodes(found: Sequence[tuple[str, Hardware]], progress: Progress) -> Hardware:
    """Return the hardware that each job finds, wherever it runs: GPUs as the smallest, and the least memory.

    Parameters
    ----------
    found
        Name and hardware of each node.
    progress
        Receiver of a note if GPUs differ, and of warnings about GPUs that cannot be used.
    """
    for host, hardware in found:
        if hardware.problem:
            progress.warn(f"{host}: {hardware.problem}")
    memory = min((hardware.memory_bytes for _, hardware in found), default=0)
    with_gpus = [(host, hardware.gpus) for host, hardware in found if hardware.gpus]
    if not with_gpus:
        return Hardware((), memory)
    gpus = [(gpu, host) for host, each in with_gpus for gpu in each]
    smallest, host = min(gpus, key=lambda one: (one[0].memory_bytes, one[0].compute_capability))
    if len({(gpu.name, gpu.memory_bytes) for gpu, _ in gpus}) > 1:
        progress.note(
            f"The GPUs of the cluster differ: settings are chosen for the smallest, the {smallest.name} of {host}."
        )
    capability = min(gpu.compute_capability for gpu, _ in gpus)
    least = min(len(each) for _, each in with_gpus)
    one = replace(smallest, compute_capability=capability)
    return Hardware(tuple(replace(one, identity=str(number)) for number in range(least)), memory)
