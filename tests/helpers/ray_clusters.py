"""Ray clusters of several nodes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STORE_BYTES = 100 * 2**20


@contextlib.contextmanager
def start_cluster(*nodes: dict[str, Any]) -> Iterator[Any]:
    """A cluster with a head that runs no jobs, and nodes of these resources. It ends with the block."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": STORE_BYTES})
    try:
        for node in nodes:
            cluster.add_node(object_store_memory=STORE_BYTES, **node)
        yield cluster
    finally:
        cluster.shutdown()
        wait_until(lambda: not list_ray_processes())


def list_ray_processes() -> list[str]:
    """Processes of Ray of this user, by number and command."""
    found = subprocess.run(["ps", "-eo", "pid,args", "ww"], capture_output=True, text=True, check=True)
    marks = ("raylet", "gcs_server", "ray::", "ray/dashboard", "ray/_private", "ray/autoscaler")
    return [line for line in found.stdout.splitlines() if any(mark in line for mark in marks) and "grep" not in line]


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

    raylet = node.all_processes["raylet"][0].process
    below = psutil.Process(raylet.pid).children(recursive=True)
    for process in [psutil.Process(raylet.pid), *below]:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(process.pid, signal.SIGKILL)


def read_log(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""
