"""Functions that the engine's tests run in processes of their own."""

from __future__ import annotations

import errno
import os
import signal
import time
from typing import Any

from ensembler.errors import BadChoice
from ensembler.progress import Progress


def double(told: dict[str, Any], progress: Progress) -> int:
    task = progress.start("double", 2)
    print("printed by a library")
    task.advance(2)
    task.finish()
    progress.note("half-way")
    progress.warn("look out")
    return 2 * int(told["number"])


def refuse(told: dict[str, Any], progress: Progress) -> None:
    raise BadChoice(f"There is no {told['what']}.")


def crash(told: dict[str, Any], progress: Progress) -> None:
    raise ZeroDivisionError("a bug of ours")


def die(told: dict[str, Any], progress: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait(told: dict[str, Any], progress: Progress) -> None:
    print("waiting", os.getpid(), flush=True)
    time.sleep(60)


def fill(told: dict[str, Any], progress: Progress) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "some/file")
