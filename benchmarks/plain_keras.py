"""Process in which ``gpu_job.py`` loads ``stack.keras`` with Keras alone, and compares it with the CSV of ``stack``.

It imports nothing of the package, and prints the largest difference as JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageOps

BATCH = 32


def decode(path: Path, size: int) -> np.ndarray:
    """Decode a photo as docs/python-api.md says, for opaque photos of 8 bits."""
    with Image.open(path) as photo:
        photo.draft(None, (2 * size, 2 * size))
        upright = ImageOps.exif_transpose(photo).convert("RGB")
        return np.asarray(upright.resize((size, size), Image.Resampling.BILINEAR))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stack", type=Path, help="path of stack.keras")
    parser.add_argument("answers", type=Path, help="CSV with a column of ids and one probability for each output")
    parser.add_argument("photos", type=Path, help="folder of the photos, whose paths are the ids")
    arguments = parser.parse_args()
    with arguments.answers.open(newline="", encoding="utf-8") as opened:
        _, *rows = csv.reader(opened)
    stored = np.array([row[1:] for row in rows], float)
    paths = [arguments.photos / row[0] for row in rows]
    model = keras.saving.load_model(arguments.stack)
    given = []
    for start in range(0, len(paths), BATCH):
        # The last batch is padded, so that the network is compiled once.
        batch = [*paths[start : start + BATCH], *paths[:1] * BATCH][:BATCH]
        pixels = [np.stack([decode(path, tensor.shape[1]) for path in batch]) for tensor in model.inputs]
        given.append(np.asarray(model.predict_on_batch(pixels if len(pixels) > 1 else pixels[0])))
    found = np.concatenate(given)[: len(paths)]
    print(json.dumps({"photos": len(paths), "difference": float(np.abs(found - stored).max())}))


if __name__ == "__main__":
    main()
