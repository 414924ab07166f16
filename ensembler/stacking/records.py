"""What is kept of a stack: its meta-learner, its predictions and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.tables import Tables
from ..errors import Mismatch
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, read_arrays, write_arrays, write_json
from .blend import Blend
from .networks import Network

MAX_NAME_LENGTH = 80
# Of the form of ``meta.npz``; the first had no number in it.
BLEND_VERSION = 2


def name_stack(members: Sequence[str], *, refit: bool = False) -> str:
    """Name a stack after its members, shortened by a hash where they are many."""
    name = "_".join([*members, "refit"] if refit else members)
    return (
        name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 17]}_{compute_fingerprint(list(members))}"
    )


def save_blend(folder: CompetitionFolder, name: str, blend: Blend) -> None:
    """Write ``meta.npz``: the weights of members' probabilities, or each network's arrays by their place in it."""
    arrays: dict[str, Any] = {
        "version": np.array(BLEND_VERSION),
        "exclusive": np.array(blend.multiclass),
        "floor": np.array(blend.floor),
        "temperature": np.array(blend.temperature),
        "clip": np.array(blend.clip),
    }
    if blend.weights is not None:
        arrays["weights"] = blend.weights
    for number, network in enumerate(blend.networks):
        arrays |= {f"{number}_skip": network.skip, f"{number}_bias": network.bias}
        for place, (kernel, bias) in enumerate(network.hidden):
            arrays |= {f"{number}_kernel_{place}": kernel, f"{number}_bias_{place}": bias}
        if network.last is not None:
            arrays[f"{number}_last"] = network.last
    write_arrays(folder.stack(name) / "meta.npz", **arrays)


def load_blend(folder: CompetitionFolder, name: str) -> Blend:
    """Read what :func:`save_blend` wrote.

    Raises
    ------
    Mismatch
        If another version wrote it.
    """
    path = folder.stack(name) / "meta.npz"
    arrays = read_arrays(path)
    version = int(arrays["version"]) if "version" in arrays else 1
    if version != BLEND_VERSION:
        raise Mismatch(
            f"{path} has the form {version}, this version reads {BLEND_VERSION}: run `ensembler stack` again."
        )
    return Blend(
        bool(arrays["exclusive"]),
        tuple(_build_network(arrays, number) for number in range(sum(key.endswith("_skip") for key in arrays))),
        arrays.get("weights"),
        float(arrays["floor"]),
        float(arrays["temperature"]),
        float(arrays["clip"]),
    )


def _build_network(arrays: dict[str, NDArray[Any]], number: int) -> Network:
    layers = sum(key.startswith(f"{number}_kernel_") for key in arrays)
    hidden = tuple((arrays[f"{number}_kernel_{place}"], arrays[f"{number}_bias_{place}"]) for place in range(layers))
    return Network(arrays[f"{number}_skip"], arrays[f"{number}_bias"], hidden, arrays.get(f"{number}_last"))


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
