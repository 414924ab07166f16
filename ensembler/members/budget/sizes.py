"""Ever smaller ways to train a member: smaller photos, then a frozen backbone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ...backbones.custom import CustomBackbone
from ...backbones.registry import Backbone
from ...errors import BadChoice
from ...options.declared import TrainingOptions
from ...options.reading import SINGLE_PHASE_OPTIONS
from ...options.resolve import make_settings
from ...options.settings import MemberSettings

# Smaller photos show too little of what backbones were trained to see.
MIN_IMAGE_SIZE = 96
# Networks halve their maps five times, so their sizes are multiples of 32.
_SIZE_MULTIPLE = 32
# Of the former height: a step saves about a third of the work.
_SHRINK_FACTOR = 0.82

# Settings, and where the weights come from.
SettingsAndWeights = tuple[MemberSettings, str]


def list_smaller_sizes(size: int) -> list[int]:
    """Heights in pixels below ``size``, down to 96: as ``[192, 160, 128, 96]`` for 224 pixels."""
    sizes = []
    while (size := int(size * _SHRINK_FACTOR / _SIZE_MULTIPLE + 0.5) * _SIZE_MULTIPLE) >= MIN_IMAGE_SIZE:
        sizes.append(size)
    return sizes


def list_ways_to_train(backbone: Backbone | CustomBackbone, options: TrainingOptions) -> list[SettingsAndWeights]:
    """List settings of a member: as it was asked for, then ever smaller.

    Smaller photos come first; then the backbone stays frozen, at the full size and at smaller ones. A network without
    pretrained weights is never frozen, and a person's own network keeps its size.

    Raises
    ------
    BadChoice
        If the first of them does not fit; later ones that do not are left out.
    """
    first = make_settings(backbone, options)
    sizes = [options["image_size"]]
    if not isinstance(backbone, CustomBackbone):
        sizes += list_smaller_sizes(sizes[0])
    return [first, *_iterate_smaller_ways(backbone, options, sizes, first[0])]


def _iterate_smaller_ways(
    backbone: Backbone | CustomBackbone, options: TrainingOptions, sizes: list[int], first: MemberSettings
) -> Iterator[SettingsAndWeights]:
    ways: list[dict[str, Any]] = [{**options, "image_size": size} for size in sizes[1:]]
    if not first.frozen and first.weights != "none":
        ways += [{**_freeze_options(options), "image_size": size} for size in sizes]
    for way in ways:
        try:
            yield make_settings(backbone, cast(TrainingOptions, way))
        except BadChoice:
            # There are no published weights of that size, or the network cannot be so small.
            continue


def _freeze_options(options: TrainingOptions) -> dict[str, Any]:
    kept = {name: value for name, value in options.items() if name not in (*SINGLE_PHASE_OPTIONS, "phases")}
    return {**kept, "unfreeze": "none", "head": "fitted"}
