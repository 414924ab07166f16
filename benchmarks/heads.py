"""Time of fitting linear heads on generated features: ``python benchmarks/heads.py``.

Features resemble pooled rectified maps: they are correlated and positive, and their spreads differ widely. Labels
depend on some of their directions, so that a head is right on about 97 % of photos of two classes.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from numpy.typing import NDArray

from ensembler.competition.metrics.metrics import accuracy, log_loss
from ensembler.heads.linear import STRENGTHS, fit_heads

# Photos, classes and required seconds.
SIZES = {"two classes": (25_000, 2, 60), "many classes": (16_000, 196, 300)}
WIDTH, FOLDS = 2048, 5


def made(photos: int, classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Generate features of shape (photos, 2048) and targets of shape (photos, 1 or classes)."""
    random = np.random.default_rng(0)
    rank = 256
    mixing = random.normal(size=(rank, WIDTH)).astype(np.float32) / np.sqrt(np.arange(1, rank + 1))[:, None]
    labels = random.integers(0, classes, photos)
    centres = random.normal(size=(classes, rank)).astype(np.float32)
    hidden = random.normal(size=(photos, rank)).astype(np.float32) + 0.2 * centres[labels]
    features = np.maximum(hidden @ mixing.astype(np.float32), 0) * random.exponential(size=WIDTH).astype(np.float32)
    targets = np.eye(classes, dtype=np.float32)[labels]
    return features.astype(np.float32), targets[:, 1:] if classes == 2 else targets


def main() -> None:
    """Fit all folds of each size and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--strengths", type=int, default=5)
    arguments = parser.parse_args()
    strengths = STRENGTHS[-arguments.strengths - 2 : -2]
    print("photos  width  outputs  folds  strengths  seconds  limit  peak GB  log loss  accuracy")
    for name, (photos, classes, limit) in SIZES.items():
        if arguments.size not in (None, name):
            continue
        X, Y = made(photos, classes)
        folds = np.random.default_rng(1).integers(0, FOLDS, photos)
        exclusive = classes > 2
        began = time.monotonic()
        given = np.empty(Y.shape, np.float32)
        heads = fit_heads(X, Y, folds, range(FOLDS), multiclass=exclusive, strengths=strengths)
        for fold, head in heads.items():
            given[folds == fold] = head.predict_proba(X[folds == fold])
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        loss, right = log_loss(Y, given, multiclass=exclusive), accuracy(Y, given, multiclass=exclusive)
        print(
            f"{photos:<7} {WIDTH:<6} {Y.shape[1]:<8} {FOLDS:<6} {len(strengths):<10} {seconds:7.1f}  {limit:5}  "
            f"{peak:7.2f}  {loss:8.4f}  {right:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
