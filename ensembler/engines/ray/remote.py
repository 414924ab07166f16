"""What runs in processes of Ray: the task of an attempt, the mailbox of the driver, and the examination of a node."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ...callers import address_caller_of
from ...keras_backend import Backend
from ..hardware import Hardware, detect_hardware
from .attempt import Attempt
from .messages import Assignment, Letter, Message
from .versions import read_versions


class Mailbox:
    """Letters of the driver to its tasks. Ray ends this actor with the driver, from which tasks learn of its death."""

    def __init__(self) -> None:
        self._letters: dict[str, list[Letter]] = {}
        self._to_all: defaultdict[str, list[Letter]] = defaultdict(list)
        self._changed = asyncio.Event()

    async def send(self, key: str, letter: Letter) -> None:
        """Send a letter to an attempt."""
        if key in self._letters:
            self._letters[key].append(letter)
            self._announce()

    async def send_to_all(self, run: str, letter: Letter) -> None:
        """Send a letter to all attempts of a run, also to those that begin later."""
        self._to_all[run].append(letter)
        for key, letters in self._letters.items():
            if key.startswith(run):
                letters.append(letter)
        self._announce()

    async def receive(self, run: str, key: str, received: int) -> list[Letter]:
        """Wait until an attempt has more letters than it received, and return the others.

        Nothing is returned once the driver has closed the box, because no other letter will come.
        """
        if received == 0:
            self._letters.setdefault(key, list(self._to_all[run]))
        while key in self._letters and len(self._letters[key]) <= received:
            await self._changed.wait()
        return self._letters.get(key, [])[received:]

    async def close(self, key: str) -> None:
        """Close the box of an attempt that has ended."""
        self._letters.pop(key, None)
        self._announce()

    def _announce(self) -> None:
        # Everyone who waits looks at its own letters, and then waits for the next event.
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True)
class Examination:
    """What a node is.

    Attributes
    ----------
    host
        Name of the machine.
    hardware
        Hardware of the machine.
    versions
        Versions of packages by name.
    """

    host: str
    hardware: Hardware
    versions: dict[str, str]


def run_attempt(assignment: Assignment, mailbox: Any) -> Iterator[Message]:
    """Run an attempt in a task, and iterate over its messages."""
    # Processes of a cluster that was started by hand know nothing of the caller.
    address_caller_of(assignment.environment)
    gpus = ",".join(map(str, ray.get_runtime_context().get_accelerator_ids().get("GPU", [])))

    def receive(received: int) -> list[Letter]:
        return list(ray.get(mailbox.receive.remote(assignment.run, assignment.key, received)))

    yield from Attempt(assignment, gpus, receive).iterate_messages()


def examine_node(backend: Backend | None) -> Examination:
    """Detect the hardware of the node on which this task runs, for the backend of Keras that jobs will use."""
    # Ray hides the GPUs from a task that reserves none.
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    return Examination(socket.gethostname(), detect_hardware(backend), read_versions(backend))


def pin_to(node: str) -> NodeAffinitySchedulingStrategy:
    """Return the strategy of scheduling that puts a task on a node."""
    return NodeAffinitySchedulingStrategy(node, soft=False)


# A process of Ray runs one task: it may have been killed in the middle of anything.
attempt_task = ray.remote(max_calls=1, max_retries=0, num_returns="streaming")(run_attempt)
examination_task = ray.remote(num_cpus=0, max_calls=1)(examine_node)
mailbox_actor = ray.remote(num_cpus=0, max_concurrency=10_000)(Mailbox)
