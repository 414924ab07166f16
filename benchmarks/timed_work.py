"""Work that is divided into calls of limited length, and commands that are interrupted when the time is up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Seconds in which an interrupted command must save its state.
SECONDS_TO_SAVE = 45.0
TAIL_LINES = 15


class OutOfTime(Exception):
    """The time of this call is up."""


class Clock:
    """Time left in this call. ``minutes`` of 0 sets no limit."""

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes if minutes else float("inf")

    @property
    def left(self) -> float:
        """Seconds left."""
        return self._end - time.monotonic()

    def require(self, seconds: float) -> None:
        """Raise OutOfTime if less is left."""
        if self.left < seconds:
            raise OutOfTime


def run_in_time(command: Sequence[str], log: Path, clock: Clock, environment: Mapping[str, str], text: str = "") -> str:
    """Run a command and return its standard output. Standard error is appended to ``log``.

    Raises
    ------
    OutOfTime
        If the clock ran out first. The command was interrupted as by Ctrl-C, so it saves what it has done.
    SystemExit
        If the command failed. The message ends with the last lines of the log.
    """
    clock.require(0)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=dict(environment)
        )
        try:
            output, _ = process.communicate(text, timeout=min(clock.left, 10**6))
        except subprocess.TimeoutExpired:
            stop(process)
            raise OutOfTime from None
        except BaseException:
            stop(process)
            raise
    if process.returncode:
        last = "\n".join(log.read_text("utf-8").splitlines()[-TAIL_LINES:])
        sys.exit(f"`{' '.join(command)}` ended with code {process.returncode}, see {log}:\n{last}")
    return output


def stop(process: subprocess.Popen[str]) -> None:
    """Interrupt a process, and kill it if it does not end."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=SECONDS_TO_SAVE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
