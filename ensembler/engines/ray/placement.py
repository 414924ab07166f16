"""What a job asks of a cluster: processors, GPUs and memory that one of its machines has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import BadChoice
from ..job import Needs


@dataclass(frozen=True)
class Node:
    """A machine of a cluster.

    Attributes
    ----------
    identity
        Ray's identity of the node.
    name
        Name of the machine, with its address if they differ.
    processors, gpus
        Numbers that the node offers to tasks.
    memory_bytes
        Main memory that the node offers to tasks.
    """

    identity: str
    name: str
    processors: int
    gpus: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True)
class Demand:
    """What a task reserves on a node.

    Attributes
    ----------
    processors, gpus
        Numbers of processors and GPUs.
    memory_bytes
        Main memory in bytes. 0 reserves none.
    """

    processors: int
    gpus: int = 0
    memory_bytes: int = 0

    def __str__(self) -> str:
        amounts = [(self.processors, "processor"), (self.gpus, "GPU")]
        found = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in amounts if number]
        if self.memory_bytes:
            found.append(f"{self.memory_bytes / 2**30:.1f} GiB of memory")
        return ", ".join(found)

    def count_on(self, node: Node) -> int:
        """Return the number of such tasks that a node runs at the same time."""
        counts = [node.processors // self.processors]
        if self.gpus:
            counts.append(node.gpus // self.gpus)
        if self.memory_bytes:
            counts.append(node.memory_bytes // self.memory_bytes)
        return min(counts)


def choose_demand(needs: Needs, nodes: Sequence[Node], job_processors: int | None = None) -> Demand:
    """Choose what a job reserves.

    A job without GPUs gets all processors of the smallest node, as a job on this machine gets all of its processors. So
    each job has the same number of threads on all nodes. A job with GPUs gets the share of the processors that belongs
    to them. Estimated memory is limited by the largest node.

    Parameters
    ----------
    needs
        Requirements of the job.
    nodes
        Nodes of the cluster.
    job_processors
        Number of processors of a job without a GPU. None leaves it to the job.

    Raises
    ------
    BadChoice
        If no node has enough GPUs or processors.
    """
    gpus = needs.gpus if needs.gpus is not None else min(1, max((node.gpus for node in nodes), default=0))
    able = [node for node in nodes if node.processors and node.gpus >= gpus]
    if not able:
        most = max((node.gpus for node in nodes), default=0)
        what = f"{gpus} GPU{'s' if gpus > 1 else ''}" if gpus else "a processor"
        raise BadChoice(
            f"A job needs {what} of one machine, but none of the {len(nodes)} nodes of the Ray cluster has that, and "
            f"at most {most} GPUs: add a node."
        )
    if gpus:
        processors = min(max(1, node.processors * gpus // node.gpus) for node in able)
    else:
        processors = job_processors or needs.processors or min(node.processors for node in able)
    largest = max(node.processors for node in able)
    if processors > largest:
        raise BadChoice(
            f"--job-processors must be at most {largest}, the processors of the largest node. Received: {processors}"
        )
    memory = max(node.memory_bytes for node in able if node.processors >= processors)
    return Demand(processors, gpus, min(needs.memory_bytes, memory))


def count_slots(demand: Demand, nodes: Sequence[Node]) -> int:
    """Return the number of tasks that a cluster runs at the same time, at least 1."""
    return max(1, sum(demand.count_on(node) for node in nodes))
