"""The order of jobs: those that others wait for come first, the longest chain of them before shorter ones.

A free slot takes the longest job that is ready (Graham, Bounds on Multiprocessing Timing Anomalies, 1969). The length
of a job counts the longest chain of jobs that come after it (Hu, Parallel Sequencing and Assembly Line Problems, 1961).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from ..job_speeds import JobSpeeds
from .job import Job


class JobQueue:
    """Jobs that wait, in the order in which free slots should take them.

    With one slot, jobs run in their planned order, because no order ends sooner. The queue is not safe for threads.

    Parameters
    ----------
    jobs
        Jobs in their planned order.
    slots
        Number of jobs that run at a time.

    Raises
    ------
    ValueError
        If two jobs have one name, or a job comes after an unknown job or after itself.
    """

    def __init__(self, jobs: Sequence[Job], slots: int) -> None:
        self._jobs = {job.name: job for job in jobs}
        _check_names(jobs)
        self._in_order = slots == 1
        self._places = {name: place for place, name in enumerate(self._jobs)}
        self._ranked = _sort_dependants_first(self._jobs)
        self._waiting = dict(self._jobs)
        self._running: set[str] = set()
        self._succeeded: set[str] = set()
        self._speeds = JobSpeeds()
        self._learns = any(job.seconds is None for job in jobs)
        self._lengths: dict[str, float] = {}

    def __bool__(self) -> bool:
        """Whether jobs wait or run."""
        return bool(self._waiting or self._running)

    @property
    def waiting(self) -> int:
        """Number of jobs that wait."""
        return len(self._waiting)

    def take(self, fits: Callable[[Job], bool] = lambda _: True) -> Job | None:
        """Remove and return the next job. None if no job is ready and fits.

        Parameters
        ----------
        fits
            Whether the free part of the machines suffices for a job.
        """
        ready = [job for job in self._waiting.values() if self._succeeded.issuperset(job.after) and fits(job)]
        if not ready:
            return None
        job = ready[0] if self._in_order else max(ready, key=self._rank)
        del self._waiting[job.name]
        self._running.add(job.name)
        return job

    def put_back(self, job: Job) -> None:
        """Return a taken job that has neither succeeded nor failed, such as that of a lost machine."""
        self._running.remove(job.name)
        # Planned order, in which `take` looks for jobs.
        self._waiting = {
            name: self._jobs[name] for name in sorted({*self._waiting, job.name}, key=self._places.__getitem__)
        }
        self._lengths.clear()

    def end(self, job: Job, seconds: float, *, failed: bool = False) -> list[Job]:
        """Record that a taken job has ended after ``seconds``.

        Returns
        -------
        list of Job
            Jobs that can never run because this one failed, in planned order. They leave the queue.
        """
        self._running.remove(job.name)
        if failed:
            return self._remove_dependants(job)
        self._succeeded.add(job.name)
        self._speeds.add(job.member, job.work, seconds)
        if self._learns:
            self._lengths.clear()
        return []

    def _remove_dependants(self, failed: Job) -> list[Job]:
        lost = {failed.name}
        # Dependants come before the jobs that they wait for, so the reverse order meets each job after its causes.
        for name in reversed(self._ranked):
            if lost.intersection(self._jobs[name].after):
                lost.add(name)
        return [self._waiting.pop(name) for name in list(self._waiting) if name in lost]

    def _rank(self, job: Job) -> tuple[float, float, int]:
        """Return the length of a job's chain, then its own work, then its place, the first of which is best."""
        if not self._lengths:
            self._lengths = self._measure_chains()
        return self._lengths[job.name], job.work, -self._places[job.name]

    def _measure_chains(self) -> dict[str, float]:
        """Return the length of each waiting job together with the longest chain of jobs after it."""
        seconds = estimate_lengths(list(self._waiting.values()), self._speeds)
        longest_after: defaultdict[str, float] = defaultdict(float)
        lengths: dict[str, float] = {}
        for name in self._ranked:
            if name in seconds:
                lengths[name] = seconds[name] + longest_after[name]
                for earlier in self._jobs[name].after:
                    longest_after[earlier] = max(longest_after[earlier], lengths[name])
        return lengths


def estimate_lengths(jobs: Sequence[Job], speeds: JobSpeeds) -> Mapping[str, float]:
    """Estimate the length of each job, by name.

    The length is the expected number of seconds, or is estimated from the work and the jobs that have ended. If no job
    has ended, the speed is that of the jobs with both work and expected seconds; without such jobs, all lengths are
    works. A job of which nothing is known counts as long as the longest.
    """
    planned = JobSpeeds()
    for job in jobs:
        if job.seconds is not None and job.work:
            planned.add(job.member, job.work, job.seconds)
    by_work = all(job.seconds is None for job in jobs) and speeds.measure_speed() is None
    known = {job.name: length for job in jobs for length in _list_estimates(job, speeds, planned, by_work=by_work)}
    longest = max(known.values(), default=1.0)
    return {job.name: known.get(job.name, longest) for job in jobs}


def _list_estimates(job: Job, speeds: JobSpeeds, planned: JobSpeeds, *, by_work: bool) -> Sequence[float]:
    """Return the length of a job, or nothing if it cannot be estimated."""
    if job.seconds is not None:
        return [job.seconds]
    if by_work:
        return [job.work] if job.work else []
    estimates = (source.estimate_seconds(job.member, job.work) for source in (speeds, planned))
    return [seconds for seconds in estimates if seconds is not None][:1]


def _check_names(jobs: Sequence[Job]) -> None:
    if twice := [name for name, count in Counter(job.name for job in jobs).items() if count > 1]:
        raise ValueError(f"Two jobs are named {twice[0]}.")
    names = {job.name for job in jobs}
    for job in jobs:
        if unknown := set(job.after) - names:
            raise ValueError(f"{job.name} comes after unknown jobs: {', '.join(sorted(unknown))}.")


def _sort_dependants_first(jobs: Mapping[str, Job]) -> list[str]:
    """Sort jobs so that each comes before the jobs that it waits for."""
    followers = Counter(name for job in jobs.values() for name in set(job.after))
    free = [name for name in jobs if not followers[name]]
    ranked: list[str] = []
    while free:
        ranked.append(free.pop())
        for earlier in set(jobs[ranked[-1]].after):
            followers[earlier] -= 1
            if not followers[earlier]:
                free.append(earlier)
    if len(ranked) < len(jobs):
        raise ValueError(f"Jobs wait for each other: {', '.join(name for name in jobs if name not in ranked)}.")
    return ranked
