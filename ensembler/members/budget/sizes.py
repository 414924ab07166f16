"""Ever smaller ways to train a member: smaller photos, then a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ...backbones.custom import OwnBackbone
from ...backbones.registry import Backbone
from ...errors import BadChoice
from ...options.declared import TrainingOptions
from ...options.reading import SINGLE_PHASE
from ...options.resolve import settings_from
from ...options.settings import MemberSettings

# Smaller photos show too little of what backbones were trained to see.
LEAST_SIZE = 96
# Networks halve their maps five times, so their sizes are multiples of 32.
_MULTIPLE = 32
# Of the former height: a step saves about a third of the work.
_STEP = 0.82

# Settings, and where the weights come from.
Settled = tuple[MemberSettings, str]


def smaller_sizes(size: int) -> list[int]:
    """Heights in pixels below ``size``, down to 96: as ``[192, 160, 128, 96]`` for 224 pixels."""
    found = []
    while (size := int(size * _STEP / _MULTIPLE + 0.5) * _MULTIPLE) >= LEAST_SIZE:
        found.append(size)
    return found


def ways_to_train(backbone: Backbone | OwnBackbone, options: TrainingOptions) -> list[Settled]:
    """List settings of a member: as it was asked for, then ever smaller.

    Smaller photos come first; then the backbone stays frozen, at the full size and at smaller ones. A network without
    pretrained weights is never frozen, and a person's own network keeps its size.

    Raises
    ------
    BadChoice
        If the first of them does not fit; later ones that do not are left out.
    """
    first = settings_from(backbone, options)
    sizes = [options["image_size"]]
    if not isinstance(backbone, OwnBackbone):
        sizes += smaller_sizes(sizes[0])
    return [first, *_later(backbone, options, sizes, first[0])]


def _later(
    backbone: Backbone | OwnBackbone, options: TrainingOptions, sizes: list[int], first: MemberSettings
) -> Iterator[Settled]:
    ways: list[dict[str, Any]] = [{**options, "image_size": size} for size in sizes[1:]]
    if not first.frozen and first.weights != "none":
        ways += [{**_frozen(options), "image_size": size} for size in sizes]
    for way in ways:
        try:
            yield settings_from(backbone, cast(TrainingOptions, way))
        except BadChoice:
            # There are no published weights of that size, or the network cannot be so small.
            continue


def _frozen(options: TrainingOptions) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in (*SINGLE_PHASE, "phases")}
    return {**kept, "unfreeze": "none", "head": "fitted"}
