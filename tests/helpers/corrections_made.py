"""Tables of a few photos, whose labels tests correct."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from helpers.answers_made import BINARY, MULTILABEL

from ensembler.competition.folds.folds import Folds
from ensembler.competition.tables import Tables

PETS = ("cat", "dog", "cat", "dog", "cat", "dog")
TAGS = ("a|b", "", "b|c", "a", "c", "b")


def make_tables(labels: tuple[str, ...] = PETS) -> Tables:
    """Photos ``1``, ``2`` and so on, of pets or with tags."""
    manifest = MULTILABEL if any("|" in label for label in labels) else BINARY
    ids = [str(number) for number in range(1, len(labels) + 1)]
    paths = [f"train/{one}.png" for one in ids]
    train = pd.DataFrame({"id": ids, "path": paths, "label": labels, "group": ""}, dtype=str)
    return Tables(manifest, Path("photos"), train, pd.DataFrame({"id": ["9"], "path": ["test/9.png"]}))


def make_folds(tables: Tables, count: int = 2) -> Folds:
    """Two photos of each fold follow each other."""
    assigned = np.arange(len(tables.train)) // 2 % max(2, count)
    one = np.where(assigned == 0, 0, -1)
    return Folds((assigned if count > 1 else one)[:, None], count, tables.train["label"], tables.train["group"])
