"""Conclusions of a survey: the smallest good backbone, the best three together, and the next commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...competition.metrics.comparisons import compute_paired_difference
from ...options.command_line import format_command
from ...paths import Workspace
from ...progress import Progress
from ...surveys.best_combination import find_best_combination
from ...surveys.rung import Rung
from .result import BestCombination, SurveyedBackbone


def find_smallest_good(
    finished: Sequence[SurveyedBackbone], accuracy: float | None
) -> tuple[SurveyedBackbone | None, str]:
    """Return the backbone with the fewest parameters that is good enough, and the criterion.

    Parameters
    ----------
    accuracy
        Required accuracy. None requires a log loss within one standard error of the best (Breiman et al.,
        Classification and Regression Trees, 1984).
    """
    if accuracy is not None:
        good, criterion = [one for one in finished if one.scores.accuracy >= accuracy], f"an accuracy of {accuracy:g}"
    else:
        best = min(finished, key=lambda one: one.scores.log_loss)
        limit = best.scores.log_loss + best.scores.log_loss_error
        good = [one for one in finished if one.scores.log_loss <= limit]
        criterion = f"a log loss within one standard error of the best, {limit:.4f}"
    return min(good, key=lambda one: (one.speed.parameters, one.scores.log_loss), default=None), criterion


def choose_best_combination(
    rung: Rung, members: Mapping[str, NDArray[np.float32]], progress: Progress
) -> BestCombination | None:
    """Find the three backbones whose out-of-fold probabilities on a rung stack best."""
    combination = find_best_combination(
        members,
        rung.targets,
        rung.folds.make_nested_folds(),
        multiclass=rung.is_multiclass,
        raise_if_stopping=lambda: progress.raise_if_stopping("in the choice of three backbones"),
    )
    if combination is None:
        return None
    losses = {name: rung.compute_losses(one) for name, one in members.items()}
    best = min(losses, key=lambda name: losses[name].mean())
    gain, error = compute_paired_difference(losses[best], combination.losses)
    return BestCombination(combination.names, combination.log_loss, best, gain, error)


@dataclass(frozen=True)
class TypedOptions:
    """Options of a survey that training has too. ``competition`` is empty if it is the current one."""

    weights: str | None
    image_size: int | None
    seed: int
    workspace: Workspace
    competition: str

    @property
    def arguments(self) -> list[str]:
        """Words of the command line."""
        options = [("--weights", self.weights), ("--image-size", self.image_size), ("--seed", self.seed or None)]
        return [word for option, value in options if value is not None for word in (option, str(value))]


def suggest_commands(best: SurveyedBackbone, trio: BestCombination | None, options: TypedOptions) -> tuple[str, ...]:
    """Return the commands that train and stack the best three backbones, or else the best one."""
    names = ",".join(trio.names) if trio else best.name
    words = [["train-members", "--members", names, *options.arguments], ["stack", "--members", names]]
    return tuple(format_command(each, options.workspace, options.competition) for each in words)
