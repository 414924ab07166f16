from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ensembler.errors import Mismatch
from ensembler.paths import CompetitionFolder
from ensembler.serialization import read_arrays, write_arrays
from ensembler.stacking.blend import Blend
from ensembler.stacking.networks import Network
from ensembler.stacking.records import load_blend, name_stack, save_blend

RANDOM = np.random.default_rng(0)
DENSE = Network(RANDOM.random(2), RANDOM.random(3), ((RANDOM.random((6, 4)), RANDOM.random(4)),), RANDOM.random((4, 3)))


@pytest.mark.parametrize(
    "blend",
    [
        Blend(False, weights=np.array([0.5, 0.5])),
        Blend(True, (Network.build_mean(2, 3),), floor=0.01, temperature=1.5, clip=0.001),
        Blend(True, (DENSE, Network(RANDOM.random(2), RANDOM.random(3), (), RANDOM.random((6, 3))))),
    ],
)
def test_a_blend_survives_its_file(tmp_path: Path, blend: Blend) -> None:
    folder = CompetitionFolder(tmp_path)
    save_blend(folder, "s", blend)
    read = load_blend(folder, "s")
    X = RANDOM.normal(size=(5, 6 if blend.networks else 2)).astype(np.float32)
    assert np.array_equal(read.predict_proba(X), blend.predict_proba(X))
    assert (read.multiclass, read.floor, read.temperature, read.clip) == (
        blend.multiclass,
        blend.floor,
        blend.temperature,
        blend.clip,
    )


@pytest.mark.parametrize("change", [{"version": np.array(99)}, {}])
def test_files_of_another_version_are_refused(tmp_path: Path, change: dict[str, np.ndarray]) -> None:
    """Version 1 has no field for the version."""
    folder = CompetitionFolder(tmp_path)
    save_blend(folder, "s", Blend(False, (Network.build_mean(2, 1),)))
    arrays = read_arrays(folder.stack("s") / "meta.npz")
    del arrays["version"]
    write_arrays(folder.stack("s") / "meta.npz", **arrays, **change)
    with pytest.raises(Mismatch, match=r"run `ensembler\.stack\(\)` again"):
        load_blend(folder, "s")


def test_long_names_are_shortened() -> None:
    assert name_stack(["b0", "b2"]) == "b0_b2"
    long = [f"member-{number}" for number in range(20)]
    assert len(name_stack(long)) <= 80
    assert name_stack(long) != name_stack(long[::-1])
