from __future__ import annotations

from typing import Any

import pytest
from throughput_table import figure, table


def line(backbone: str, xla: bool, mode: str, batch: int, rate: float | None, outcome: str = "measured") -> Any:
    cell = {"backbone": backbone, "precision": "float32", "xla": xla, "mode": mode, "batch": batch, "outcome": outcome}
    return cell if rate is None else {**cell, "rate": rate}


LINES = [
    line("b0", True, "training", 32, 1234.4),
    line("b0", True, "training", 64, None, "memory"),
    line("b0", True, "prediction", 32, 5000.0),
    line("b0", True, "prediction", 64, 4999.0),
    line("b0", False, "training", 32, 99.96),
    line("b0", False, "training", 64, None, "failed"),
    line("b3", True, "training", 64, 7.0),
]


def test_one_table_has_a_row_for_each_setting_and_the_fastest_is_bold() -> None:
    assert table(LINES, (32, 64)).splitlines() == [
        "| backbone | precision | XLA | training, 32 per step | training, 64 per step | prediction, 32 per step "
        "| prediction, 64 per step |",
        "|---|---|---|---:|---:|---:|---:|",
        "| b0 | float32 | on | **1,234** | memory | **5,000** | 4,999 |",
        "| b0 | float32 | off | 100 | failed |  |  |",
        "| b3 | float32 | on |  | **7** |  |  |",
    ]


def test_a_mode_that_nobody_measured_has_no_columns() -> None:
    assert table(LINES[:1], (32,)).splitlines()[0] == "| backbone | precision | XLA | training, 32 per step |"


@pytest.mark.parametrize(
    ("rate", "text"), [(12345.6, "12,346"), (100.4, "100"), (99.94, "99.9"), (3.14159, "3.14"), (0.0512, "0.0512")]
)
def test_figures_have_three_digits_at_least(rate: float, text: str) -> None:
    assert figure(rate) == text
