"""Blocks of a backbone, told by the names of its layers: each family counts its own, from the pixels on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import BadChoice

# As keras.applications names them: conv4_block6_2_conv in ResNet and DenseNet, conv_dw_13 in MobileNet,
# expanded_conv_10_project in MobileNetV3, convnext_tiny_stage_2_block_0_gamma, block6a_expand_conv in EfficientNet,
# block_16_project in MobileNetV2, block5_conv1 in VGG, block14_sepconv1 in Xception, mixed7 in Inception.
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?P<word>conv)(?P<number>\d+)_",
        r"^(?P<word>conv)_(?:dw|pw|pad)_(?P<number>\d+)",
        r"^(?P<word>expanded_conv)_(?P<number>\d+)_",
        r"(?P<word>stage)_?(?P<number>\d+)",
        r"^(?P<word>block)_?(?P<number>\d+)",
        r"^(?P<word>mixed)_?(?P<number>\d+[a-z]?)",
    )
)


def find_block(layer: str) -> str | None:
    """Name the block that a layer's name tells, such as ``block5``, ``conv4``, ``stage2``; None if it tells none.

    MobileNet's conv_dw_5 and MobileNetV3's expanded_conv_5 are ``block5`` too, as they are for a person.
    """
    name = layer.lower()
    for pattern in _PATTERNS:
        if match := pattern.search(name):
            word = "block" if name.startswith(("conv_", "expanded_conv")) else match["word"]
            label = word + match["number"]
            return None if label == "conv1" else label  # the stem of ResNet, DenseNet and the MobileNets
    return None


def list_blocks(layers: Sequence[str]) -> list[str]:
    """Give each layer a block: its own, else that of the layer before it; ``stem`` before the first."""
    blocks, current = [], "stem"
    for layer in layers:
        current = find_block(layer) or current
        blocks.append(current)
    return blocks


def find_first_layer(layers: Sequence[str], block: str) -> int:
    """Find where ``block`` begins, a block's or a layer's name.

    Raises
    ------
    BadChoice
        If there is none of that name; those that there are get told.
    """
    blocks = list_blocks(layers)
    for normalise in (str.lower, _strip_separators):
        for names in (blocks, layers):
            for place, name in enumerate(names):
                if normalise(name) == normalise(block):
                    return place
    there = list(dict.fromkeys(blocks))
    raise BadChoice(
        f"The network has no block {block} for --unfreeze from:{block}: name {', '.join(there)}, or count "
        "layers by last:N."
    )


def _strip_separators(name: str) -> str:
    return re.sub(r"[_-]", "", name.lower())


def compute_depths(layers: Sequence[str]) -> list[float]:
    """Say how deep each layer lies: 0 in the first block, 1 in the last, in equal steps between.

    Layers count by themselves where their names tell no blocks.
    """
    blocks = list_blocks(layers)
    order = list(dict.fromkeys(blocks))
    if len(order) < 3:
        return [place / max(1, len(layers) - 1) for place in range(len(layers))]
    return [order.index(block) / (len(order) - 1) for block in blocks]
