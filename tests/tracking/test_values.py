from __future__ import annotations

from typing import Any

import pytest

from ensembler.tracking.values import clean_name, flatten_settings, list_version_tags, select_metrics


@pytest.mark.parametrize(
    ("settings", "flat"),
    [
        ({"seed": 1, "hidden": None, "flips": True}, {"seed": "1", "hidden": "none", "flips": "True"}),
        ({"rate": 0.1, "small": 1e-7}, {"rate": "0.1", "small": "1e-07"}),
        ({"phases": []}, {"phases": "none"}),
        ({"phases": [{"epochs": 1}, {"epochs": 2}]}, {"phases.1.epochs": "1", "phases.2.epochs": "2"}),
        ({"distillation": {"stack": "a"}, "members": ("a", "b")}, {"distillation.stack": "a", "members": "a, b"}),
        ({"a:b\u00e9": 1}, {"a_b_": "1"}),
        ({"long": "x" * 9000}, {"long": "x" * 5000}),
    ],
)
def test_settings_become_texts(settings: dict[str, Any], flat: dict[str, str]) -> None:
    assert flatten_settings(settings) == flat


def test_unknown_values_are_no_metrics() -> None:
    assert select_metrics({"a": 1, "b": None, "c": float("nan"), "d": float("inf")}) == {"a": 1.0}


def test_names_have_the_characters_and_the_length_that_mlflow_takes() -> None:
    assert clean_name("b0@strong" + "x" * 300) == ("b0_strong" + "x" * 300)[:250]


def test_versions_are_those_that_are_installed() -> None:
    import numpy

    assert list_version_tags()["version.numpy"] == numpy.__version__
