"""How far the predictions of an exported file may be from those of Keras."""

from __future__ import annotations

from .card import Figures
from .formats import Quantization

# Without quantisation, only the order of additions differs: a tenth of a thousandth of a probability is far above that,
# and below what any metric notices. Rounded weights move single probabilities further without harm, so quantised files
# are judged by their log loss: an increase of 0.001 is invisible beside the standard error of any score here, and 0.01
# is the most that a quarter of the size and the shorter time seem worth.
_TOLERANCES: dict[Quantization, float] = {"none": 1e-4, "fp16": 1e-3, "int8": 1e-2}


def find_tolerance(quantization: Quantization, tolerance: float | None) -> float:
    """Return the tolerance of a file: the user's, or the usual one of the quantisation."""
    return _TOLERANCES[quantization] if tolerance is None else tolerance


def find_excess(quantization: Quantization, tolerance: float, keras: Figures, exported: Figures) -> str:
    """Return how a file exceeds its tolerance, as part of a sentence. Empty if it keeps it.

    Without quantisation, the tolerance is the largest difference between two probabilities. With it, it is the increase
    of the log loss, or the difference if no photo has a label. NaN is always beyond it.
    """
    if quantization == "none" or keras.log_loss is None or exported.log_loss is None:
        if not exported.difference <= tolerance:
            return f"a probability differs by {exported.difference:.2g}, more than {tolerance:g}"
        return ""
    increase = exported.log_loss - keras.log_loss
    # Written so that NaN is refused.
    if not increase <= tolerance:
        return (
            f"the log loss rises from {keras.log_loss:.4f} to {exported.log_loss:.4f}, by {increase:.4f}, more than "
            f"{tolerance:g}"
        )
    return ""
