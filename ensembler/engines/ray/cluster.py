"""The connection to a Ray cluster: one that exists, or one that is started on this machine and ends with the block."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

from ...errors import BadChoice
from .placement import Node

# Seconds until an address that does not answer is an error.
_CONNECT_SECONDS = 5.0
# Messages pass through the store of objects. Larger contents are written to the disk by Ray.
_STORE_BYTES = 256 * 2**20
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
_ADDRESS_VARIABLE = "RAY_ADDRESS"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Ray's own variable for loopback, which it sets by default on other systems than Linux.
_LOOPBACK_VARIABLES = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_VARIABLES = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Without it, Ray announces a future default.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextlib.contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Connect to a cluster within the block.

    Parameters
    ----------
    address
        Address of a cluster, which the end of the block leaves running. None uses that of the environment variable
        ``RAY_ADDRESS``. Without one, a cluster is started on this machine, which listens on loopback only. Its
        processes end with the block, and with this process.

    Raises
    ------
    BadChoice
        If the address is invalid or nothing answers there, or this machine is not part of that cluster.
    """
    if ray.is_initialized():
        # The program that calls the package has its own connection, and closes it.
        yield
        return
    source = "--ray-address" if address else _ADDRESS_VARIABLE
    address = address or os.environ.get(_ADDRESS_VARIABLE)
    with contextlib.ExitStack() as stack:
        stack.callback(ray.shutdown)
        stack.enter_context(_silence_messages())
        if address:
            _join(address, source, stack)
        else:
            _start(stack)
        yield


@contextlib.contextmanager
def _silence_messages() -> Iterator[None]:
    """Keep Ray from printing messages of machines on standard output, where results belong, within the block."""
    worker = ray._private.worker
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = True


def list_nodes() -> list[Node]:
    """Return the nodes of the cluster that are alive, in a fixed order."""
    nodes = [_read_node(data) for data in ray.nodes() if data["Alive"]]
    return sorted(nodes, key=lambda node: node.identity)


def _read_node(data: dict[str, Any]) -> Node:
    resources = data["Resources"]
    host, address = data["NodeManagerHostname"], data["NodeManagerAddress"]
    return Node(
        identity=data["NodeID"],
        name=host if host == address else f"{host} ({address})",
        processors=int(resources.get("CPU", 0)),
        gpus=int(resources.get("GPU", 0)),
        memory_bytes=int(resources.get("memory", 0)),
    )


def _start(stack: contextlib.ExitStack) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    # The folder is deleted after Ray has ended.
    stack.callback(ray.shutdown)
    stack.enter_context(_set_variables(_VARIABLES))
    stack.enter_context(use_loopback())
    ray.init(
        address="local",
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        _temp_dir=str(folder),
        **_QUIET,
    )


@contextlib.contextmanager
def _set_variables(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables within the block, except those that are already set."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def use_loopback() -> Iterator[None]:
    """Have Ray start and find nodes at the address of loopback within the block."""
    # Ray reads the variable only when it is imported.
    constants = ray._private.ray_constants
    clustered = constants.ENABLE_RAY_CLUSTER
    constants.ENABLE_RAY_CLUSTER = False
    try:
        with _set_variables(_LOOPBACK_VARIABLES):
            yield
    finally:
        constants.ENABLE_RAY_CLUSTER = clustered


def _join(address: str, source: str, stack: contextlib.ExitStack) -> None:
    host = _require_answer(address, source)
    try:
        if host in _LOOPBACK:
            with contextlib.suppress(ConnectionError, RuntimeError), contextlib.ExitStack() as loopback:
                loopback.enter_context(use_loopback())
                ray.init(address=address, **_QUIET)
                stack.push(loopback.pop_all())
                return
        # Ray listens on the address of the network only, or on all.
        ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split())
        raise BadChoice(
            f"This machine cannot join the Ray cluster at {address}: {reason[:300].rstrip('.')}. Run the command on a "
            "machine of that cluster, with the same versions of Python and Ray."
        ) from error


def _require_answer(address: str, source: str) -> str:
    """Check that something listens at an address, because Ray itself would try for minutes, and return its host."""
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise BadChoice(f"{source} must be HOST:PORT, such as 10.0.0.1:6379. Received: {address}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise BadChoice(
            f"Nothing answers at {source} {address} ({error.strerror or error}): start the cluster with "
            "`ray start --head`, or correct the address."
        ) from error
    return host.strip("[]")
