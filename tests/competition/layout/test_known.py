from __future__ import annotations

import pytest

from ensembler.competition.layout.known import _KNOWN_COMPETITIONS, find_known_competition, list_known_positives
from ensembler.competition.metrics.metrics import METRICS


def test_metrics_have_the_names_that_we_give_them():
    assert {known.metric for known in _KNOWN_COMPETITIONS.values()} <= set(METRICS)


@pytest.mark.parametrize(
    ("slug", "code_only"),
    [
        ("cassava-leaf-disease-classification", True),
        ("plant-pathology-2020-fgvc7", False),
        ("plant-pathology-2021-fgvc8", True),
        ("aptos2019-blindness-detection", True),
        ("imet-2019-fgvc6", True),
        ("ranzcr-clip-catheter-line-classification", True),
        ("siim-isic-melanoma-classification", False),
        ("dogs-vs-cats-redux-kernels-edition", False),
    ],
)
def test_what_takes_notebooks_alone(slug, code_only):
    known = find_known_competition(slug)
    assert known is not None
    assert known.code_only is code_only


@pytest.mark.parametrize(
    ("slug", "metric"),
    [
        ("aptos2019-blindness-detection", "quadratic weighted kappa"),
        ("siim-isic-melanoma-classification", "roc auc"),
        ("imet-2019-fgvc6", "sample f2"),
        ("plant-pathology-2021-fgvc8", "sample f1"),
        ("cifar-10", "accuracy"),
    ],
)
def test_what_competitions_are_judged_by(slug, metric):
    assert find_known_competition(slug).metric == metric


def test_metrics_are_not_guessed_from_similar_slugs():
    assert find_known_competition("dogs-vs-cats-in-class") is None
    assert find_known_competition("") is None


@pytest.mark.parametrize(
    ("slug", "positives"),
    [
        ("dogs-vs-cats", ["dog"]),
        ("dogs-vs-cats-redux-kernels-edition", ["dog", "dog"]),
        ("dogs-vs-cats-in-class", ["dog"]),
        ("cats-vs-dogs", []),
        ("", []),
    ],
)
def test_positive_classes(slug, positives):
    assert list_known_positives(slug) == positives
