"""Peak memory of each process of ``train-members``, most of all of one that several frozen members share.

The command runs with an empty cache of speeds, so that runtimes are measured too. It reads ``/proc``, so it runs on
Linux.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from end_to_end import family

PAUSE = 0.1  # seconds between two readings


def read_status(process: int) -> dict[str, int]:
    """Return resident and peak memory of a process in bytes, or nothing if it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return {}
    wanted = (line.split() for line in lines if line.startswith(("VmHWM:", "VmRSS:")))
    return {words[0].removesuffix(":"): int(words[1]) * 1024 for words in wanted}


def runs_jobs(process: int) -> bool:
    """Return whether a process runs jobs, unlike the command itself and the processes that read photos."""
    try:
        return b"ensembler.engines.worker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except (OSError, ProcessLookupError):
        return False


def watch(command: list[str]) -> dict[int, int]:
    """Run a command and return the peak memory of each of its processes of jobs in bytes."""
    peaks: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as cache:
        running = subprocess.Popen(command, env=os.environ | {"XDG_CACHE_HOME": cache})
        while running.poll() is None:
            for process in filter(runs_jobs, family(running.pid)):
                peaks[process] = read_status(process).get("VmHWM", peaks.get(process, 0))
            time.sleep(PAUSE)
    if running.returncode:
        sys.exit(f"train-members ended with exit code {running.returncode}.")
    return peaks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="Other options are passed to train-members.", allow_abbrev=False
    )
    parser.add_argument("data", type=Path, help="folder of data, in which the competition is fetched")
    arguments, options = parser.parse_known_args()
    command = [sys.executable, "-m", "ensembler", "--data", str(arguments.data), "train-members", "--json", *options]
    peaks = watch(command)
    for number, (_, peak) in enumerate(sorted(peaks.items()), 1):
        print(f"process {number}: peak {peak / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
