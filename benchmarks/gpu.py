"""Training and prediction on a GPU: photos a second by backbone, precision, XLA and photos a step, in one table.

It runs on the Keras backend that ``KERAS_BACKEND`` names, with the package's own networks, heads, loss and optimizer.
Photos are noise, in memory, and weights are random: neither changes the speed. Each combination has a process of its
own; photos a step grow until they do not fit into memory. What was measured is kept in a file of lines of JSON, by
device and versions, so that another run measures only what is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from paired_results import Results
from throughput_table import MODES, Line, table

BACKBONES = ("b0", "b3", "mobilenetv2", "convnextt")
PRECISIONS = ("bfloat16", "float32")
BATCHES = (32, 64, 128, 256, 512)
SIZE = 224
CHILD = Path(__file__).with_name("throughput.py")

Facts = dict[str, str]
# What a process is told, but for photos a step.
Combination = dict[str, Any]


def key(facts: Facts, combination: Combination, batch: int) -> str:
    """Name a measure by all that its figure depends on, but for the code."""
    parts = [*facts.values(), *(f"{name}={value}" for name, value in combination.items()), f"batch={batch}"]
    return "; ".join(parts)


def combinations(told: argparse.Namespace) -> list[Combination]:
    """List what to measure, in the order of the table's rows."""
    return [
        {"backbone": backbone, "precision": precision, "xla": xla == "on", "mode": mode, "size": told.size}
        for backbone in told.backbones
        for precision in told.precisions
        for xla in told.xla
        for mode in told.modes
    ]


def missing(results: Results, facts: Facts, combination: Combination, batches: Sequence[int]) -> list[int]:
    """Photos a step that are to be measured: a failure is tried again, and no more than what was too much already."""
    lines = {batch: results.by_key.get(key(facts, combination, batch)) for batch in batches}
    too_much = [batch for batch, line in lines.items() if line and line["outcome"] == "memory"]
    return [
        batch
        for batch, line in lines.items()
        if batch < min(too_much, default=batch + 1) and (line is None or line["outcome"] == "failed")
    ]


def completed(lines: Sequence[Line], batches: Sequence[int], code: int) -> list[Line]:
    """Add what a process did not tell: too much is too much for larger batches too, and a crash is a failure."""
    told = {line["batch"]: line for line in lines}
    rest = [batch for batch in batches if batch not in told]
    if lines and lines[-1]["outcome"] == "memory":
        return [*lines, *({"batch": batch, "outcome": "memory"} for batch in rest)]
    if code and rest:
        return [*lines, {"batch": rest[0], "outcome": "failed", "words": f"the process ended with code {code}"}]
    return list(lines)


def child(told: dict[str, Any] | None, log: Path, environment: Mapping[str, str] = {}) -> Iterator[Line]:
    """Start the process that measures; give its lines as they come, and its exit code as the last one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **environment},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n" if told else "\n")
        process.stdin.close()
        yield from map(json.loads, process.stdout)
    yield {"code": process.returncode}


def compile_ahead(results: Results, facts: Facts, wanted: Sequence[Combination], told: argparse.Namespace) -> None:
    """Have what is to be measured compiled by several processes at a time, which measuring then finds in JAX's cache.

    JAX compiles on one core or two, for half a minute a training step of EfficientNet-B3.
    """
    # Of one step size each: the largest network, which takes longest, would else be alone in the end.
    steps = [
        {**combination, "batches": [batch]}
        for combination in wanted
        if combination["xla"]
        for batch in missing(results, facts, combination, told.batches)
    ]
    print(f"compiling {len(steps)} steps, {told.compilers} at a time", file=sys.stderr)
    # What they run needs memory too, beside each other; where there is too little, it has been compiled all the same.
    shared = {**cache_of(results), "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / told.compilers:.3f}"}
    timing = {"seconds": 0.0, "repeats": 0, "only_compile": True}

    def compile_one(numbered: tuple[int, Combination]) -> None:
        number, step = numbered
        for _ in child({**step, **timing}, results.path.parent / "logs" / f"compile-{number}.log", shared):
            pass

    with ThreadPoolExecutor(told.compilers) as pool:
        list(pool.map(compile_one, enumerate(steps)))


def cache_of(results: Results) -> dict[str, str]:
    """Where JAX keeps all that it compiles, be it ever so small."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(results.path.parent / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def measure(results: Results, facts: Facts, combination: Combination, told: argparse.Namespace) -> None:
    """Measure what is missing of a combination, and keep it line by line."""
    batches = missing(results, facts, combination, told.batches)
    if not batches:
        return
    name = "-".join([combination["backbone"], combination["precision"], "xla" if combination["xla"] else "plain"])
    print(f"{name} {combination['mode']}: {', '.join(map(str, batches))}", file=sys.stderr)
    timing = {"seconds": told.seconds, "repeats": told.repeats, "most_steps": told.most_steps}
    log = results.path.parent / "logs" / f"{name}-{combination['mode']}.log"
    lines: list[Line] = []
    environment = cache_of(results) if told.compilers else {}
    for line in child({**combination, **timing, "batches": batches}, log, environment):
        if "code" in line:
            for rest in completed(lines, batches, line["code"])[len(lines) :]:
                keep(results, facts, combination, rest)
        else:
            lines.append(line)
            keep(results, facts, combination, line)


def keep(results: Results, facts: Facts, combination: Combination, line: Line) -> None:
    if "words" in line:
        print(f"  {line['batch']} a step failed: {line['words']}", file=sys.stderr)
    found = key(facts, combination, line["batch"])
    results.append({"key": found, **facts, **combination, **line})


def caption(facts: Facts, told: argparse.Namespace) -> str:
    return (
        f"Photos a second at {told.size} pixels on {facts['device']}; Keras on {facts['backend']}; "
        f"{facts['versions']}. "
        f"Median of {told.repeats} stretches of about {told.seconds:g} s, each after a warm-up. The fastest of each "
        "backbone is bold; `memory`: does not fit.\n"
    )


def names(allowed: Sequence[str]) -> Any:
    """Make a reader of names separated by commas."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in allowed]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(allowed)}")
        return found

    return read


def numbers(text: str) -> list[int]:
    return sorted(map(int, text.split(",")))


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="file for what was measured; kept")
    parser.add_argument("--backbones", default=",".join(BACKBONES), type=lambda text: text.split(","))
    parser.add_argument("--precisions", default=",".join(PRECISIONS), type=names(PRECISIONS))
    parser.add_argument("--xla", default="on,off", type=names(("on", "off")))
    parser.add_argument("--modes", default=",".join(MODES), type=names(MODES))
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), type=numbers, help="photos a step")
    parser.add_argument("--size", default=SIZE, type=int, help="height and width of photos in pixels")
    parser.add_argument("--seconds", default=3.0, type=float, help="about as long a stretch is timed")
    parser.add_argument("--repeats", default=3, type=int, help="stretches, whose median counts")
    parser.add_argument("--compilers", default=0, type=int, help="processes that compile ahead for JAX; 0: none does")
    parser.add_argument("--most-steps", default=500, type=int, help="in a stretch")
    return parser.parse_args(words)


def device(log: Path) -> Facts:
    """Ask a process of its own, which gives the device back as it ends."""
    *told, end = child(None, log)
    if not told:
        sys.exit(f"Keras cannot be started (exit code {end['code']}): see {log}.")
    return dict(told[0])


def main() -> None:
    told = options()
    results = Results(told.results.absolute())
    facts = device(results.path.parent / "logs" / "device.log")
    if facts["device"].startswith("CPU"):
        print(f"Keras on {facts['backend']} sees no GPU: these will be figures of a CPU.", file=sys.stderr)
    wanted = combinations(told)
    if told.compilers:
        compile_ahead(results, facts, wanted, told)
    for combination in wanted:
        measure(results, facts, combination, told)
    keys = [key(facts, combination, batch) for combination in wanted for batch in told.batches]
    print(caption(facts, told))
    print(table([results.by_key[each] for each in keys if each in results.by_key], told.batches))


if __name__ == "__main__":
    main()
