"""Predictions as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json

from ...workflows.predict import Predictions

# All that float32 knows.
_DIGITS = ".9g"


def predictions_csv(found: Predictions) -> str:
    """Give a row for each photo: its path, and the probability of each output under the class's name."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["photo", *found.outputs])
    for path, row in zip(found.photos, found.probabilities, strict=True):
        writer.writerow([path, *(format(value, _DIGITS) for value in row)])
    return buffer.getvalue()


def predictions_json(found: Predictions) -> str:
    """Give everything."""
    photos = [
        {"photo": str(path), "probabilities": [float(format(value, _DIGITS)) for value in row]}
        for path, row in zip(found.photos, found.probabilities, strict=True)
    ]
    told = {
        "stack": found.stack,
        "task": found.task,
        "outputs": found.outputs,
        "photos": photos,
        "unreadable": [str(path) for path in found.unreadable],
    }
    return json.dumps(told, indent=2) + "\n"
