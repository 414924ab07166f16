from __future__ import annotations

from dataclasses import replace

from helpers.survey_made import CANDIDATES, SURVEY, surveyed

from ensembler.workflows.survey.result import BestCombination


def test_the_table_has_a_row_for_each_backbone() -> None:
    table = SURVEY.build_table()
    columns, rows = table.columns, table.rows
    assert columns[-4:] == ["width", "log loss", "accuracy", "scored on"]
    assert rows[1] == [
        *("b0", "224", "4.05 M", "16.2", "10.0", "98", "123", "1280", "0.0400 ± 0.0100", "0.9000", "1600"),
    ]
    assert all(len(row) == len(columns) for row in rows)


def test_another_metric_has_a_column_of_its_own() -> None:
    one = surveyed("b0", 0.04, 10, metric="roc auc", peak=None)
    table = replace(SURVEY, candidates=(one,)).build_table()
    columns, rows = table.columns, table.rows
    row = dict(zip(columns, rows[0], strict=True))
    assert row["roc auc"] == "0.8125"
    assert row["peak MB"] == ""
    columns = replace(SURVEY, candidates=(surveyed("b0", 0.04, 10, metric="accuracy"),)).build_table().columns
    assert columns.count("accuracy") == 1


def test_lines_say_what_follows() -> None:
    lines = list(SURVEY.describe())
    assert lines[0].startswith("1 backbone scored on fewer photos, since others are better")
    assert lines[1] == "left out  no weights in W: " + ", ".join(f"v{n}" for n in range(12)) + " and 2 more"
    assert lines[2] == "left out  b6: no room"
    assert lines[3] == "best      b0 (16.2 MB, 10.0 ms, log loss 0.0400)"
    assert lines[4].endswith("the smallest of a log loss within one standard error of the best, 0.0500")
    assert lines[5] == ("together  b0, b1, b2: log loss 0.0312 of their heads stacked, 0.0088 ± 0.0030 better than b0")
    assert lines[6:] == [
        "next      ensembler train-members --members b0,b1,b2",
        "          ensembler stack --members b0,b1,b2",
    ]


def test_what_may_be_chance_or_is_worse_is_said_so() -> None:
    unsure = replace(SURVEY, trio=BestCombination(("a", "b", "c"), 0.039, "b0", 0.001, 0.003))
    assert any(line.endswith("better than b0, which may be chance") for line in unsure.describe())
    worse = replace(SURVEY, trio=BestCombination(("a", "b", "c"), 0.041, "b0", -0.001, 0.003))
    assert any("0.0010 ± 0.0030 worse than b0" in line for line in worse.describe())


def test_nothing_is_small_enough_and_nothing_is_best() -> None:
    none = replace(SURVEY, smallest=None, good_enough="an accuracy of 0.99", trio=None, candidates=CANDIDATES[1:])
    lines = list(none.describe())
    assert "smallest  none has an accuracy of 0.99" in lines
    assert not any(line.startswith(("together", "1 backbone")) for line in lines)
