"""Pairs of photos by their names, such as the left and the right eye of one patient."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from ..photo_names import extract_stem

_SIDE = re.compile(r"(?:^|(?<=[\W_]))(left|right)(?=[\W_]|$)")
# Smallest share of photos whose other side is present.
_MIN_PAIRED_SHARE = 0.9


def pair_names(paths: Sequence[str]) -> pd.Series:
    """Return the name of each photo's pair, by its path: ``10`` for ``10_left.jpeg`` and ``10_right.jpeg``."""
    stems = {path: extract_stem(path).lower() for path in paths if _find_side(path)}
    names = {path: re.sub(r"[\W_]+", "_", _SIDE.sub("", stem)).strip("_") for path, stem in stems.items()}
    return pd.Series({path: name for path, name in names.items() if name}, dtype=str)


def are_in_pairs(labels: pd.Series) -> bool:
    """Return whether nearly all photos are in pairs and left and right are not the labels; ``labels`` are by path."""
    sides = pd.Series([_find_side(path) for path in labels.index], index=labels.index, dtype=str)
    names = pair_names(list(labels.index))
    whole = names[sides[names.index].groupby(names).transform("nunique") == 2]
    if not len(labels) or len(whole) < _MIN_PAIRED_SHARE * len(labels):
        return False
    return len(pd.DataFrame({"side": sides, "label": labels}).drop_duplicates()) > labels.nunique()


def _find_side(path: str) -> str:
    sides = _SIDE.findall(extract_stem(path).lower())
    return str(sides[0]) if len(sides) == 1 else ""
