"""What the nodes of a cluster are for the defaults of training."""

from __future__ import annotations

import pytest
from helpers.photos import Heard

from ensembler.engines.hardware import Gpu, Hardware

pytest.importorskip("ray")
from ensembler.engines.ray.engine import summarise_nodes

A100, T4 = Gpu("A100", 80, (8, 0), "GPU-a"), Gpu("T4", 16, (7, 5), "GPU-t")


@pytest.mark.parametrize(
    ("found", "gpus", "memory", "told"),
    [
        ([("a", Hardware((), 64)), ("b", Hardware((), 32))], [], 32, []),
        ([("a", Hardware((A100, A100), 64)), ("b", Hardware((A100,), 32))], [("A100", 80, (8, 0))], 32, []),
        ([("a", Hardware((A100, A100), 64)), ("b", Hardware((), 32))], [("A100", 80, (8, 0))] * 2, 32, []),
        (
            [("a", Hardware((A100, A100), 64)), ("b", Hardware((T4, T4), 64))],
            [("T4", 16, (7, 5))] * 2,
            64,
            ["The GPUs of the cluster differ: settings are chosen for the smallest, the T4 of b."],
        ),
        ([("a", Hardware((), 64, "No driver."))], [], 64, ["Warning: a: No driver."]),
    ],
    ids=["processors", "fewest GPUs", "nodes without", "mixed", "a problem"],
)
def test_each_job_finds_at_least_this(
    found: list[tuple[str, Hardware]], gpus: list[tuple[object, ...]], memory: int, told: list[str]
) -> None:
    heard = Heard()
    hardware = summarise_nodes(found, heard)
    assert [(gpu.name, gpu.memory_bytes, gpu.compute_capability) for gpu in hardware.gpus] == gpus
    assert hardware.memory_bytes == memory
    assert heard.told == told
