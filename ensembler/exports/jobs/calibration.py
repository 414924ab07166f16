"""Training photos on which the ranges of a quantised network are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...competition.pixels import PixelRule
from ...errors import BadData
from ...images.decoding import decode_at_sizes

Sample = dict[str, NDArray[np.float32]]


class CalibrationPhotos:
    """Photos as samples of one each, by the names of a network's inputs. They are decoded again at each pass.

    Parameters
    ----------
    paths
        Photos to decode.
    sizes
        Heights and widths, by the names of the inputs.
    rule
        The competition's rule of pixels.
    """

    def __init__(self, paths: Sequence[Path], sizes: dict[str, int], rule: PixelRule) -> None:
        if not paths:
            raise BadData("quantisation to int8 needs training photos: choose `--quantize none`, or fp16")
        self._paths = paths
        self._sizes = sizes
        self._rule = rule

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Sample]:
        for path in self._paths:
            pixels = decode_at_sizes(path, list(self._sizes.values()), self._rule)
            arrays = (each[None].astype(np.float32) for each in pixels)
            yield dict(zip(self._sizes, arrays, strict=True))
