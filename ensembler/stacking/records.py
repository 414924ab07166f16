"""What is kept of a stack: its meta-learner, its predictions and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.tables import Tables
from ..storage import CompetitionFolder, fingerprint, read_arrays, write_arrays, write_json
from .meta_learner import DenseMetaLearner, DenseNetwork

LONGEST_NAME = 80


def stack_name(members: Sequence[str]) -> str:
    """Name a stack after its members, shortened by a hash where they are many."""
    name = "_".join(members)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 17]}_{fingerprint(list(members))}"


def save_meta_learner(folder: CompetitionFolder, name: str, learner: DenseMetaLearner) -> None:
    """Write the meta-learner's networks as arrays ``SEED_NUMBER``: the skip weights, then kernels and biases."""
    arrays = {
        f"{seed}_{number}": array
        for seed, network in enumerate(learner.networks_)
        for number, array in enumerate(network.arrays())
    }
    write_arrays(folder.stack(name) / "meta.npz", **arrays)


def load_meta_learner(folder: CompetitionFolder, name: str) -> list[DenseNetwork]:
    """Read what :func:`save_meta_learner` wrote."""
    arrays = read_arrays(folder.stack(name) / "meta.npz")
    places = sorted(tuple(map(int, key.split("_"))) for key in arrays)
    networks = []
    for seed in sorted({seed for seed, _ in places}):
        parts = [arrays[f"{seed}_{number}"] for of_seed, number in places if of_seed == seed]
        networks.append(DenseNetwork(parts[0], tuple(zip(parts[1::2], parts[2::2], strict=True))))
    return networks


def save_stack_predictions(
    folder: CompetitionFolder,
    name: str,
    tables: Tables,
    scored: NDArray[np.bool_],
    nested: NDArray[np.float32],
    test: NDArray[np.float32],
) -> None:
    """Write nested out-of-fold probabilities of the scored photos, and test probabilities, with ids and classes."""
    write_arrays(
        folder.stack(name) / "predictions.npz",
        out_of_fold_ids=tables.train.loc[scored, "id"].to_numpy(dtype=str),
        out_of_fold=nested,
        test_ids=tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str),
        test=test,
        classes=np.array(tables.manifest.outputs, dtype=str),
    )


def save_stack_figures(folder: CompetitionFolder, name: str, figures: dict[str, Any]) -> Path:
    """Write ``stack.json``, which says that the stack is whole."""
    path = folder.stack(name) / "stack.json"
    write_json(path, figures)
    return path
