"""Speed of training and prediction on a GPU by backbone, precision, XLA and batch size.

The benchmark uses the Keras backend of ``KERAS_BACKEND``, with the package's networks, heads, loss and optimizer.
Photos are noise in memory and weights are random, which does not change the speed. Each combination has its own
process, in which batches grow until they do not fit into memory. Results are stored as lines of JSON by device and
versions, so that another run measures only missing ones.
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
# Setting of a process without batch sizes.
Combination = dict[str, Any]


def key(facts: Facts, combination: Combination, batch: int) -> str:
    """Return a key of everything the result depends on, except the code."""
    parts = [*facts.values(), *(f"{name}={value}" for name, value in combination.items()), f"batch={batch}"]
    return "; ".join(parts)


def combinations(arguments: argparse.Namespace) -> list[Combination]:
    """List the combinations to measure, in the order of the table's rows."""
    return [
        {"backbone": backbone, "precision": precision, "xla": xla == "on", "mode": mode, "size": arguments.size}
        for backbone in arguments.backbones
        for precision in arguments.precisions
        for xla in arguments.xla
        for mode in arguments.modes
    ]


def missing(results: Results, facts: Facts, combination: Combination, batches: Sequence[int]) -> list[int]:
    """Return the batch sizes to measure: failures again, and none above a size that did not fit into memory."""
    lines = {batch: results.by_key.get(key(facts, combination, batch)) for batch in batches}
    too_much = [batch for batch, line in lines.items() if line and line["outcome"] == "memory"]
    return [
        batch
        for batch, line in lines.items()
        if batch < min(too_much, default=batch + 1) and (line is None or line["outcome"] == "failed")
    ]


def completed(lines: Sequence[Line], batches: Sequence[int], code: int) -> list[Line]:
    """Add missing results. Batches above one that did not fit do not fit either, and a crash is a failure."""
    known = {line["batch"] for line in lines}
    rest = [batch for batch in batches if batch not in known]
    if lines and lines[-1]["outcome"] == "memory":
        return [*lines, *({"batch": batch, "outcome": "memory"} for batch in rest)]
    if code and rest:
        return [*lines, {"batch": rest[0], "outcome": "failed", "words": f"the process ended with code {code}"}]
    return list(lines)


def child(setting: dict[str, Any] | None, log: Path, environment: Mapping[str, str] = {}) -> Iterator[Line]:
    """Start the measuring process, and yield its lines and finally its exit code."""
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
        process.stdin.write(json.dumps(setting) + "\n" if setting else "\n")
        process.stdin.close()
        yield from map(json.loads, process.stdout)
    yield {"code": process.returncode}


def compile_ahead(results: Results, facts: Facts, wanted: Sequence[Combination], arguments: argparse.Namespace) -> None:
    """Compile in several processes ahead, so that measurements find the results in JAX's cache.

    JAX compiles on one or two cores, half a minute for a training step of EfficientNet-B3.
    """
    # Each process compiles one batch size. Otherwise, the largest network would run alone at the end.
    steps = [
        {**combination, "batches": [batch]}
        for combination in wanted
        if combination["xla"]
        for batch in missing(results, facts, combination, arguments.batches)
    ]
    print(f"compiling {len(steps)} steps, {arguments.compilers} at a time", file=sys.stderr)
    # The processes share the memory. If it is too small for a step, the step has been compiled nevertheless.
    shared = {**cache_of(results), "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / arguments.compilers:.3f}"}
    timing = {"seconds": 0.0, "repeats": 0, "only_compile": True}

    def compile_one(numbered: tuple[int, Combination]) -> None:
        number, step = numbered
        for _ in child({**step, **timing}, results.path.parent / "logs" / f"compile-{number}.log", shared):
            pass

    with ThreadPoolExecutor(arguments.compilers) as pool:
        list(pool.map(compile_one, enumerate(steps)))


def cache_of(results: Results) -> dict[str, str]:
    """Return the environment variables that make JAX cache everything it compiles."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(results.path.parent / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def measure(results: Results, facts: Facts, combination: Combination, arguments: argparse.Namespace) -> None:
    """Measure the missing batch sizes of a combination, and store each result at once."""
    batches = missing(results, facts, combination, arguments.batches)
    if not batches:
        return
    name = "-".join([combination["backbone"], combination["precision"], "xla" if combination["xla"] else "plain"])
    print(f"{name} {combination['mode']}: {', '.join(map(str, batches))}", file=sys.stderr)
    timing = {"seconds": arguments.seconds, "repeats": arguments.repeats, "most_steps": arguments.most_steps}
    log = results.path.parent / "logs" / f"{name}-{combination['mode']}.log"
    lines: list[Line] = []
    environment = cache_of(results) if arguments.compilers else {}
    for line in child({**combination, **timing, "batches": batches}, log, environment):
        if "code" in line:
            for rest in completed(lines, batches, line["code"])[len(lines) :]:
                keep(results, facts, combination, rest)
        else:
            lines.append(line)
            keep(results, facts, combination, line)


def keep(results: Results, facts: Facts, combination: Combination, line: Line) -> None:
    if "words" in line:
        print(f"  A batch of {line['batch']} failed: {line['words']}", file=sys.stderr)
    found = key(facts, combination, line["batch"])
    results.append({"key": found, **facts, **combination, **line})


def caption(facts: Facts, arguments: argparse.Namespace) -> str:
    return (
        f"Photos per second at {arguments.size} pixels on {facts['device']}; Keras on {facts['backend']}; "
        f"{facts['versions']}. "
        f"Median of {arguments.repeats} runs of about {arguments.seconds:g} s, each after a warm-up. The fastest of "
        "each backbone is bold. `memory`: does not fit into memory.\n"
    )


def names(allowed: Sequence[str]) -> Any:
    """Return a parser of names that are separated by commas."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in allowed]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is not one of {', '.join(allowed)}")
        return found

    return read


def numbers(text: str) -> list[int]:
    return sorted(map(int, text.split(",")))


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="file of the results, which is extended")
    parser.add_argument("--backbones", default=",".join(BACKBONES), type=lambda text: text.split(","))
    parser.add_argument("--precisions", default=",".join(PRECISIONS), type=names(PRECISIONS))
    parser.add_argument("--xla", default="on,off", type=names(("on", "off")))
    parser.add_argument("--modes", default=",".join(MODES), type=names(MODES))
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), type=numbers, help="photos per step")
    parser.add_argument("--size", default=SIZE, type=int, help="height and width of photos in pixels")
    parser.add_argument("--seconds", default=3.0, type=float, help="approximate seconds of a run")
    parser.add_argument("--repeats", default=3, type=int, help="number of runs; the table shows their median")
    parser.add_argument("--compilers", default=0, type=int, help="processes that compile ahead for JAX. 0 disables it")
    parser.add_argument("--most-steps", default=500, type=int, help="largest number of steps in a run")
    return parser.parse_args(words)


def device(log: Path) -> Facts:
    """Return the device and the versions, from a process that releases the device when it ends."""
    *lines, end = child(None, log)
    if not lines:
        sys.exit(f"Keras did not start (exit code {end['code']}): see {log}.")
    return dict(lines[0])


def main() -> None:
    arguments = options()
    results = Results(arguments.results.absolute())
    facts = device(results.path.parent / "logs" / "device.log")
    if facts["device"].startswith("CPU"):
        print(f"Keras on {facts['backend']} finds no GPU: the results are those of a CPU.", file=sys.stderr)
    wanted = combinations(arguments)
    if arguments.compilers:
        compile_ahead(results, facts, wanted, arguments)
    for combination in wanted:
        measure(results, facts, combination, arguments)
    keys = [key(facts, combination, batch) for combination in wanted for batch in arguments.batches]
    print(caption(facts, arguments))
    print(table([results.by_key[each] for each in keys if each in results.by_key], arguments.batches))


if __name__ == "__main__":
    main()
