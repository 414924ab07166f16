"""Time of commands that train nothing: ``python benchmarks/start_up.py``.

The commands alternate in a workspace with a competition of generated photos, one member and one submission. The fastest
run counts, because other load only adds time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Limits in seconds.
COMMANDS = {"--help": 0.25, "members": 0.5, "submissions --offline": 0.5, "status": None, "backbones": None}
REPEATS = 7


def main() -> None:
    """Create the workspace by the demo, and print a table."""
    program = str(Path(sys.executable).with_name("ensembler"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        environment = os.environ | {"ENSEMBLER_DATA": str(work / "data"), "ENSEMBLER_SUBMISSIONS": str(work / "sub")}
        subprocess.run([program, "demo"], env=environment, check=True, capture_output=True)
        taken: dict[str, list[float]] = {words: [] for words in COMMANDS}
        for _ in range(REPEATS):
            for words, each in taken.items():
                began = time.perf_counter()
                subprocess.run([program, *words.split()], env=environment, check=True, capture_output=True)
                each.append(time.perf_counter() - began)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    print("| command | seconds | limit |")
    print("|---|---:|---:|")
    print(f"| Python alone | {time.perf_counter() - began:.2f} | |")
    for words, each in taken.items():
        print(f"| `ensembler {words}` | {min(each):.2f} | {COMMANDS[words] or ''} |")


if __name__ == "__main__":
    main()
