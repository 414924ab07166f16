"""The whole job on a GPU: real photos, ``train-members --unfreeze all``, ``stack``, and a check of ``stack.keras``.

It prints the speed of training beside that of the same network on photos in the GPU's own memory, the time of
compilation, the idle share of the GPU, and the score of the stack. Every part keeps its result, so the same command
continues an interrupted one. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gpu_job_table import format_report
from job_on_gpu import MEMBERS, JobOnGpu
from local_packages import make_environment
from timed_work import Clock, OutOfTime

# Exit code of a call that left something for another one (EX_TEMPFAIL).
UNFINISHED = 75
AUGMENTATIONS, SOURCES = ("none", "crops", "strong"), ("files", "store")
# A job that shows on a CPU, in three minutes, that everything runs.
SMALL = {
    "members": "demo-conv,demo-dense",
    "photos": 240,
    "augmentations": "strong",
    "epochs": 2,
    "precision": "float32",
}
SMALL_OPTIONS = ["--batch-size", "32"]


def read_options(words: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and those for train-members."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="Other options are passed to train-members.", allow_abbrev=False
    )
    parser.add_argument("archive", type=Path, help="zip of a competition with photos, named after its slug")
    parser.add_argument("--work", type=Path, required=True, help="folder of photos, networks and results")
    parser.add_argument("--weights", default="none", help="folder of weights, imagenet, or none for random weights")
    parser.add_argument("--members", default=MEMBERS, help="backbones, separated by commas")
    parser.add_argument("--photos", default=20_000, type=int, help="number of labelled photos")
    parser.add_argument("--augmentations", default=",".join(AUGMENTATIONS))
    parser.add_argument("--sources", default=",".join(SOURCES), help="files, or store: photos that are decoded before")
    parser.add_argument("--epochs", default=3, type=int, help="epochs of each training; the first one compiles")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--minutes", default=0.0, type=float, help="time limit of this call; another call continues")
    parser.add_argument("--wheels", type=Path, help="folder of wheels, from which missing packages are installed")
    parser.add_argument("--small", action="store_true", help="try it with small networks and few photos")
    parsed, _ = parser.parse_known_args(words)
    if parsed.small:
        parser.set_defaults(**SMALL)
    parsed, rest = parser.parse_known_args(words)
    if parsed.epochs < 2:
        parser.error("--epochs must be 2 or more, because the first epoch compiles")
    if parsed.minutes and parsed.minutes < 2:
        parser.error("--minutes must be 2 or more, or 0 for no limit")
    for name, allowed in (("augmentations", (*AUGMENTATIONS, "pixels")), ("sources", SOURCES)):
        if unknown := sorted(set(getattr(parsed, name).split(",")) - set(allowed)):
            parser.error(f"--{name}: {unknown[0]} is not one of {', '.join(allowed)}")
    return parsed, [*(SMALL_OPTIONS if parsed.small else []), *rest]


def main() -> None:
    """Do what time allows, and print the table of what is measured."""
    arguments, options = read_options()
    clock = Clock(arguments.minutes)
    environment = make_environment(Path(__file__).parents[1], arguments.work, arguments.wheels)
    job = JobOnGpu(arguments, options, clock, environment)
    finished = True
    try:
        job.run()
    except OutOfTime:
        finished = False
    print(format_report(job.facts, job.list_lines()))
    print(f"\nEach result is a line of JSON in {job.results.path}.")
    if not finished:
        words = shlex.join([sys.executable, *sys.argv])
        sys.stdout.flush()
        print(f"\nNot finished: {job.describe_rest()}. The same command continues:\n{words}", file=sys.stderr)
        sys.exit(UNFINISHED)


if __name__ == "__main__":
    main()
