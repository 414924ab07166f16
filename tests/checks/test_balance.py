from __future__ import annotations

import pandas as pd
import pytest

from ensembler.checks.balance import count_independent, find_imbalance, measure_balance


@pytest.mark.parametrize(
    ("counts", "ratio", "effective", "kinds"),
    [
        ({"a": 20, "b": 20}, 1.0, 2.0, []),
        ({"a": 54, "b": 6}, 9.0, 1.3842, []),
        ({"a": 60, "b": 6}, 10.0, 1.3565, ["class imbalance"]),
        ({"a": 40, "b": 40, "c": 4}, 10.0, 2.3434, ["class imbalance", "rare class"]),
        ({"a": 20, "b": 4}, 5.0, 1.5692, ["rare class"]),
        ({"a": 20, "b": 20, "none": 0}, 1.0, 2.0, ["class imbalance", "rare class"]),
    ],
)
def test_classes_with_few_photos_are_named(
    counts: dict[str, int], ratio: float, effective: float, kinds: list[str]
) -> None:
    labels = pd.Series([name for name, count in counts.items() for _ in range(count)], dtype=str)
    balance = measure_balance(labels, list(counts))
    assert (balance.counts, balance.ratio) == (counts, ratio)
    assert balance.effective_classes == pytest.approx(effective, abs=1e-3)
    found = find_imbalance(balance, count_independent(labels, pd.Series([""] * len(labels))), folds=5)
    assert [each.kind for each in found.findings] == kinds
    smallest = min(counts, key=lambda name: counts[name])
    assert all(each.examples[0] == f"{smallest} ({counts[smallest]})" for each in found.findings)


def test_tags_are_counted_and_groups_count_once() -> None:
    labels, groups = pd.Series(["a|b", "a", "", "b"]), pd.Series(["p", "p", "", "q"])
    assert measure_balance(labels, ["a", "b"]).counts == {"a": 2, "b": 2}
    assert {name: count for name, count in count_independent(labels, groups).items() if name} == {"a": 1, "b": 2}


def test_photos_of_one_group_are_not_independent() -> None:
    labels, groups = pd.Series(["a"] * 20 + ["b"] * 20), pd.Series([""] * 20 + ["p"] * 20)
    found = find_imbalance(measure_balance(labels, ["a", "b"]), count_independent(labels, groups), folds=5)
    [finding] = found.findings
    assert (finding.kind, finding.examples) == ("rare class", ("b (20)",))
    assert "b (1)" in finding.summary
