"""The order of jobs, and a simulation of many jobs on few slots by the very queue that engines use."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensembler.engines.job import Job, Needs
from ensembler.engines.scheduling import JobQueue


def make_job(name: str, seconds: float | None = None, work: float = 0.0, *after: str, member: str = "") -> Job:
    return Job(name, "m:f", {}, member, seconds=seconds, work=work, after=after)


def drain(queue: JobQueue) -> list[str]:
    """Run all jobs in turn, and return their names in order."""
    order = []
    while job := queue.take():
        order.append(job.name)
        queue.end(job, 1.0)
    return order


def simulate(jobs: Sequence[Job], slots: int, seconds: Callable[[Job], float]) -> float:
    """Return the time at which the last job ends."""
    queue, now = JobQueue(jobs, slots), 0.0
    running: list[tuple[float, str, Job]] = []
    while queue:
        while len(running) < slots and (job := queue.take()):
            heapq.heappush(running, (now + seconds(job), job.name, job))
        now, _, ended = heapq.heappop(running)
        queue.end(ended, seconds(ended))
    return now


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        pytest.param([make_job("a", 1), make_job("b", 3), make_job("c", 2)], "bca", id="longest first"),
        pytest.param([make_job("a", 3), make_job("b", 1), make_job("c", 9, 0, "b")], "bca", id="longest chain first"),
        pytest.param([make_job("a", None, 5), make_job("b", None, 9)], "ba", id="work alone"),
        pytest.param([make_job("a"), make_job("b"), make_job("c")], "abc", id="nothing known"),
        pytest.param([make_job("a", 5), make_job("b"), make_job("c", 9)], "bca", id="unknown is as long as any"),
        pytest.param(
            [make_job("a", 10, 5), make_job("b", None, 9), make_job("c", 12)], "bca", id="speed of planned jobs"
        ),
        pytest.param([make_job("a", 1), make_job("b", 1)], "ab", id="planned order among equals"),
    ],
)
def test_the_order(jobs: list[Job], expected: str) -> None:
    assert "".join(drain(JobQueue(jobs, 2))) == expected


def test_one_slot_keeps_the_planned_order_except_for_what_must_come_first() -> None:
    jobs = [make_job("a", 1), make_job("b", 9, 0, "c"), make_job("c", 2), make_job("d", 5)]
    assert "".join(drain(JobQueue(jobs, 1))) == "acbd"


def test_measured_speeds_of_members_reorder_the_rest() -> None:
    jobs = [make_job(f"{member}{n}", None, 9 - n, member=member) for member in "xy" for n in range(3)]
    queue = JobQueue(jobs, 2)
    first, second = queue.take(), queue.take()
    assert first is not None
    assert second is not None
    assert (first.name, second.name) == ("x0", "y0")
    queue.end(first, 1.0)
    queue.end(second, 100.0)
    # By work alone, x1 and y1 would be equal.
    assert drain(queue) == ["y1", "y2", "x1", "x2"]


def test_a_job_waits_for_all_that_come_before_it() -> None:
    queue = JobQueue([make_job("a", 1), make_job("b", 1), make_job("c", 1, 0, "a", "b")], 3)
    a, b = queue.take(), queue.take()
    assert a is not None
    assert b is not None
    assert queue.take() is None
    queue.end(a, 1)
    assert queue.take() is None
    assert queue.waiting == 1
    queue.end(b, 1)
    assert drain(queue) == ["c"]
    assert not queue


def test_after_a_failure_the_jobs_that_can_never_run_are_named_once() -> None:
    jobs = [
        make_job("d", 1, 0, "c"),
        make_job("a", 5),
        make_job("b", 1),
        make_job("c", 1, 0, "a", "b"),
        make_job("e", 1, 0, "b"),
    ]
    queue = JobQueue(jobs, 2)
    a = queue.take()
    assert a
    assert a.name == "a"
    assert [job.name for job in queue.end(a, 1, failed=True)] == ["d", "c"]
    assert drain(queue) == ["b", "e"]
    assert not queue


def test_a_job_of_a_lost_machine_runs_again() -> None:
    queue = JobQueue([make_job("a", 1), make_job("b", 2), make_job("c", 9, 0, "b")], 2)
    b = queue.take()
    assert b
    queue.put_back(b)
    assert drain(queue) == ["b", "c", "a"]


def test_what_does_not_fit_is_passed_over() -> None:
    large = Job("large", "m:f", {}, seconds=9, needs=Needs(gpus=2))
    queue = JobQueue([large, make_job("small", 1)], 2)
    taken = queue.take(lambda job: (job.needs.gpus or 0) < 2)
    assert taken
    assert taken.name == "small"
    assert queue.take(lambda job: (job.needs.gpus or 0) < 2) is None
    assert drain(queue) == ["large"]


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([make_job("a"), make_job("a")], "Two jobs are named a"),
        ([make_job("a", 1, 0, "b")], "unknown jobs: b"),
        ([make_job("a", 1, 0, "b"), make_job("b", 1, 0, "a"), make_job("c")], "wait for each other: a, b"),
    ],
)
def test_impossible_plans(jobs: list[Job], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JobQueue(jobs, 2)


def draw_lengths(distribution: str, random: np.random.Generator, count: int) -> list[float]:
    match distribution:
        case "lognormal":
            lengths = random.lognormal(3.0, 1.0, count)
        case "pareto":
            lengths = 10 * (1 + random.pareto(1.5, count))
        case "two kinds":
            lengths = np.where(random.random(count) < 0.1, 300.0, 20.0)
        case _:
            lengths = np.full(count, 60.0)
    return [float(length) for length in lengths]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("distribution", ["lognormal", "pareto", "two kinds", "equal"])
def test_a_thousand_skewed_jobs_on_64_slots_end_within_a_tenth_of_the_lower_bound(distribution: str, seed: int) -> None:
    lengths = draw_lengths(distribution, np.random.default_rng(seed), 1000)
    jobs = [make_job(f"job-{number}", length) for number, length in enumerate(lengths)]
    bound = max(sum(lengths) / 64, max(lengths))
    assert simulate(jobs, 64, lambda job: job.seconds or 0.0) <= 1.1 * bound


@pytest.mark.parametrize("seed", range(3))
def test_chains_end_within_a_tenth_of_the_lower_bound(seed: int) -> None:
    # Each member's features in shards, and the heads or folds that wait for all of them.
    random = np.random.default_rng(seed)
    jobs: list[Job] = []
    bound = 0.0
    for member in range(100):
        shards, folds = random.lognormal(3.0, 1.0, 5), random.lognormal(3.0, 1.0, 5)
        names = [f"{member}-shard-{number}" for number in range(5)]
        jobs += [make_job(name, float(length)) for name, length in zip(names, shards, strict=True)]
        jobs += [make_job(f"{member}-fold-{n}", float(length), 0, *names) for n, length in enumerate(folds)]
        bound = max(bound, float(max(shards) + max(folds)))
    bound = max(bound, sum(job.seconds or 0.0 for job in jobs) / 64)
    assert simulate(jobs, 64, lambda job: job.seconds or 0.0) <= 1.1 * bound


@pytest.mark.parametrize("seed", range(3))
def test_lengths_that_are_measured_on_the_way_nearly_suffice(seed: int) -> None:
    # Only works are known; the members' speeds differ tenfold.
    random = np.random.default_rng(seed)
    speeds = random.uniform(1, 10, 50)
    works = random.lognormal(3.0, 1.0, 1000)
    jobs = [make_job(f"{n}", None, float(work), member=f"{n % 50}") for n, work in enumerate(works)]

    def measure(job: Job) -> float:
        return job.work / float(speeds[int(job.member)])

    lengths = [measure(job) for job in jobs]
    assert simulate(jobs, 64, measure) <= 1.2 * max(sum(lengths) / 64, max(lengths))


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.floats(0.1, 1000), min_size=1, max_size=40),
    links=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=40),
    slots=st.integers(1, 8),
)
def test_every_job_runs_once_after_what_it_waits_for_within_grahams_bound(
    lengths: list[float], links: list[tuple[int, int]], slots: int
) -> None:
    after = {n: sorted({str(a) for a, b in links if b == n and a < n}) for n in range(len(lengths))}
    jobs = [make_job(str(n), length, 0, *after[n]) for n, length in enumerate(lengths)]
    chains: list[float] = []
    for n, length in enumerate(lengths):
        chains.append(length + max((chains[int(name)] for name in after[n]), default=0.0))
    order = drain(JobQueue(jobs, slots))
    assert sorted(order) == sorted(job.name for job in jobs)
    assert all(order.index(name) < order.index(job.name) for job in jobs for name in job.after)
    ended = simulate(jobs, slots, lambda job: job.seconds or 0.0)
    assert ended <= sum(lengths) / slots + max(chains) + 1e-6
