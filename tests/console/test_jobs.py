"""Progress of tasks and jobs and their remaining time, with a manual clock."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.job_events import planned

from ensembler.console.jobs import Jobs, RunningJob, TaskState
from ensembler.events import JobBegan, JobEnded, JobsPlanned, PlannedJob, TaskBegan, WorkAhead


def make_task(label: str = "a", total: int = 100, began: float = 0, photos: float = 0, work: float = 0) -> TaskState:
    return TaskState(TaskBegan("1", label, total, photos=photos, work=work), began)


@pytest.mark.parametrize(("label", "what"), [("b0, fold 2: fine-tune", "fine-tune"), ("meta-learner", "meta-learner")])
def test_the_activity_follows_the_colon(label: str, what: str) -> None:
    assert make_task(label).activity == what


def test_the_remaining_time_follows_from_the_speed_so_far() -> None:
    task = make_task()
    assert task.estimate_seconds_left(5) is None
    task.advance(10, 10)
    assert task.rate is None
    assert task.advance(20, 20) == (20, 10)
    # A fifth of all steps is enough.
    assert task.rate == 2
    assert task.estimate_seconds_left(20) == 35
    assert task.estimate_seconds_left(25) == 30
    assert task.estimate_seconds_left(99) == 0


def test_a_rate_needs_several_steps() -> None:
    task = make_task(total=1000)
    for number in range(9):
        assert task.rate is None
        task.advance(10, 10 + 5 * number)
    assert task.rate == 2


def test_a_task_of_unknown_length_has_no_remaining_time() -> None:
    task = make_task(total=0)
    task.advance(1, 1)
    task.advance(1, 2)
    assert task.estimate_seconds_left(2) is None


def begun(jobs: Jobs, name: str, now: float) -> RunningJob:
    jobs.apply_event(JobBegan(1, job=name), now)
    return jobs.running[name]


def worked(job: RunningJob, now: float, steps: int, seconds: float, work: float = 1.0) -> float:
    """Advance evenly after one step that compiles. Return the time."""
    task = make_task(f"{job.plan.job}: fine-tune", 1000, now, photos=8, work=work)
    job.tasks["1"] = task
    job.advance(task, 1, now)
    for _ in range(steps):
        now += seconds
        job.advance(task, 1, now)
    return now


def test_jobs_are_counted() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 10), ("a-1", "a", 1, 10)), 0)
    begun(jobs, "a-0", 0)
    assert (jobs.done, jobs.planned, len(jobs.running), len(jobs.waiting)) == (0, 2, 1, 1)
    jobs.apply_event(JobEnded(5.0, job="a-0"), 5)
    jobs.apply_event(planned(("stack", "", 0, 0)), 5)
    assert (jobs.done, jobs.planned) == (1, 3)


def test_nothing_is_estimated_before_anything_was_measured() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 10)), 0)
    assert jobs.estimate_seconds_left(0) is None
    job = begun(jobs, "a-0", 0)
    assert (jobs.estimate_seconds_left(3), jobs.estimate_job_seconds_left(job, 3)) == (None, None)


def test_a_job_is_measured_and_its_members_other_folds_follow_from_it() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 101), ("a-1", "a", 1, 101), ("b-0", "b", 0, 202)), 0)
    job = begun(jobs, "a-0", 0)
    now = worked(job, 20, 50, 0.5)  # two steps a second, after 20 seconds of starting up
    assert jobs.estimate_job_seconds_left(job, now) == pytest.approx(25)
    assert jobs.estimate_job_seconds_left(job, now + 5) == pytest.approx(20), "it decreases between reports"
    assert jobs.estimate_seconds_left(now) == pytest.approx(25 + 101 / 2 + 202 / 2)
    jobs.apply_event(JobEnded(101.0, job="a-0"), 101)
    # Once a job is done, what it needed beside its work counts too, once for each job.
    assert jobs.estimate_seconds_left(101) == pytest.approx((101 + 202) / 2 + 2 * (101 - 49 / 2))


def test_a_members_own_speed_wins_over_that_of_others() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 100), ("b-0", "b", 0, 100), ("b-1", "b", 1, 100)), 0)
    for name, seconds in (("a-0", 100.0), ("b-0", 400.0)):
        begun(jobs, name, 0)
        jobs.apply_event(JobEnded(seconds, job=name), 0)
    assert jobs.estimate_seconds_left(0) == pytest.approx(400)


def test_jobs_at_once_share_the_time_but_none_ends_before_its_own() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 101), ("a-1", "a", 1, 11), parallel=2), 0)
    first, second = begun(jobs, "a-0", 0), begun(jobs, "a-1", 0)
    worked(first, 0, 10, 1.0)
    worked(second, 0, 10, 1.0)
    assert jobs.estimate_seconds_left(10) == pytest.approx(90)


def test_the_first_advance_of_a_task_does_not_count() -> None:
    """It includes compilation, or reports the steps of an earlier run."""
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 100)), 0)
    job = begun(jobs, "a-0", 0)
    task = make_task("a-0: fine-tune", photos=8, work=1)
    job.tasks["1"] = task
    for steps, now in ((50, 60), *((1, 60 + number) for number in range(1, 9))):
        job.advance(task, steps, now)
    assert job.speed == pytest.approx(1)
    assert jobs.estimate_job_seconds_left(job, 68) == pytest.approx(42)
    assert job.photos_a_second == pytest.approx(8)


def test_a_job_corrects_what_was_planned() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 1000)), 0)
    job = begun(jobs, "a-0", 0)
    now = worked(job, 0, 10, 1.0)
    job.apply_event(WorkAhead(20))
    assert jobs.estimate_job_seconds_left(job, now) == pytest.approx(20)
    assert jobs.share == pytest.approx(0.98)


def test_work_that_was_not_planned_is_estimated_by_its_own_speed() -> None:
    jobs = Jobs()
    jobs.apply_event(JobsPlanned((PlannedJob("stack"),), 1), 0)
    job = begun(jobs, "stack", 0)
    worked(job, 0, 9, 1.0, work=0)
    assert jobs.estimate_seconds_left(9) == pytest.approx(990)
    assert jobs.share is None


def test_a_failed_job_gives_no_speed() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 10), ("a-1", "a", 1, 10)), 0)
    begun(jobs, "a-0", 0)
    jobs.apply_event(JobEnded(0.1, "It died.", job="a-0"), 0)
    assert jobs.estimate_seconds_left(1) is None


def stream(*parts: tuple[int, float], repeat: int = 1) -> list[tuple[int, float]]:
    return list(parts) * repeat


# Steps of 32 photos and their seconds. A slow first one compiles, measures runtimes, or waits for photos.
STREAMS = {
    "even": stream((32, 0.5), repeat=40),
    "a first step that compiles": [(32, 40.0), *stream((32, 0.5), repeat=40)],
    # Frozen features report what an earlier run did, also if that is nothing.
    "nothing done before, then a step that compiles": [(0, 0.001), (32, 60.0), *stream((32, 0.5), repeat=75)],
    "half done before, then a step that compiles": [(1200, 0.001), (32, 60.0), *stream((32, 0.5), repeat=37)],
    "two slow steps": [(32, 20.0), (32, 15.0), *stream((32, 0.5), repeat=60)],
    "photos that were ready, then slower ones": [*stream((32, 0.2), repeat=3), *stream((32, 0.6), repeat=60)],
    "bursts": stream((32, 0.1), (32, 0.1), (32, 1.3), repeat=30),
    "noise": [(32, float(each)) for each in np.random.default_rng(0).gamma(4.0, 0.125, 80)],
    "a smaller last batch": [(32, 5.0), *stream((32, 0.5), repeat=30), (7, 0.5)],
}


@pytest.mark.parametrize("name", STREAMS)
def test_an_estimate_is_right_within_a_factor_of_two_once_it_is_shown(name: str) -> None:
    """Without bounds on what it follows from, three minutes of work were told as an hour and a half."""
    steps = STREAMS[name]
    total, seconds = sum(step for step, _ in steps), sum(each for _, each in steps)
    task = make_task(total=total)
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, float(total)), ("a-1", "a", 1, float(total))), -20)
    job = begun(jobs, "a-0", -20)
    job.tasks["1"] = make_task("a-0: frozen features", total, 0, work=1)
    now, shown = 0.0, 0
    for step, each in steps:
        now += each
        task.advance(step, now)
        job.advance(job.tasks["1"], step, now)
        left = seconds - now
        estimates = [task.estimate_seconds_left(now), jobs.estimate_job_seconds_left(job, now)]
        if left > 3:
            for estimate in estimates:
                shown += estimate is not None
                assert estimate is None or left / 2 <= estimate <= left * 2
    # Most of the steps have one.
    assert shown > 0.6 * 2 * sum(1 for _ in steps) - 12


def test_short_jobs_do_not_stand_for_long_ones() -> None:
    """Start-up took most of the first job's time, and the others would seem to last an hour."""
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 10), *((f"a-{n}", "a", n, 1000) for n in (1, 2, 3))), 0)
    job = begun(jobs, "a-0", 0)
    now = worked(job, 25, 9, 0.05)
    jobs.apply_event(JobEnded(now + 4, job="a-0"), now + 4)
    truth = 3 * (1000 * 0.05 + 29)
    left = jobs.estimate_seconds_left(now + 4)
    assert left is not None
    assert truth / 2 <= left <= truth * 2


def test_jobs_that_found_their_work_done_give_no_speed() -> None:
    jobs = Jobs()
    jobs.apply_event(planned(("a-0", "a", 0, 1000), ("b-0", "b", 0, 1000)), 0)
    begun(jobs, "a-0", 0).apply_event(WorkAhead(0))
    jobs.apply_event(JobEnded(2.0, job="a-0"), 2)
    assert jobs.estimate_seconds_left(2) is None
