"""A result of a stack, made up here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ensembler.competition.metrics.intervals import Difference, Interval
from ensembler.competition.metrics.scores import Scores
from ensembler.stacking.evaluation import Evaluation
from ensembler.stacking.reliability import Bin, Reliability
from ensembler.workflows.results import MemberResult, StackResult

LOSS = Scores(metric="log loss", score=0.25, standard_error=0.03, log_loss=0.25, log_loss_error=0.03, accuracy=0.9)
SURE = Difference(0.02, 0.005, Interval(0.01, 0.03))
UNSURE = Difference(0.02, 0.02, Interval(-0.02, 0.06))


def make_stack_result(gain: Difference = SURE, names: tuple[str, ...] = ("b0", "b2"), **changes: object) -> StackResult:
    members = tuple(
        MemberResult(name=name, fold_log_losses=(0.2,), seconds=1.0, folder=Path(name), **vars(LOSS)) for name in names
    )
    several = len(names) > 1
    evaluation = Evaluation(
        interval=Interval(0.2, 0.31),
        best_member=0,
        gain=gain,
        meta_learner_figures={"mean": replace(LOSS, log_loss=0.3, score=0.3), "dense": LOSS},
        meta_learner_rows=60,
        losses_without=(SURE, UNSURE) if several else (),
        correlations=np.array([[1.0, 0.6], [0.6, 1.0]]) if several else np.ones((1, 1)),
        before_calibration=Reliability((Bin(60, 0.6, 0.5),)),
        after_calibration=Reliability((Bin(60, 0.52, 0.5),)),
    )
    made = StackResult(
        name="s",
        asked="dense",
        meta="dense",
        refit=False,
        seed=0,
        top=None,
        infer_limit=None,
        temperature=1.25,
        clip=0.001,
        mean=LOSS,
        members=members,
        left_out=(),
        best="b0",
        evaluation=evaluation,
        submission=Path("s.csv"),
        model=Path("s.keras"),
        difference=0,
        **vars(LOSS),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
