"""scikit-learn's own checks of estimators, of every meta-learner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from ensembler.heads.links import compute_log_odds
from ensembler.stacking.calibration import CalibratedMetaLearner
from ensembler.stacking.learners.base import MetaLearner
from ensembler.stacking.learners.dense import DenseMetaLearner
from ensembler.stacking.learners.greedy import GreedyMetaLearner
from ensembler.stacking.learners.logistic import LogisticMetaLearner
from ensembler.stacking.learners.means import LogitMeanMetaLearner, MeanMetaLearner
from ensembler.stacking.subsets import SubsetMetaLearner
from ensembler.stacking.tournament import TournamentMetaLearner

LEARNERS = [
    MeanMetaLearner(),
    LogitMeanMetaLearner(),
    GreedyMetaLearner(bags=2),
    LogisticMetaLearner(),
    DenseMetaLearner(penalties=(10.0,), stops=(20,), seeds=1),
    CalibratedMetaLearner(LogisticMetaLearner()),
    SubsetMetaLearner(LogisticMetaLearner(), size=1),
    TournamentMetaLearner({"mean": MeanMetaLearner(), "logistic": LogisticMetaLearner()}),
]


@parametrize_with_checks(LEARNERS)
def test_checks_that_apply(estimator: Any, check: Any) -> None:
    check(estimator)
