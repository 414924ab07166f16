"""The files of a stack: its meta-learner and its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..competition.corrections.corrections import Corrections, save_corrections
from ..competition.tables import Tables
from ..errors import Mismatch
from ..heads.links import Float32Array
from ..options.corrections import CORRECTIONS_FILE
from ..paths import CompetitionFolder
from ..serialization import compute_fingerprint, read_arrays, write_arrays
from ..storage import remove_file
from .blend import Blend
from .networks import Network

MAX_NAME_LENGTH = 80
# Number of photos on which ``stack.keras`` is checked.
CHECKED_PHOTOS = 16
# Version of the format of ``meta.npz``. Version 1 has no such field.
BLEND_VERSION = 2


def name_stack(members: Sequence[str], *, refit: bool = False) -> str:
    """Name a stack after its members. A hash shortens long names."""
    name = "_".join([*members, "refit"] if refit else members)
    if len(name) <= MAX_NAME_LENGTH:
        return name
    return f"{name[: MAX_NAME_LENGTH - 17]}_{compute_fingerprint(list(members))}"


def save_blend(folder: CompetitionFolder, name: str, blend: Blend) -> None:
    """Write ``meta.npz``: the weights of members' probabilities, or the arrays of each network."""
    scalars = {name: getattr(blend, name) for name in ("floor", "temperature", "clip")}
    arrays: dict[str, Any] = {"version": BLEND_VERSION, "exclusive": blend.multiclass, **scalars}
    if blend.weights is not None:
        arrays["weights"] = blend.weights
    for number, network in enumerate(blend.networks):
        arrays |= {f"{number}_skip": network.skip, f"{number}_bias": network.bias}
        for place, (kernel, bias) in enumerate(network.hidden):
            arrays |= {f"{number}_kernel_{place}": kernel, f"{number}_bias_{place}": bias}
        if network.last is not None:
            arrays[f"{number}_last"] = network.last
    write_arrays(folder.stack(name) / "meta.npz", **{key: np.asarray(value) for key, value in arrays.items()})


def load_blend(folder: CompetitionFolder, name: str) -> Blend:
    """Read the file that :func:`save_blend` wrote.

    Raises
    ------
    Mismatch
        If another version wrote it.
    """
    path = folder.stack(name) / "meta.npz"
    arrays = read_arrays(path)
    version = int(arrays["version"]) if "version" in arrays else 1
    if version != BLEND_VERSION:
        raise Mismatch(f"{path} has format version {version}, expected {BLEND_VERSION}: run `ensembler stack` again.")
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


def save_stack_corrections(folder: CompetitionFolder, name: str, corrections: Corrections) -> None:
    """Write the corrections of the data on which a stack was fitted, or remove those of an earlier stack."""
    path = folder.stack(name) / CORRECTIONS_FILE
    if corrections:
        save_corrections(path, corrections)
    else:
        remove_file(path)


def save_stack_predictions(
    folder: CompetitionFolder,
    name: str,
    tables: Tables,
    scored: NDArray[np.bool_],
    nested: Float32Array,
    test: Float32Array,
) -> None:
    """Write nested probabilities of the scored photos and probabilities of the test photos, with ids and classes."""
    write_arrays(
        folder.stack(name) / "predictions.npz",
        out_of_fold_ids=tables.train.loc[scored, "id"].to_numpy(dtype=str),
        out_of_fold=nested,
        test_ids=tables.test.loc[tables.readable_test, "id"].to_numpy(dtype=str),
        test=test,
        classes=np.array(tables.manifest.outputs, dtype=str),
    )
