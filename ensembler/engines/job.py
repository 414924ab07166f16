"""A job: the name of a function, and its argument as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..job_files import JobFiles
from ..serialization import make_record


@dataclass(frozen=True)
class Needs:
    """What a job needs of a machine.

    Attributes
    ----------
    gpus
        Number of GPUs of one machine. With 0, the job sees none. With None, the engine chooses: a job on this machine
        sees all of its GPUs.
    processors
        Number of processors, which is also the number of threads. None is a whole machine, or its share of a GPU.
    memory_bytes
        Estimated main memory of its process. 0 if unknown.
    """

    gpus: int | None = None
    processors: int | None = None
    memory_bytes: int = 0


@dataclass(frozen=True)
class Job:
    """Work for a separate process.

    Attributes
    ----------
    name
        Name in displays, and name of the log.
    function
        ``module:function``, which accepts ``spec`` and a :class:`~ensembler.progress.Progress` and returns a value that
        JSON can represent.
    spec
        Description of the work that JSON can represent.
    member, folds
        Member and folds that the job trains, for displays.
    work
        Amount of work, see :mod:`ensembler.members.work`. 0 if unknown.
    shares_process
        Whether the process may run another job afterwards, which saves its start. False if libraries keep much memory.
    needs
        Requirements on the machine of the job.
    seconds
        Expected duration in seconds. None if unknown; ``work`` then orders the jobs.
    after
        Names of the jobs that must succeed first. If one fails, this job does not run.
    files
        Function that lists the files that the job reads and writes. An engine without a shared folder calls it when
        the job begins.
    """

    name: str
    function: str
    spec: dict[str, Any]
    member: str = ""
    folds: tuple[int, ...] = ()
    work: float = 0.0
    shares_process: bool = False
    needs: Needs = field(default_factory=Needs)
    seconds: float | None = None
    after: tuple[str, ...] = ()
    files: Callable[[], JobFiles] = JobFiles

    def to_line(self, log: Path) -> str:
        """Return the job, without its files, and the path of its log as one line of JSON."""
        plain = asdict(replace(self, files=JobFiles))
        del plain["files"]
        return json.dumps({"job": plain, "log": str(log)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> tuple[Job, Path]:
        """Read a job and the path of its log from one line of JSON."""
        data = json.loads(line)
        job = make_record(data["job"], cls, "the description of the job")
        return job, Path(data["log"])
