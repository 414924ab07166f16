"""Photos of an orientation task that are probably stored turned, or have no orientation."""

from __future__ import annotations

import numpy as np

from ...competition.orientation.rotations import align_angles
from ...competition.tables import Tables
from ...competition.task import ROTATIONS
from ..doubt import Doubt
from .predictions import OutOfFold

TURNED, UNSURE = "looks turned", "orientation unsure"
# Least probability of an angle at which the predictions are sure of it.
SURE = 0.5


def find_orientation_doubts(tables: Tables, predicted: OutOfFold) -> list[Doubt]:
    """Return the photos that look turned, then those without an orientation, the least probably upright first.

    A photo whose four rotations are all found turned by the same angle is probably stored turned. A photo for which
    the four contradict each other, such as a symmetric one, has no orientation.

    Parameters
    ----------
    predicted
        Predictions of the four rotations of each photo, in consecutive rows.
    """
    angles = align_angles(predicted.probabilities)
    train = tables.train.iloc[predicted.rows[:: len(ROTATIONS)]]
    ids = train["id"].str.rpartition("@")[0].tolist()
    doubts = []
    for number in np.argsort(angles[:, 0], kind="stable").tolist():
        best = int(angles[number].argmax())
        probability, upright = float(angles[number, best]), float(angles[number, 0])
        if best and probability >= SURE:
            kind, reason = TURNED, f"looks turned by {ROTATIONS[best]} degrees with probability {probability:.3f}"
        elif probability < SURE:
            kind, reason = UNSURE, f"has no angle of probability {SURE} or more, such as a symmetric or blank photo"
        else:
            continue
        doubts.append(
            Doubt(
                kind,
                "train",
                ids[number],
                str(train["path"].iloc[number]),
                "0",
                "exclude" if kind == TURNED else "",
                "",
                round(1 - upright, 6),
                f"The photo {reason}, by {predicted.source}, of which no network saw it.",
            )
        )
    return sorted(doubts, key=lambda doubt: doubt.kind != TURNED)
