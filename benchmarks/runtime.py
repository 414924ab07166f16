"""Compare runtimes of prediction without a GPU: Keras, a constant graph and ONNX Runtime, with and without oneDNN.

Weights are random and photos are noise, which does not change the speed. Each setting of oneDNN has its own process.
The runtimes alternate batch by batch, so that other load affects all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NETWORKS = "mobilenetv2,mobilenet,b0"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", default=NETWORKS)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    asked = parser.parse_args()
    if line := os.environ.get("RUNTIME_BENCHMARK"):
        sys.stdout.write(json.dumps(measure(line, asked.size, asked.batch, asked.repeats)) + "\n")
        return
    lines = [line for name in asked.backbones.split(",") for line in rows(name)]
    heading = (
        "| backbone | oneDNN | Keras | graph | ONNX Runtime | graph / Keras | ONNX / Keras | differences | seconds |"
    )
    sys.stdout.write("\n".join([heading, "|---|---|---:|---:|---:|---:|---:|---:|---:|", *lines]) + "\n")


def rows(name: str) -> list[str]:
    """Measure a network in one process per setting of oneDNN, and return lines of the table."""
    lines = []
    for setting in ("on", "off"):
        environment = {
            **os.environ,
            "RUNTIME_BENCHMARK": name,
            "TF_ENABLE_ONEDNN_OPTS": "1" if setting == "on" else "0",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        ended = subprocess.run([sys.executable, *sys.argv], env=environment, stdout=subprocess.PIPE, check=True)
        told = json.loads(ended.stdout.splitlines()[-1])
        keras, graph, onnx = (told["speeds"][runtime] for runtime in ("keras", "graph", "onnx"))
        differences = ", ".join(f"{told['differences'][runtime]:.0e}" for runtime in ("graph", "onnx"))
        seconds = ", ".join(f"{told['conversions'][runtime]:.1f}" for runtime in ("graph", "onnx"))
        lines.append(
            f"| {name} | {setting} | {keras:.1f} | {graph:.1f} | {onnx:.1f} | {graph / keras:.2f} | {onnx / keras:.2f} "
            f"| {differences} | {seconds} |"
        )
    return lines


def measure(name: str, size: int, batch: int, repeats: int) -> dict[str, dict[str, float]]:
    """Return photos per second, largest differences from Keras, and seconds of conversion, by runtime."""
    import numpy as np

    from ensembler.backbones.jobs.build import build_backbone
    from ensembler.backbones.registry import find_backbone
    from ensembler.inference.jobs.converted import convert
    from ensembler.inference.jobs.networks import predict_batch
    from ensembler.inference.jobs.speed import count_processors, make_noise

    model = build_backbone(find_backbone(name), size, "none", 0)
    pixels = make_noise(batch, size)
    runs: dict[str, Callable[[], Any]] = {"keras": lambda: predict_batch(model, pixels, batch)}
    conversions = {}
    for runtime in ("graph", "onnx"):
        began = time.perf_counter()
        converted = convert(model, runtime, count_processors())
        conversions[runtime] = time.perf_counter() - began
        runs[runtime] = lambda converted=converted: converted.predict(pixels)
    answers = {runtime: run() for runtime, run in runs.items()}
    scale = np.abs(answers["keras"]).max()
    differences = {runtime: float(np.abs(given - answers["keras"]).max() / scale) for runtime, given in answers.items()}
    taken: dict[str, list[float]] = {runtime: [] for runtime in runs}
    for _ in range(repeats):
        for runtime, run in runs.items():
            began = time.perf_counter()
            run()
            taken[runtime].append(time.perf_counter() - began)
    speeds = {runtime: batch / statistics.median(seconds) for runtime, seconds in taken.items()}
    return {"speeds": speeds, "differences": differences, "conversions": conversions}


if __name__ == "__main__":
    main()
