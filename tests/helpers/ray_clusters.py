"""Ray clusters of several nodes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STORE_BYTES = 100 * 2**20
# Inherited by all processes of the clusters of this process.
MARK = "ENSEMBLER_TEST_CLUSTER"
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A node that was killed is noticed within seconds.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}


@contextlib.contextmanager
def start_cluster(*nodes: dict[str, Any]) -> Iterator[Any]:
    """A cluster with a head that runs no jobs, and nodes of these resources. It ends with the block."""
    from ray.cluster_utils import Cluster

    from ensembler.engines.ray.cluster import use_loopback

    with set_variables(_QUIET), use_loopback():
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE_BYTES})
        try:
            for node in nodes:
                add_node(cluster, **node)
            yield cluster
        finally:
            cluster.shutdown()


def add_node(cluster: Any, **resources: Any) -> Any:
    """Add a node to a cluster and return it."""
    return cluster.add_node(**{"object_store_memory": STORE_BYTES, **resources})


@contextlib.contextmanager
def set_variables(variables: dict[str, str]) -> Iterator[str]:
    """Set environment variables in the block, and a mark of all processes that are started in it."""
    mark = uuid.uuid4().hex
    before = {name: os.environ.get(name) for name in (*variables, MARK)}
    os.environ.update({**variables, MARK: mark})
    try:
        yield mark
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def list_marked_processes(mark: str) -> list[str]:
    """Return the commands of other processes that inherited a mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(folder.name) != os.getpid() and f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if command]


def wait_until(there: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (seen := there()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert seen, "it did not happen"
    return seen


def kill_node(node: Any) -> None:
    """Kill a node's raylet, its workers, and what these started, as the loss of a machine does."""
    import psutil

    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for process in [raylet, *raylet.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)
