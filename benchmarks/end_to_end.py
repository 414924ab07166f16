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

PAUSE = 0.25  # seconds between looks at memory


@dataclass(frozen=True)
class Run:
    """One command: what it printed, how long it took in seconds, and its peak memory in bytes."""

    name: str
    output: str
    seconds: float
    peak: int


def memory(process: int) -> int:
    """Proportional set size of a process and all its descendants in bytes: pages they share count once."""
    total = 0
    for folder in (Path(f"/proc/{number}") for number in family(process)):
        try:
            rollup = (folder / "smaps_rollup").read_text()
        except (OSError, ProcessLookupError):
            continue  # it has just ended
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
    """Run a command to its end, looking at its memory all the while."""
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
        description=__doc__, epilog="Other options go to train-members.", allow_abbrev=False
    )
    parser.add_argument("archive", type=Path, help="the competition's zip, named after its slug")
    parser.add_argument("weights", help="a folder of NAME.weights.h5, or imagenet, or none")
    parser.add_argument("--members", required=True, help="backbones, separated by commas")
    parser.add_argument("--work", type=Path, required=True, help="a new folder for data and submissions")
    told, options = parser.parse_known_args()
    if told.work.exists():
        parser.error(f"{told.work} is there already: finished work would not be measured")
    program = str(Path(sys.executable).with_name("ensembler"))
    start = [program, "--data", str(told.work / "data"), "--submissions", str(told.work / "submissions")]
    members = ["--members", told.members]
    fetch = ["fetch", told.archive.stem, "--from", str(told.archive)]
    train = ["train-members", *members, "--weights", told.weights, "--json", *options]
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
