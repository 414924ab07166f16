"""State of the tasks and jobs of a call, with estimates of the remaining time."""

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
from ..job_speeds import JobSpeeds
from .pace import Pace, Stopwatch


@dataclass
class TaskState:
    """State of a task.

    Attributes
    ----------
    plan
        Event that began the task.
    began
        Time of that event, in seconds.
    """

    plan: TaskBegan
    began: float
    _pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self.done = self.plan.done
        self._watch = Stopwatch(self.began)

    @property
    def activity(self) -> str:
        """Label without the name of the job."""
        return self.plan.label.rpartition(": ")[2]

    def advance(self, steps: int, now: float) -> tuple[int, float]:
        """Count steps. Return the number of measured steps and their seconds."""
        self.done += steps
        measured, seconds = self._watch.advance(steps, now)
        if measured:
            self._pace.add(measured, seconds)
        return measured, seconds

    @property
    def rate(self) -> float | None:
        """Steps per second. None if too little was measured."""
        return self._pace.measure(self.plan.total)

    def estimate_seconds_left(self, now: float) -> float | None:
        """Estimate the remaining seconds. None if the rate or the number of steps is unknown."""
        rate = self.rate
        if not rate or not self.plan.total:
            return None
        return max(0.0, (self.plan.total - self.done) / rate - (now - self._watch.latest))


@dataclass
class RunningJob:
    """State of a running job.

    Attributes
    ----------
    plan
        Planned job.
    process
        Number of the job's process.
    node, gpus
        Machine of the job in a cluster, and its GPUs there; see :class:`.JobBegan`.
    work_left
        Remaining work of the job.
    tasks
        Running tasks by their identity, newest last.
    fold
        Number of the current fold. None if unknown.
    epoch
        Current or last epoch.
    ended_epoch
        Last finished epoch of the current fold.
    folds_done
        Number of finished folds.
    work_done
        Work that was measured. It excludes first steps, and what an earlier run did.
    """

    plan: PlannedJob
    process: int
    work_left: float
    node: str = ""
    gpus: str = ""
    tasks: dict[str, TaskState] = field(default_factory=dict)
    fold: int | None = None
    epoch: EpochBegan | None = None
    ended_epoch: EpochEnded | None = None
    folds_done: int = 0
    work_done: float = 0.0
    _pace: Pace = field(default_factory=Pace)
    _latest: float = 0.0

    def apply_event(self, event: Event) -> None:
        """Apply an event of the job that is not about a task."""
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
        if task.plan.work:
            if measured:
                self._pace.add(measured * task.plan.work, seconds)
            self.work_left = max(0.0, self.work_left - steps * task.plan.work)
            self.work_done += measured * task.plan.work
            self._latest = now

    @property
    def speed(self) -> float | None:
        """Work per second, without start-up. None if too little was measured."""
        return self._pace.measure(self.plan.work)

    @property
    def current_task(self) -> TaskState | None:
        """Newest running task."""
        return next(reversed(self.tasks.values()), None)

    @property
    def photos_a_second(self) -> float | None:
        """Photos per second of the last epoch, or of the current task."""
        task = self.current_task
        if task is not None and task.activity == "fine-tune" and self.ended_epoch:
            return self.ended_epoch.photos_a_second
        return task.rate * task.plan.photos if task and task.rate and task.plan.photos else None

    def estimate_seconds_left(self, now: float, speed: float | None = None) -> float | None:
        """Estimate the seconds until the job ends. ``speed`` is used until the job has measured its own."""
        other_tasks = [task.estimate_seconds_left(now) for task in self.tasks.values() if not task.plan.work]
        known = [seconds for seconds in other_tasks if seconds is not None]
        speed = self.speed or speed
        if self.work_left and speed:
            since = now - self._latest if self._latest else 0.0
            return max(0.0, self.work_left / speed - since) + sum(known)
        if self.work_left or not (known or self.plan.work):
            return None
        return sum(known)


class Jobs:
    """State of all jobs of a call in their planned order, and of the tasks that belong to no job."""

    def __init__(self) -> None:
        self.waiting: dict[str, PlannedJob] = {}
        self.running: dict[str, RunningJob] = {}
        self.tasks: dict[str, TaskState] = {}
        self.done = 0
        self.parallel = 1
        self._speeds = JobSpeeds()
        # Seconds that ended jobs needed beside their work.
        self._extra: list[float] = []
        self._finished_work = 0.0

    @property
    def planned(self) -> int:
        """Number of all jobs."""
        return len(self.waiting) + len(self.running) + self.done

    def apply_event(self, event: Event, now: float) -> TaskState | None:
        """Apply an event. Return the advanced or ended task, if any.

        Events of a job that has ended are ignored.
        """
        job = self.running.get(event.job)
        tasks = job.tasks if job else {} if event.job else self.tasks
        match event:
            case TaskBegan():
                tasks[event.task] = TaskState(event, now)
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
                # A job that lost its machine begins again.
                before = self.running.get(event.job)
                waiting = self.waiting.pop(event.job, None)
                plan = before.plan if before else waiting or PlannedJob(event.job)
                self.running[event.job] = RunningJob(plan, event.process, plan.work, event.node, event.gpus)
            case JobEnded():
                ended = self.running.pop(event.job, None)
                # A job that follows a failed one ends without a beginning.
                if event.job in self.waiting:
                    del self.waiting[event.job]
                self.done += 1
                if ended and not event.error:
                    self._add_ended(ended, event.seconds)
                    self._finished_work += ended.plan.work
            case _ if job:
                job.apply_event(event)
        return None

    def _add_ended(self, job: RunningJob, seconds: float) -> None:
        """Learn from a job that succeeded.

        What it needed beside its work is learned apart: start-up does not grow with the work, and a job may find its
        work done by an earlier run.
        """
        member, speed, planned = job.plan.member, job.speed, job.plan.work
        if not planned:
            self._speeds.add(member, 0.0, seconds)
        elif speed and job.work_done:
            working = min(seconds, job.work_done / speed)
            self._speeds.add(member, job.work_done, working)
            self._extra.append(seconds - working)
        elif job.work_done or job.work_left < planned:
            self._extra.append(seconds)
        else:
            # It did not report its work.
            self._speeds.add(member, planned, seconds)

    def estimate_member_speed(self, member: str) -> float | None:
        """Estimate a member's work per second from its finished jobs, or else from running ones.

        If no job of this member was measured, the jobs of all members count.
        """
        return self._average_speed(member) or self._average_speed(None)

    def _average_speed(self, member: str | None) -> float | None:
        running = [job.speed for job in self.running.values() if job.speed and member in (None, job.plan.member)]
        return self._speeds.measure_speed(member) or (sum(running) / len(running) if running else None)

    def estimate_job_seconds_left(self, job: RunningJob, now: float) -> float | None:
        """Estimate the seconds until a running job ends."""
        return job.estimate_seconds_left(now, self.estimate_member_speed(job.plan.member))

    def estimate_seconds_left(self, now: float) -> float | None:
        """Estimate the seconds until all jobs end. None if not every job can be estimated yet."""
        running = [self.estimate_job_seconds_left(job, now) for job in self.running.values()]
        waiting = [self._estimate_waiting_seconds(plan) for plan in self.waiting.values()]
        known = [seconds for seconds in (*running, *waiting) if seconds is not None]
        if len(known) < len(running) + len(waiting) or not known:
            return None
        return max([sum(known) / self.parallel, *(seconds for seconds in running if seconds is not None)])

    def _estimate_waiting_seconds(self, plan: PlannedJob) -> float | None:
        if not plan.work:
            return self._speeds.measure_seconds_without_work()
        speed = self.estimate_member_speed(plan.member)
        extra = sum(self._extra) / len(self._extra) if self._extra else 0.0
        return extra + plan.work / speed if speed else None

    @property
    def share(self) -> float | None:
        """Finished share of all work, from 0 to 1. None if the work is unknown."""
        running = [(max(0.0, job.plan.work - job.work_left), job.plan.work) for job in self.running.values()]
        done = self._finished_work + sum(done for done, _ in running)
        waiting = sum(plan.work for plan in self.waiting.values())
        total = self._finished_work + sum(work for _, work in running) + waiting
        return done / total if total else None
