"""A row of the ledger, made up here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ensembler.members.stack_record import MemberUsed
from ensembler.submission.ledger.rows import Row

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROW = Row(
    competition="dogs",
    slug="dogs-vs-cats",
    path=Path("/s/dogs/a.csv"),
    file_name="a.csv",
    sha256="aa",
    total_bytes=100,
    made=NOON,
    kind="csv",
    stack="b0_b2",
    members=(MemberUsed("b0", "0123"),),
    folds="ff",
    samples="55",
    metric="log loss",
    larger_is_better=False,
    own=0.04,
    own_error=0.002,
    own_log_loss=0.04,
    own_corrected=None,
    description="first",
    ref=11,
    began=NOON + timedelta(minutes=1),
    submitted=NOON + timedelta(minutes=2),
    status="COMPLETE",
    public=0.043,
    private=None,
    reason="",
)
