"""The jobs of a call: which are done, how far the running ones are, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..events import (
    EpochBegan,
    EpochEnded,
    Event,
    FoldBegan,
    FoldEnded,
    JobBegan,
    JobEnded,
    JobsPlanned,
    PlannedJob,
    TaskAdvanced,
    TaskBegan,
    TaskEnded,
    WorkAhead,
)
from .task_state import TaskState


@dataclass
class RunningJob:
    """A job that runs.

    Attributes
    ----------
    plan
        What was planned.
    process
        Number of the job's process.
    work_left
        Work that the job has still to do.
    tasks
        Tasks that go on now, the newest last.
    fold
        Number of the fold that is trained now; None if unknown.
    epoch
        Epoch that goes on now, or the last one.
    ended_epoch
        Last epoch with known figures.
    folds_done
        Number of finished folds.
    """

    plan: PlannedJob
    process: int
    work_left: float
    tasks: dict[str, TaskState] = field(default_factory=dict)
    fold: int | None = None
    epoch: EpochBegan | None = None
    ended_epoch: EpochEnded | None = None
    folds_done: int = 0
    _measured: tuple[float, float] = (0.0, 0.0)  # work, and the seconds that it took
    _latest: float = 0.0

    def apply_event(self, event: Event) -> None:
        """Take in an event of the job that is not about tasks."""
        match event:
            case WorkAhead():
                self.work_left = event.work
            case FoldBegan():
                self.fold, self.epoch, self.ended_epoch = event.fold, None, None
            case EpochBegan():
                self.epoch = event
            case EpochEnded():
                self.ended_epoch = event
            case FoldEnded():
                self.folds_done += 1

    def advance(self, task: TaskState, steps: int, now: float) -> None:
        """Count steps of a task."""
        measured, seconds = task.advance(steps, now)
        if task.work:
            work, before = self._measured
            self._measured = (work + measured * task.work, before + seconds)
            self.work_left = max(0.0, self.work_left - steps * task.work)
            self._latest = now

    @property
    def speed(self) -> float | None:
        """Work a second, without the time of starting up; None before it was measured."""
        work, seconds = self._measured
        return work / seconds if work and seconds else None

    @property
    def current_task(self) -> TaskState | None:
        """The newest task that goes on."""
        return next(reversed(self.tasks.values()), None)

    @property
    def photos_a_second(self) -> float | None:
        """Speed of the last epoch, or of the task that goes on now."""
        task = self.current_task
        if task is not None and task.activity == "fine-tune" and self.ended_epoch:
            return self.ended_epoch.photos_a_second
        return task.rate * task.photos if task and task.rate and task.photos else None

    def estimate_seconds_left(self, now: float, speed: float | None = None) -> float | None:
        """Estimate the seconds until the job ends; ``speed`` is that of its member, used before it has its own."""
        other_tasks = [task.estimate_seconds_left(now) for task in self.tasks.values() if not task.work]
        known = [seconds for seconds in other_tasks if seconds is not None]
        speed = self.speed or speed
        if self.work_left and speed:
            since = now - self._latest if self._latest else 0.0
            return max(0.0, self.work_left / speed - since) + sum(known)
        if self.work_left or not (known or self.plan.work):
            return None
        return sum(known)


class Jobs:
    """All jobs of a call, in the order in which they were planned, and the tasks that no job reports."""

    def __init__(self) -> None:
        self.waiting: dict[str, PlannedJob] = {}
        self.running: dict[str, RunningJob] = {}
        self.tasks: dict[str, TaskState] = {}
        self.done = 0
        self.parallel = 1
        # Of jobs that are done: their plans and the seconds they took.
        self._finished: list[tuple[PlannedJob, float]] = []

    @property
    def planned(self) -> int:
        """How many jobs there are in all."""
        return len(self.waiting) + len(self.running) + self.done

    def apply_event(self, event: Event, now: float) -> TaskState | None:
        """Take in an event; return the task that it is about, if any.

        What a job reports after its end is ignored.
        """
        job = self.running.get(event.job)
        tasks = job.tasks if job else {} if event.job else self.tasks
        match event:
            case TaskBegan():
                tasks[event.task] = TaskState(
                    event.label, event.total, now, event.photos, event.work, event.done, event.unit
                )
            case TaskAdvanced() if task := tasks.get(event.task):
                if job:
                    job.advance(task, event.steps, now)
                else:
                    task.advance(event.steps, now)
                return task
            case TaskEnded():
                return tasks.pop(event.task, None)
            case JobsPlanned():
                self.waiting.update((plan.job, plan) for plan in event.jobs)
                self.parallel = event.parallel
            case JobBegan():
                plan = self.waiting.pop(event.job, None) or PlannedJob(event.job)
                self.running[event.job] = RunningJob(plan, event.process, plan.work)
            case JobEnded():
                ended = self.running.pop(event.job, None)
                self.done += 1
                if ended and not event.error:
                    self._finished.append((ended.plan, event.seconds))
            case _ if job:
                job.apply_event(event)
        return None

    def estimate_member_speed(self, member: str) -> float | None:
        """Estimate the work a second of a member's jobs, start-up included, from finished jobs, else from running ones.

        If none of this member was measured, all others count.
        """
        return self._average_speed(member) or self._average_speed(None)

    def _average_speed(self, member: str | None) -> float | None:
        taken = [
            (plan.work, seconds) for plan, seconds in self._finished if plan.work and member in (None, plan.member)
        ]
        if taken:
            return sum(work for work, _ in taken) / max(1e-9, sum(seconds for _, seconds in taken))
        speeds = [job.speed for job in self.running.values() if job.speed and member in (None, job.plan.member)]
        return sum(speeds) / len(speeds) if speeds else None

    def estimate_job_seconds_left(self, job: RunningJob, now: float) -> float | None:
        """Estimate the seconds until a running job ends."""
        return job.estimate_seconds_left(now, self.estimate_member_speed(job.plan.member))

    def estimate_seconds_left(self, now: float) -> float | None:
        """Estimate the seconds until all jobs are done; None before anything was measured."""
        running = [self.estimate_job_seconds_left(job, now) for job in self.running.values()]
        waiting = [self._estimate_seconds(plan) for plan in self.waiting.values()]
        known = [seconds for seconds in (*running, *waiting) if seconds is not None]
        if len(known) < len(running) + len(waiting) or not known:
            return None
        return max([sum(known) / self.parallel, *(seconds for seconds in running if seconds is not None)])

    def _estimate_seconds(self, plan: PlannedJob) -> float | None:
        speed = self.estimate_member_speed(plan.member) if plan.work else None
        if speed:
            return plan.work / speed
        alike = [seconds for done, seconds in self._finished if not done.work]
        return sum(alike) / len(alike) if alike and not plan.work else None

    @property
    def share(self) -> float | None:
        """Share of the work that is done, from 0 to 1; None where the work is not known."""
        works = [
            *((plan.work, plan.work) for plan, _ in self._finished),
            *((max(0.0, job.plan.work - job.work_left), job.plan.work) for job in self.running.values()),
            *((0.0, plan.work) for plan in self.waiting.values()),
        ]
        total = sum(work for _, work in works)
        return sum(done for done, _ in works) / total if total else None
