"""What a survey found, made up here."""

from __future__ import annotations

from ensembler.competition.metrics.scores import Scores
from ensembler.inference.speeds import NetworkSpeed
from ensembler.workflows.survey.result import BestCombination, FailedBackbone, SurveyedBackbone, SurveyResult


def surveyed(
    name: str,
    log_loss: float,
    parameters: int,
    *,
    photos: int = 1600,
    milliseconds: float = 10.0,
    accuracy: float = 0.9,
    metric: str = "log loss",
    peak: int | None = 123_000_000,
) -> SurveyedBackbone:
    speed = NetworkSpeed(
        parameters=parameters,
        width=1280,
        milliseconds_per_photo=milliseconds,
        photos_per_second=98.4,
        peak_bytes=peak,
        single=100,
        batch_size=32,
        device="a processor",
        threads=2,
        host="here",
    )
    score = log_loss if metric == "log loss" else 0.8125
    figures = Scores(
        metric=metric,
        score=score,
        standard_error=0.01,
        log_loss=log_loss,
        log_loss_error=0.01,
        accuracy=accuracy,
    )
    return SurveyedBackbone(name, 224, speed, figures, photos, "" if photos == 1600 else "b0 is faster")


CANDIDATES = (
    surveyed("small", 0.3, 400_000, photos=400),
    surveyed("b0", 0.04, 4_049_571),
    surveyed("b1", 0.05, 6_575_239),
)
SURVEY = SurveyResult(
    candidates=CANDIDATES,
    failed=(
        FailedBackbone("b6", "no room"),
        *(FailedBackbone(f"v{n}", "a sentence", "no weights in W") for n in range(14)),
    ),
    photos=1600,
    best=CANDIDATES[1],
    smallest=CANDIDATES[1],
    good_enough="a log loss within one standard error of the best, 0.0500",
    trio=BestCombination(("b0", "b1", "b2"), 0.0312, "b0", 0.0088, 0.003),
    commands=("ensembler train-members --members b0,b1,b2", "ensembler stack --members b0,b1,b2"),
    picture=(),
    seconds=12.0,
)
