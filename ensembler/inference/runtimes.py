"""Which runtime networks predict on: Keras, or another one where that saves more time than it costs to turn to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from ..errors import BadChoice, BadData, StorageError
from ..paths import locate_user_cache
from ..serialization import read_json, write_json

# keras: the network as it is; graph: TensorFlow's graph of it with all weights as constants; onnx: ONNX Runtime.
Runtime = Literal["keras", "graph", "onnx"]
RuntimeChoice = Literal["auto", Runtime]

RUNTIME_VARIABLE = "ENSEMBLER_RUNTIME"
_PACKAGES = ("onnxruntime", "tf2onnx")
# Seconds of Keras's work that are worth measuring others: that takes some ten, once on each machine.
MIN_SECONDS_TO_MEASURE = 20.0
# What is faster by less than this may be so by chance.
_MARGIN = 0.9


def is_installed(find: Callable[[str], object | None] = find_spec) -> bool:
    """Whether the extra ``onnx`` is there."""
    return all(find(name) is not None for name in _PACKAGES)


def read_runtime(value: str | None, installed: Callable[[], bool] = is_installed) -> RuntimeChoice:
    """Return what a person chose, by ``--runtime``, or else by the variable ``ENSEMBLER_RUNTIME``, or ``auto``.

    Raises
    ------
    BadChoice
        If there is no such runtime, or it is not installed.
    """
    name = value or os.environ.get(RUNTIME_VARIABLE) or "auto"
    known: tuple[RuntimeChoice, ...] = ("auto", *get_args(Runtime))
    if name == "onnx" and not installed():
        raise BadChoice(
            "--runtime onnx needs packages that are not installed: install them with "
            "`pip install 'ensembler[onnx]'`, or choose another runtime."
        )
    for runtime in known:
        if name == runtime:
            return runtime
    raise BadChoice.from_unknown_name("runtime", name, known)


@dataclass(frozen=True)
class RuntimeTiming:
    """What one network took on one runtime of this machine.

    Attributes
    ----------
    seconds
        A photo, in batches.
    conversion
        Seconds until the runtime had the network.
    trouble
        Why it cannot run there; empty where it can.
    """

    seconds: float
    conversion: float = 0.0
    trouble: str = ""


def choose_fastest(timings: Mapping[Runtime, RuntimeTiming], photos: int) -> Runtime:
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


def _build_path(key: str) -> Path:
    return locate_user_cache() / "runtimes" / f"{key}.json"


def load_timings(key: str) -> dict[Runtime, RuntimeTiming]:
    """Return what was measured on this machine; nothing if it cannot be read."""
    try:
        return {
            name: RuntimeTiming(**data)
            for name, data in read_json(_build_path(key)).items()
            if name in get_args(Runtime)
        }
    except (BadData, TypeError, AttributeError):
        return {}


def save_timings(key: str, timings: Mapping[Runtime, RuntimeTiming]) -> None:
    """Remember what was measured; a disk that refuses costs later runs a measurement and nothing else."""
    try:
        write_json(_build_path(key), {name: asdict(each) for name, each in timings.items()})
    except StorageError:
        return
