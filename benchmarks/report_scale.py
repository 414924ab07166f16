"""Time, peak memory and size of the report at its limits. All records are made up; nothing is trained.

Everything at its largest at once (100 members, a million rows, 5,000 classes) would be 2 TB of predictions, which no
competition has. So three cases have one limit each. Making the records takes longer than the report. Each report runs
in its own process. On a busy machine, the processor's seconds tell more than those of the clock.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from made_reports import Wanted, make_reported

CASES = {
    "rows": Wanted("binary", ("cat", "dog"), 1_000_000, 1_000, tuple(f"member-{one}" for one in range(100)), 5),
    "classes": Wanted(
        "multiclass",
        tuple(f"class {one}" for one in range(5_000)),
        25_000,
        500,
        tuple(f"member-{one}" for one in range(4)),
        5,
        signal=4.0,
    ),
    "members": Wanted(
        "multiclass",
        tuple(f"class {one}" for one in range(20)),
        4_000,
        500,
        tuple(f"member-{one}" for one in range(100)),
        5,
        epochs=20,
    ),
}


def measure(work: Path) -> None:
    """Write the report, and print its figures as JSON."""
    from ensembler.paths import Workspace
    from ensembler.workflows.report.report import report

    start, begun = time.perf_counter(), time.process_time()
    result = report(workspace=Workspace(work / "data", work / "submissions"))
    seconds, processor = time.perf_counter() - start, time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        json.dumps(
            {
                "seconds": round(seconds, 1),
                "processor": round(processor, 1),
                "GB": round(peak, 2),
                "MB": round(result.total_bytes / 1e6, 2),
                "troubles": list(result.facts.troubles),
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the records, some 5 GB")
    parser.add_argument("--case", choices=CASES, action="append", help="by default all")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.work)
        return
    print(f"{'case':<10}{'seconds':>9}{'CPU s':>9}{'peak GB':>9}{'page MB':>9}")
    for case in options.case or CASES:
        work = options.work / case
        if not (work / "data" / ".current").is_file() or not list(work.glob("data/*/stacks/*/stack.json")):
            shutil.rmtree(work, ignore_errors=True)
            make_reported(work, CASES[case])
        words = [sys.executable, __file__, "--measure", "--work", str(work)]
        printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        figures = json.loads(printed.splitlines()[-1])
        cells = "".join(f"{figures[name]:>9}" for name in ("seconds", "processor", "GB", "MB"))
        print(f"{case:<10}{cells}  {'; '.join(figures['troubles'])}")


if __name__ == "__main__":
    main()
