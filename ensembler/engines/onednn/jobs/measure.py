"""The job that times a network as its process computes, with oneDNN or without."""

from __future__ import annotations

from typing import Any

from ....backbones.jobs.build import build_backbone
from ....backbones.registry import find_backbone
from ....inference.timing import noise, seconds_each
from ....progress import Progress

# A network of the kind that most members are, and photos of which a batch takes a fraction of a second.
_BACKBONE, _SIZE, _BATCH, _TIMES = "mobilenetv2", 160, 16, 10


def time_network(told: dict[str, Any], progress: Progress) -> float:
    """Return the seconds of a batch: the least of several, since other work on the machine only adds to it."""
    del told, progress
    network = build_backbone(find_backbone(_BACKBONE), _SIZE, "none", 0)
    network.compile(jit_compile=False)
    return min(seconds_each(network, noise(_BATCH, _SIZE), _TIMES))
