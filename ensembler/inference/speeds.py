"""How large and how fast a network is on a machine: one record, and the cache of what was measured on this one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BadData, StorageError
from ..paths import locate_user_cache
from ..serialization import compute_fingerprint, read_record, write_record
from .runtimes import Runtime

FLOAT_BYTES = 4
# What is faster by less than this may be so by chance.
_MARGIN = 0.9


@dataclass(frozen=True)
class RuntimeSpeed:
    """How fast a runtime runs a network.

    Attributes
    ----------
    seconds
        Time of a photo, in batches.
    conversion
        Seconds until the runtime had the network.
    trouble
        Why it cannot run there; empty where it can.
    """

    seconds: float
    conversion: float = 0.0
    trouble: str = ""


@dataclass(frozen=True)
class PhaseSpeed:
    """Seconds of training in one phase.

    Attributes
    ----------
    photo
        Time to learn from one photo once.
    epoch
        Time of an epoch in addition to its photos.
    first
        Time that the first updates take in addition to others, to compile.
    """

    photo: float
    epoch: float
    first: float


@dataclass(frozen=True)
class TrainingSpeed:
    """Seconds of the pieces of work of a training.

    Attributes
    ----------
    start_up
        Time of a job's process until libraries are loaded.
    build, save
        Time to build and to save the network.
    compile
        Time to compile the prediction.
    decode
        Time to decode a photo, by all processors together.
    predict
        Time of a photo in one view, decoding included.
    view
        Time of a photo in each further view.
    head
        Time to fit a head, for each row.
    phases
        Times of fine-tuning.
    """

    start_up: float
    build: float
    save: float
    compile: float
    decode: float
    predict: float
    view: float
    head: float
    phases: tuple[PhaseSpeed, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkSpeed:
    """What was measured of one network; decoding of photos does not count. What was not measured is 0, None or empty.

    Attributes
    ----------
    member
        Fingerprint of the record of the member whose network it is, with the views that it predicts by.
    parameters
        Numbers in the network's weights.
    width
        Number of features.
    milliseconds_per_photo
        Mean of ``single`` predictions of one photo each.
    photos_per_second
        Speed in batches of ``batch_size``.
    single
        How many single predictions were measured: 100, or as many as there was a second for.
    peak_bytes
        Most memory that building and running it took, beyond what the process held before.
    device, threads, host
        The GPU or processor that predicted, the processors that could be used, and the name of the machine.
    runtimes
        Speed on each runtime that was measured.
    training
        Seconds of training it, for a time budget.
    """

    member: str = ""
    parameters: int = 0
    width: int = 0
    milliseconds_per_photo: float = 0.0
    photos_per_second: float = 0.0
    single: int = 0
    batch_size: int
    peak_bytes: int | None = None
    device: str
    threads: int
    host: str
    runtimes: dict[Runtime, RuntimeSpeed] = field(default_factory=dict)
    training: TrainingSpeed | None = None

    @property
    def is_of_this_machine(self) -> bool:
        """Whether it was measured here."""
        return self.host == socket.gethostname()

    @property
    def megabytes(self) -> float:
        """Size of the weights in float32."""
        return FLOAT_BYTES * self.parameters / 1e6


def read_speed(path: Path) -> NetworkSpeed | None:
    """Read a record; None if it is not there or damaged, since it can be measured again."""
    try:
        return read_record(path, NetworkSpeed)
    except BadData:
        return None


def locate_speed(network: Any, image_size: int, batch_size: int, precision: str, device: Any) -> Path:
    """Return the file of the cache for a network on a device of this machine.

    Parameters
    ----------
    network, device
        Anything that JSON can hold, and that tells the network and the device from others.
    """
    key = [network, image_size, batch_size, precision, device, socket.gethostname()]
    return locate_user_cache() / "speeds" / f"{compute_fingerprint(key)}.json"


def remember_speed(path: Path, speed: NetworkSpeed) -> None:
    """Write a record to the cache; a disk that refuses costs later runs a measurement and nothing else."""
    with contextlib.suppress(StorageError):
        write_record(path, speed)


def choose_fastest(timings: Mapping[Runtime, RuntimeSpeed], photos: int) -> Runtime:
    """Return what takes least time for so many photos, conversion counted.

    It depends on the number and on what was measured alone, so a run that goes on chooses as before.
    """
    keras = timings["keras"]
    total_seconds = {
        name: photos * each.seconds + each.conversion
        for name, each in timings.items()
        if name == "keras" or (not each.trouble and each.seconds < _MARGIN * keras.seconds)
    }
    return min(total_seconds, key=lambda name: total_seconds[name])
