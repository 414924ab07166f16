"""Predictions as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json

from ...workflows.predict import Predictions

# All that float32 knows.
_FLOAT_FORMAT = ".9g"


def format_predictions_csv(predictions: Predictions) -> str:
    """Give a row for each photo: its path, and the probability of each output under the class's name."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["photo", *predictions.outputs])
    for path, row in zip(predictions.photos, predictions.probabilities, strict=True):
        writer.writerow([path, *(format(value, _FLOAT_FORMAT) for value in row)])
    return buffer.getvalue()


def format_predictions_json(predictions: Predictions) -> str:
    """Give everything."""
    photos = [
        {"photo": str(path), "probabilities": [float(format(value, _FLOAT_FORMAT)) for value in row]}
        for path, row in zip(predictions.photos, predictions.probabilities, strict=True)
    ]
    data = {
        "stack": predictions.stack,
        "task": predictions.task,
        "outputs": predictions.outputs,
        "photos": photos,
        "unreadable": [str(path) for path in predictions.unreadable],
    }
    return json.dumps(data, indent=2) + "\n"
