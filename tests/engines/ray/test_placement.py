from __future__ import annotations

import pytest

from ensembler.engines.job import Needs
from ensembler.engines.ray.placement import Demand, Node, choose_demand, count_slots
from ensembler.errors import BadChoice

SMALL, LARGE = Node("s", "small", 4, memory_bytes=100), Node("l", "large", 16, memory_bytes=400)
ONE_GPU, EIGHT_GPUS = Node("g", "one", 8, 1, 200), Node("h", "eight", 32, 8, 800)
HEAD = Node("0", "head", 0, 0, 50)


@pytest.mark.parametrize(
    ("needs", "nodes", "job_processors", "demand", "slots"),
    [
        (Needs(), [LARGE], None, Demand(16), 1),
        (Needs(), [HEAD, SMALL, LARGE], None, Demand(4), 5),
        (Needs(), [LARGE], 2, Demand(2), 8),
        (Needs(processors=1), [SMALL, LARGE], None, Demand(1), 20),
        (Needs(processors=1), [SMALL, LARGE], 8, Demand(8), 2),
        (Needs(), [ONE_GPU, LARGE], None, Demand(8, 1), 1),
        (Needs(gpus=0), [ONE_GPU, LARGE], None, Demand(8), 3),
        (Needs(gpus=1), [ONE_GPU, EIGHT_GPUS], None, Demand(4, 1), 9),
        (Needs(gpus=1), [EIGHT_GPUS, SMALL], 2, Demand(4, 1), 8),
        (Needs(gpus=8), [ONE_GPU, EIGHT_GPUS], None, Demand(32, 8), 1),
        (Needs(processors=1, memory_bytes=60), [SMALL, LARGE], None, Demand(1, 0, 60), 7),
        (Needs(memory_bytes=10**9), [SMALL, LARGE], None, Demand(4, 0, 400), 1),
    ],
)
def test_a_job_reserves_what_it_needs_of_a_machine(
    needs: Needs, nodes: list[Node], job_processors: int | None, demand: Demand, slots: int
) -> None:
    assert choose_demand(needs, nodes, job_processors) == demand
    assert count_slots(demand, nodes) == slots


@pytest.mark.parametrize(
    ("needs", "nodes", "job_processors", "words"),
    [
        (Needs(gpus=1), [SMALL, LARGE], None, r"needs 1 GPU of one machine, but none of the 2 nodes"),
        (Needs(gpus=2), [ONE_GPU, ONE_GPU], None, r"needs 2 GPUs .* at most 1 GPUs: add"),
        (Needs(), [HEAD], None, r"needs a processor"),
        (Needs(), [], None, r"none of the 0 nodes"),
        (Needs(), [SMALL, LARGE], 17, r"job_processors must be at most 16.*Received: 17"),
    ],
)
def test_what_no_node_has_is_an_error_at_once(
    needs: Needs, nodes: list[Node], job_processors: int | None, words: str
) -> None:
    with pytest.raises(BadChoice, match=words):
        choose_demand(needs, nodes, job_processors)


def test_a_demand_is_told_in_words() -> None:
    assert str(Demand(1)) == "1 processor"
    assert str(Demand(4, 2, 3 * 2**30)) == "4 processors, 2 GPUs, 3.0 GiB of memory"
