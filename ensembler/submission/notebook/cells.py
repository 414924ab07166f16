"""The notebook's cells: find the dataset, install its wheels, predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...keras_backend import BACKEND_NAMES, Backend
from ...members.stack_record import StackRecord
from .bundle import Bundle


def build_notebook(
    bundle: Bundle, dataset: str, requirements: Sequence[str], summary: StackRecord, backend: Backend, *, gpu: bool
) -> dict[str, Any]:
    """Return a notebook in Jupyter's format 4.5.

    ``dataset`` is the name of the dataset, for an error. ``requirements`` are installed from it by pip, such as
    ``keras>=3.6``. ``summary`` describes the stack. ``backend`` is Keras's where it is installed, else the other one.
    """
    [other] = set(BACKEND_NAMES) - {backend}
    sources = [
        ("markdown", _render_heading(bundle, summary, backend, gpu=gpu)),
        ("code", _FIND_CELL.format(bundle.list_name, dataset)),
        ("code", _INSTALL_CELL.format(list(requirements))),
        ("code", _ANSWER_CELL.format(backend, other)),
    ]
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source.strip()}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for number, (kind, source) in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _render_heading(bundle: Bundle, summary: StackRecord, backend: Backend, *, gpu: bool) -> str:
    members = ", ".join(member.name for member in summary.members)
    metric, score = summary.known_score
    return f"""
# {bundle.competition}: stack `{bundle.stack}`

Members: {members}. Score on photos that nothing was fitted on: {metric} {score:.5f}.

This notebook predicts the competition's photos with one Keras model on the {"GPU" if gpu else "CPU"}, by
{BACKEND_NAMES[backend]} where it is installed, without internet access. It writes `submission.csv` with the ids of the
sample submission.
"""


_FIND_CELL = """
import importlib
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

INPUT = Path(os.environ.get("ENSEMBLER_KAGGLE_INPUT", "/kaggle/input"))
OUTPUT = Path(os.environ.get("ENSEMBLER_KAGGLE_OUTPUT", "/kaggle/working/submission.csv"))
COMPETITION = os.environ.get("ENSEMBLER_KAGGLE_COMPETITION")
LIST = "{0}"

places = ("*", "datasets/*/*", "*/*")
bundle = next((path for place in places for path in INPUT.glob(f"{{place}}/{{LIST}}")), None)
if bundle is None:
    raise FileNotFoundError(f"{{LIST}} is missing in {{INPUT}}: add the dataset {1} in the version of this notebook.")
print(bundle)
"""

_INSTALL_CELL = """
WANTED = {0}
options = ["--no-index", "--no-deps", "--disable-pip-version-check", "--find-links", str(bundle.parent)]
pip = subprocess.run([sys.executable, "-m", "pip", "install", *options, *WANTED], capture_output=True, text=True)
print(pip.stdout)
if pip.returncode:
    raise RuntimeError(f"pip could not install {{WANTED}}: {{pip.stderr}}")
importlib.invalidate_caches()
"""

_ANSWER_CELL = """
from importlib.util import find_spec

os.environ.setdefault("KERAS_BACKEND", "{0}" if find_spec("{0}") else "{1}")

from ensembler.submission.notebook.jobs.offline import answer_offline

answer_offline(bundle, INPUT, OUTPUT, Path(COMPETITION) if COMPETITION else None)
with OUTPUT.open() as lines:
    print(*islice(lines, 6), sep="")
"""
