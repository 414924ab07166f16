"""Wall time, peak memory and scores of fetch, train-members and stack on a competition's zip."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAUSE = 0.25  # seconds between two measurements of memory


@dataclass(frozen=True)
class Run:
    """Run of a command, with its output, its seconds and its peak memory in bytes."""

    name: str
    output: str
    seconds: float
    peak: int


def memory(process: int) -> int:
    """Return the proportional set size of a process and its descendants in bytes. Shared pages count once."""
    total = 0
    for folder in (Path(f"/proc/{number}") for number in family(process)):
        try:
            rollup = (folder / "smaps_rollup").read_text()
        except (OSError, ProcessLookupError):
            continue  # the process has ended
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
    return total


def family(process: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [process]
    for number in found:
        for thread in Path(f"/proc/{number}/task").glob("*/children"):
            try:
                found += map(int, thread.read_text().split())
            except (OSError, ProcessLookupError):
                continue
    return found


def run(name: str, command: list[str]) -> Run:
    """Run a command and measure its peak memory."""
    began, peak = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(PAUSE)
    seconds = time.monotonic() - began
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"{name} ended with exit code {process.returncode}.")
    return Run(name, output, seconds, peak)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Other options are passed to train-members.", allow_abbrev=False
    )
    parser.add_argument("archive", type=Path, help="zip of the competition, named after its slug")
    parser.add_argument("weights", help="folder of NAME.weights.h5, imagenet or none")
    parser.add_argument("--members", required=True, help="backbones, separated by commas")
    parser.add_argument("--work", type=Path, required=True, help="new folder for data and submissions")
    arguments, options = parser.parse_known_args()
    if arguments.work.exists():
        parser.error(f"{arguments.work} already exists: pass a new folder, because finished work is not repeated")
    program = str(Path(sys.executable).with_name("ensembler"))
    start = [program, "--data", str(arguments.work / "data"), "--submissions", str(arguments.work / "submissions")]
    members = ["--members", arguments.members]
    fetch = ["fetch", arguments.archive.stem, "--archive", str(arguments.archive)]
    train = ["train-members", *members, "--weights", arguments.weights, "--json", *options]
    runs = [run(words[0], start + words) for words in (fetch, train, ["stack", *members, "--json"])]
    show(runs, json.loads(runs[-1].output))


def show(runs: list[Run], stacked: dict[str, Any]) -> None:
    print(f"{'command':<16}{'seconds':>10}{'peak GB':>10}")
    for done in runs:
        print(f"{done.name:<16}{done.seconds:>10.1f}{done.peak / 1e9:>10.2f}")
    print(f"{'all':<16}{sum(done.seconds for done in runs):>10.1f}{max(done.peak for done in runs) / 1e9:>10.2f}")
    print(f"\n{'log loss':<24}{'score':>8}")
    for member in stacked["members"]:
        print(f"{member['name']:<24}{member['score']:>8.4f}")
    print(f"{'stack (nested folds)':<24}{stacked['score']:>8.4f}")


if __name__ == "__main__":
    main()
