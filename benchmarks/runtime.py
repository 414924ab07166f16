"""Compare runtimes of prediction without a GPU: Keras, a constant graph, ONNX Runtime, and OpenVINO in two precisions.

Weights are random and photos are noise, which does not change the speed. Each setting of oneDNN has its own process.
The runtimes alternate batch by batch, so that other load affects all of them. The column of bfloat16 is empty on a
processor without it.
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
from typing import Any, get_args

NETWORKS = "mobilenetv2,b0"
HEADINGS = {"keras": "Keras", "openvino": "OpenVINO", "openvino-bfloat16": "bfloat16", "onnx": "ONNX Runtime"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbones", default=NETWORKS)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--onednn", default="on,off", help="settings of oneDNN")
    asked = parser.parse_args()
    if line := os.environ.get("RUNTIME_BENCHMARK"):
        sys.stdout.write(json.dumps(measure(line, asked.size, asked.batch, asked.repeats)) + "\n")
        return
    from ensembler.inference.runtimes import Runtime

    names = get_args(Runtime)
    headings = ["backbone", "oneDNN", *(HEADINGS.get(name, name) for name in names), "seconds of conversion"]
    lines = [format_line(headings), "|---|---" + "|---:" * (len(headings) - 2) + "|"]
    lines += [row(name, setting, names) for name in asked.backbones.split(",") for setting in asked.onednn.split(",")]
    sys.stdout.write("\n".join(lines) + "\n")


def format_line(cells: list[str]) -> str:
    """Return a line of the table."""
    return f"| {' | '.join(cells)} |"


def row(name: str, setting: str, runtimes: tuple[str, ...]) -> str:
    """Measure a network in a process with a setting of oneDNN, and return its line, with ratios to Keras."""
    environment = {
        **os.environ,
        "RUNTIME_BENCHMARK": name,
        "TF_ENABLE_ONEDNN_OPTS": "1" if setting == "on" else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    ended = subprocess.run([sys.executable, *sys.argv], env=environment, stdout=subprocess.PIPE, check=True)
    measured = json.loads(ended.stdout.splitlines()[-1])
    speeds, keras = measured["speeds"], measured["speeds"]["keras"]
    cells = [f"{speeds[one]:.1f} ({speeds[one] / keras:.2f})" if one in speeds else "" for one in runtimes]
    seconds = ", ".join(f"{one} {each:.1f}" for one, each in measured["conversions"].items())
    sys.stderr.write(f"{name}: differences {measured['differences']}, problems {measured['problems']}\n")
    return format_line([name, setting, *cells, seconds])


def measure(name: str, size: int, batch: int, repeats: int) -> dict[str, dict[str, Any]]:
    """Return photos per second, largest differences from Keras, seconds of conversion, and problems, by runtime."""
    import numpy as np

    from ensembler.backbones.jobs.build import build_backbone
    from ensembler.backbones.registry import find_backbone
    from ensembler.inference.jobs.converted import convert
    from ensembler.inference.jobs.networks import predict_batch
    from ensembler.inference.runtimes import Runtime
    from ensembler.machine_limits import count_processors

    model = build_backbone(find_backbone(name), size, "none", 0)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8)
    runs: dict[str, Callable[[], Any]] = {"keras": lambda: predict_batch(model, pixels, batch)}
    conversions, problems = {}, {}
    for runtime in get_args(Runtime)[1:]:
        began = time.perf_counter()
        try:
            converted = convert(model, runtime, count_processors())
        except Exception as error:  # noqa: BLE001  # the others can still be compared
            problems[runtime] = str(error)
            continue
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
    return {"speeds": speeds, "differences": differences, "conversions": conversions, "problems": problems}


if __name__ == "__main__":
    main()
