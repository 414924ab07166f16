"""Progress of tasks and jobs and their remaining time, with a manual clock."""

from __future__ import annotations

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
    assert task.rate == 2
    assert task.estimate_seconds_left(20) == 35
    assert task.estimate_seconds_left(25) == 30
    assert task.estimate_seconds_left(99) == 0


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
    assert jobs.estimate_seconds_left(101) == pytest.approx(101 + 202), "once a job is done, its start-up counts too"


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
    for steps, now in ((50, 60), (1, 61), (1, 62)):
        job.advance(task, steps, now)
    assert job.speed == pytest.approx(1)
    assert jobs.estimate_job_seconds_left(job, 62) == pytest.approx(48)
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
