"""Smaller ways to train a member: smaller photos, then a frozen backbone."""

from __future__ import annotations

import contextlib
from typing import Any, cast

from ...backbones.registry import Backbone
from ...errors import BadChoice
from ...options.declared import TrainingOptions
from ...options.reading import SINGLE_PHASE_OPTIONS
from ...options.resolve import make_settings
from ...options.settings import MemberSettings

# Backbones were trained on larger photos, so smaller ones show too few details.
MIN_IMAGE_SIZE = 96
# Networks halve their feature maps five times, so sizes are multiples of 32.
_SIZE_MULTIPLE = 32
# Ratio of two successive sizes. Each step saves about a third of the work.
_SHRINK_FACTOR = 0.82

# Settings, and source of the weights.
SettingsAndWeights = tuple[MemberSettings, str]


def list_smaller_sizes(size: int) -> list[int]:
    """Return heights in pixels below ``size``, down to 96, such as ``[192, 160, 128, 96]`` for 224."""
    sizes = []
    while (size := int(size * _SHRINK_FACTOR / _SIZE_MULTIPLE + 0.5) * _SIZE_MULTIPLE) >= MIN_IMAGE_SIZE:
        sizes.append(size)
    return sizes


def list_ways_to_train(backbone: Backbone, options: TrainingOptions) -> list[SettingsAndWeights]:
    """List settings of a member: as requested, then smaller and smaller.

    Smaller photos come first. Then the backbone is frozen, at the full size and at smaller ones. A network without
    pretrained weights is never frozen, and a custom network keeps its size.

    Raises
    ------
    BadChoice
        If the requested settings are impossible. Later impossible settings are omitted.
    """
    ways = [make_settings(backbone, options)]
    first, sizes = ways[0][0], [options["image_size"]]
    if not backbone.is_custom:
        sizes += list_smaller_sizes(sizes[0])
    smaller: list[dict[str, Any]] = [{**options, "image_size": size} for size in sizes[1:]]
    if not first.frozen and first.weights != "none":
        kept = {name: value for name, value in options.items() if name not in (*SINGLE_PHASE_OPTIONS, "phases")}
        smaller += [{**kept, "unfreeze": "none", "head": "fitted", "image_size": size} for size in sizes]
    for way in smaller:
        # No weights may be published for this size, or the network cannot be this small.
        with contextlib.suppress(BadChoice):
            ways.append(make_settings(backbone, cast(TrainingOptions, way)))
    return ways
