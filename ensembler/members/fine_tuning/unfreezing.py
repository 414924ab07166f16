"""What is trained of a backbone and what stays as it was pretrained."""

from __future__ import annotations

from typing import Any

from keras import layers


def freeze_batch_norm(model: Any) -> None:
    """Keep BatchNormalization in inference mode, at any depth of ``model``."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False
        elif hasattr(layer, "layers"):
            freeze_batch_norm(layer)
