"""The record of a network's size and speed on a machine, and the cache of records of this machine."""

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
from .runtimes import SIXTEEN_BIT, Runtime

FLOAT_BYTES = 4
# A smaller advantage may be chance.
_MARGIN = 0.9


@dataclass(frozen=True)
class RuntimeSpeed:
    """Speed of a network on a runtime.

    Attributes
    ----------
    seconds
        Time per photo in batches.
    conversion
        Seconds to convert the network for the runtime.
    trouble
        Reason why the runtime cannot be used. Empty if it can.
    """

    seconds: float
    conversion: float = 0.0
    trouble: str = ""


@dataclass(frozen=True)
class PhaseSpeed:
    """Training times of one phase in seconds.

    Attributes
    ----------
    photo
        Time to train on one photo once.
    epoch
        Additional time per epoch.
    first
        Additional time of the first update, which compiles.
    """

    photo: float
    epoch: float
    first: float


@dataclass(frozen=True)
class TrainingSpeed:
    """Times of the parts of a training in seconds.

    Attributes
    ----------
    start_up
        Time until a job's process has loaded its libraries.
    build, save
        Time to build and to save the network.
    compile
        Time to compile the prediction.
    decode
        Time to decode a photo with all processors.
    predict
        Time to predict a photo in one view, including decoding.
    view
        Time to predict a photo in each further view.
    head
        Time to fit a head, per row.
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
    """Measurements of one network, without the decoding of photos. Unmeasured values are 0, None or empty.

    Attributes
    ----------
    member
        Fingerprint of the record of the network's member. The network includes the views of its settings.
    parameters
        Number of parameters of the network.
    width
        Number of features.
    milliseconds_per_photo
        Mean time of ``single`` predictions of one photo each.
    photos_per_second
        Speed in batches of ``batch_size``, on the runtime that computed them.
    single
        Number of measured predictions of one photo: 100, or as many as fit into a second.
    peak_bytes
        Peak memory of building and running the network, in addition to what the process used before.
    device, threads, host
        Name of the GPU or processor, number of usable processors, and name of the machine.
    runtimes
        Speed on each measured runtime.
    training
        Training times, for a time budget.
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
        """Whether it was measured on this machine."""
        return self.host == socket.gethostname()

    @property
    def is_complete(self) -> bool:
        """Whether it was measured on this machine, with single photos."""
        return self.is_of_this_machine and self.single > 0

    @property
    def megabytes(self) -> float:
        """Size of the weights in float32."""
        return FLOAT_BYTES * self.parameters / 1e6


def read_speed(path: Path) -> NetworkSpeed | None:
    """Read a record. Return None if it is missing or damaged, because it can be measured again."""
    try:
        return read_record(path, NetworkSpeed)
    except BadData:
        return None


def locate_speed(network: Any, image_size: int, batch_size: int, precision: str, device: Any) -> Path:
    """Return the cache file of a network on a device of this machine.

    Parameters
    ----------
    network, device
        Any JSON values that identify the network and the device.
    """
    key = [network, image_size, batch_size, precision, device, socket.gethostname()]
    return locate_speeds() / f"{compute_fingerprint(key)}.json"


def locate_speeds() -> Path:
    """Return the folder of the cache."""
    return locate_user_cache() / "speeds"


def locate_speed_lock(path: Path) -> Path:
    """Return the lock of the measurement of a record in the cache."""
    return locate_user_cache() / "locks" / f"speed-{path.stem}.lock"


def remember_speed(path: Path, speed: NetworkSpeed) -> None:
    """Write a record to the cache. A failed write is ignored, because later runs can measure again."""
    with contextlib.suppress(StorageError):
        write_record(path, speed)


def choose_fastest(timings: Mapping[Runtime, RuntimeSpeed], photos: int) -> Runtime:
    """Return the runtime in float32 that needs the least time for a number of photos, including conversion.

    The result depends only on this number and on the measurements, so a resumed run makes the same choice.
    """
    keras = timings["keras"]
    total_seconds = {
        name: photos * each.seconds + each.conversion
        for name, each in timings.items()
        if name == "keras" or (name != SIXTEEN_BIT and not each.trouble and is_faster(each, keras))
    }
    return min(total_seconds, key=lambda name: total_seconds[name])


def is_faster(speed: RuntimeSpeed, other: RuntimeSpeed) -> bool:
    """Return whether a runtime is faster than another one by more than chance."""
    return speed.seconds < _MARGIN * other.seconds
