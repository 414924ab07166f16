"""Fetches that are killed: a process that has everything loaded forks a child for each, so that kills are quick."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from helpers.kaggle_server import Request

# What the sockets of a busy machine hold at most of what was sent and not read.
UNDER_WAY = 1 << 17
_FORKS = """
import json, os, sys
from pathlib import Path
from ensembler.errors import EnsemblerError
from ensembler.paths import Workspace
from ensembler.workflows.fetch.fetch import fetch
import ensembler.submission.kaggle.sign_in, kagglesdk, pandas, PIL.Image
print("ready", flush=True)
for line in sys.stdin:
    slug, root = json.loads(line)
    child = os.fork()
    if not child:
        fetch(slug, workspace=Workspace(Path(root) / "data", Path(root) / "submissions"))
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Fetches:
    """Runs fetches one after the other, each for as long as it is allowed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @classmethod
    @contextlib.contextmanager
    def started(cls, environment: dict[str, str]) -> Iterator[Fetches]:
        command = [sys.executable, "-c", _FORKS]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=environment, **pipes) as process:
            assert process.stdout.readline() == "ready\n"
            yield cls(process)

    def run(self, slug: str, root: Path, seconds: float | None = None) -> bool:
        """Fetch, and kill the process after ``seconds``; whether it was done before that."""
        self.process.stdin.write(json.dumps([slug, str(root)]) + "\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        if seconds is not None:
            time.sleep(seconds)
            # The child is a zombie at worst until its parent has told of it, so the number is still its own.
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code == 0


def tree(folder: Path) -> dict[str, str]:
    """All files below a folder and what is in them."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def there(raw: Path) -> int:
    """Bytes of an archive that a killed fetch left, and that a next one knows to be its beginning."""
    whole, part, note = (next(raw.glob(pattern), None) for pattern in ("*.zip", "*.zip.part", "*.zip.part.json"))
    if whole is not None:
        return whole.stat().st_size
    return part.stat().st_size if part is not None and note is not None else 0


def asked_again(requests: list[Request], kept: int) -> int:
    """Bytes that had been kept and were asked for all the same by these requests."""
    starts = [
        int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        for request in requests
        if request.method == "GET"
    ]
    return max((kept - start for start in starts), default=0)
