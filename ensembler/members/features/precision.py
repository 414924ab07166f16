"""The precision in which the frozen features of a backbone are computed: one for all photos and views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BadData
from ...inference.runtimes import SIXTEEN_BIT, RuntimeChoice, RuntimePrecision
from ...keras_backend import DEFAULT_BACKEND
from ...options.settings import MemberSettings
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint, read_record, write_record
from ..records import MemberRecord

# Suffix of the file with the decision, beside the features.
PRECISION_SUFFIX = ".precision.json"


@dataclass(frozen=True)
class PrecisionDecision:
    """The precision of the features of a backbone, which later runs keep.

    Attributes
    ----------
    precision
        Precision in which all photos are computed.
    reason
        Why it was chosen, as the end of a sentence.
    photos
        Number of photos on which both precisions were compared. 0 without a comparison.
    log_loss, log_loss_in_16_bits
        Out-of-fold log loss of heads on the features of these photos in float32 and in bfloat16. None without a
        comparison.
    standard_error
        Standard error of the first of the two.
    """

    precision: RuntimePrecision
    reason: str
    photos: int = 0
    log_loss: float | None = None
    log_loss_in_16_bits: float | None = None
    standard_error: float | None = None


def build_feature_key(record: MemberRecord, own: Sequence[str] = ()) -> list[Any]:
    """Return what the features of a member depend on besides view and precision; see :func:`.build_feature_path`."""
    settings = record.settings
    key: list[Any] = [settings.backbone, settings.weights, settings.image_size, record.samples, settings.pooling]
    if settings.weights == "none":
        key.append(settings.seed)
    if record.backend != DEFAULT_BACKEND:
        # Backends round differently.
        key.append(record.backend)
    return [*key, *own]


def locate_decision(folder: CompetitionFolder, record: MemberRecord, own: Sequence[str] = ()) -> Path:
    """Return the file with the decision about a member's features."""
    key = compute_fingerprint(build_feature_key(record, own))
    return folder.features / f"{format_stem(record.settings)}-{key}{PRECISION_SUFFIX}"


def format_stem(settings: MemberSettings) -> str:
    """Return the beginning of the names of a member's features."""
    return f"{settings.backbone}-{settings.image_size}"


def load_decision(folder: CompetitionFolder, record: MemberRecord, own: Sequence[str] = ()) -> PrecisionDecision | None:
    """Read the decision about a member's features. Return None if there is none, or it is damaged."""
    try:
        return read_record(locate_decision(folder, record, own), PrecisionDecision)
    except BadData:
        return None


def save_decision(
    folder: CompetitionFolder, record: MemberRecord, own: Sequence[str], decision: PrecisionDecision
) -> None:
    """Write the decision about a member's features."""
    write_record(locate_decision(folder, record, own), decision)


def read_precision(folder: CompetitionFolder, record: MemberRecord, own: Sequence[str] = ()) -> RuntimePrecision:
    """Return the precision of a member's features. Without a decision, it is float32."""
    decision = load_decision(folder, record, own)
    return decision.precision if decision else "float32"


def choose_runtime(precision: RuntimePrecision, choice: RuntimeChoice) -> RuntimeChoice:
    """Return the runtime that computes features in ``precision``, where ``choice`` is that of ``--runtime``."""
    return SIXTEEN_BIT if precision == "bfloat16" else choice
