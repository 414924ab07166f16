from __future__ import annotations

import json
from dataclasses import replace

import pytest
from helpers.results_made import UNSURE
from helpers.results_made import make_stack_result as result

from ensembler.competition.metrics.intervals import Difference, Interval
from ensembler.workflows.results import StackResult


def test_members_come_first_then_meta_learners_then_the_stack() -> None:
    table = result().build_table()
    columns, rows = table.columns, table.rows
    assert columns == ["member", "log loss", "accuracy", "without it", "errors alike"]
    assert rows == [
        ["b0", "0.2500 ± 0.0300", "0.9000", "+0.0200", "0.60"],
        ["b2", "0.2500 ± 0.0300", "0.9000", "+0.0200", "0.60"],
        ["  mean", "0.3000 ± 0.0300", "0.9000", "", ""],
        ["  dense", "0.2500 ± 0.0300", "0.9000", "", ""],
        ["stack (dense)", "0.2500 ± 0.0300", "0.9000", "", ""],
    ]
    assert result(names=("b0",)).build_table().columns == ["member", "log loss", "accuracy"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (result(), "better than the best member, b0, beyond noise: by 0.0200 (95 %: +0.0100 to +0.0300)"),
        (result(UNSURE), "the gain over the best member, b0, is within noise: +0.0200 (95 %: -0.0200 to +0.0600)"),
        (
            result(Difference(-0.02, 0.005, Interval(-0.03, -0.01))),
            "worse than the best member, b0, beyond noise: by 0.0200 (95 %: -0.0300 to -0.0100)",
        ),
        (
            result(UNSURE, ("b0",)),
            "the gain over b0 without calibration is within noise: +0.0200 (95 %: -0.0200 to +0.0600)",
        ),
    ],
)
def test_a_gain_within_noise_is_called_so(made: StackResult, words: str) -> None:
    assert words in made.describe()


def test_the_interval_the_calibration_and_choices_are_told() -> None:
    lines = result(asked="auto", meta="greedy", left_out=("b5",)).describe()
    assert lines[0].startswith("log loss 0.2500, 95 % interval 0.2000 to 0.3100, by nested folds")
    assert "greedy is the simplest meta-learner within one standard error of the best" in lines
    assert "left out       b5" in lines
    assert "calibration    temperature 1.25, clipped at 0.001; calibration error 0.1000 before, 0.0200 after" in lines
    assert not any("compared on" in line for line in lines)
    few = result()
    few = replace(few, evaluation=replace(few.evaluation, meta_learner_rows=20))
    assert "Meta-learners were compared on 20 photos." in few.describe()


def test_json_holds_all_of_it_and_null_where_there_is_no_number() -> None:
    none = Difference(float("nan"), float("nan"), Interval(float("nan"), float("nan")))
    fields = json.loads(json.dumps(result(none).to_json(), allow_nan=False))
    assert fields["gain"] == {"value": None, "standard_error": None, "interval": [None, None], "within_noise": True}
    assert fields["interval"] == [0.2, 0.31]
    assert fields["members"][0]["error_correlations"] == {"b0": 1.0, "b2": 0.6}
    assert fields["members"][1]["loss_without"]["within_noise"]
    assert fields["reliability"]["before"]["calibration_error"] == pytest.approx(0.1)
    assert list(fields["meta_learners"]) == ["mean", "dense"]
    assert json.loads(json.dumps(result(names=("b0",)).to_json()))["members"][0]["loss_without"] is None
