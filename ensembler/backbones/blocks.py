"""Blocks of a backbone, derived from the names of its layers. Each family counts its blocks from the input on."""

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
    """Return the block in a layer's name, such as ``block5``, ``conv4`` or ``stage2``, or None.

    MobileNet's conv_dw_5 and MobileNetV3's expanded_conv_5 belong to ``block5`` as well.
    """
    name = layer.lower()
    for pattern in _PATTERNS:
        if match := pattern.search(name):
            word = "block" if name.startswith(("conv_", "expanded_conv")) else match["word"]
            label = word + match["number"]
            return None if label == "conv1" else label  # the stem of ResNet, DenseNet and the MobileNets
    return None


def list_blocks(layers: Sequence[str]) -> list[str]:
    """Return the block of each layer. A layer without one belongs to the block before it, ``stem`` at the start."""
    blocks, current = [], "stem"
    for layer in layers:
        current = find_block(layer) or current
        blocks.append(current)
    return blocks


def find_first_layer(layers: Sequence[str], block: str) -> int:
    """Return the index of the first layer of ``block``, which is the name of a block or of a layer.

    Raises
    ------
    BadChoice
        If the name is unknown. The message lists the blocks.
    """
    blocks = list_blocks(layers)
    for normalise in (str.lower, _strip_separators):
        for names in (blocks, layers):
            for place, name in enumerate(names):
                if normalise(name) == normalise(block):
                    return place
    there = list(dict.fromkeys(blocks))
    raise BadChoice(
        f"The network has no block {block} for `--unfreeze from:{block}`: choose one of {', '.join(there)}, or count "
        "layers with last:N."
    )


def _strip_separators(name: str) -> str:
    return re.sub(r"[_-]", "", name.lower())


def compute_depths(layers: Sequence[str]) -> list[float]:
    """Return the relative depth of each layer: 0 in the first block, 1 in the last, in equal steps in between.

    Each layer is its own block if the names contain none.
    """
    blocks = list_blocks(layers)
    order = list(dict.fromkeys(blocks))
    if len(order) < 3:
        return [place / max(1, len(layers) - 1) for place in range(len(layers))]
    return [order.index(block) / (len(order) - 1) for block in blocks]
