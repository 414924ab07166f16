"""What a task is given, and what it sends to the driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..transport.messages import Request

# Requests that the driver sends to tasks.
STOP, KILL = "stop", "kill"


@dataclass(frozen=True)
class Assignment:
    """One attempt to run a job.

    Attributes
    ----------
    run
        Name of the call that the attempt belongs to, which no other call has.
    key
        Name of the attempt, which no other attempt has. It begins with the name of the call.
    line
        Job and the path of its log, as a line of JSON.
    attempt
        Number of the attempt, from 1.
    processors
        Number of processors that the task reserved.
    environment
        Environment variables of the driver that the job's process gets too.
    folder
        Working folder of the driver.
    versions
        Versions of packages of the driver, by their names.
    carries_files
        Whether files are carried, because the machines share no folder.
    """

    run: str
    key: str
    line: str
    attempt: int
    processors: int
    environment: dict[str, str]
    folder: str
    versions: dict[str, str]
    carries_files: bool = False


@dataclass(frozen=True)
class Started:
    """The job's process was started.

    Attributes
    ----------
    process, host
        Number of the process, and name of its machine.
    gpus
        GPUs by their names in ``CUDA_VISIBLE_DEVICES``.
    """

    process: int
    host: str
    gpus: str


@dataclass(frozen=True)
class Lines:
    """Lines that the job's process wrote."""

    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A request for files, to which the driver replies by the mailbox."""

    number: int
    request: Request


@dataclass(frozen=True)
class Ended:
    """The job's process ended.

    Attributes
    ----------
    code
        Exit code. Negative for a signal.
    killed
        Whether the driver asked for the end.
    """

    code: int
    killed: bool = False


@dataclass(frozen=True)
class Refused:
    """The job cannot run on this machine.

    Attributes
    ----------
    kind
        Name of the exception.
    text
        Message of the exception.
    """

    kind: str
    text: str


Message = Started | Lines | Asked | Ended | Refused


@dataclass(frozen=True)
class Letter:
    """What the driver sends to a task: :data:`STOP`, :data:`KILL`, or the reply to a request.

    Attributes
    ----------
    number
        Number of the request. 0 if there is none.
    content
        Word or reply.
    """

    content: Any
    number: int = 0
