"""What a survey says in the end: the best, the smallest that is good enough, the three that are best together."""

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
    """Find the backbone of the fewest parameters that is good enough, and say what that means.

    Parameters
    ----------
    accuracy
        That it must reach; None: its log loss must lie within one standard error of the best (Breiman et al.,
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
    """Find the three backbones whose heads are best together, by their out-of-fold probabilities on a rung."""
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
    """What a survey was asked with, and training takes too: options, folders, the competition if it was named."""

    weights: str | None
    image_size: int | None
    seed: int
    workspace: Workspace
    competition: str

    @property
    def arguments(self) -> list[str]:
        """As they are typed."""
        options = [("--weights", self.weights), ("--image-size", self.image_size), ("--seed", self.seed or None)]
        return [word for option, value in options if value is not None for word in (option, str(value))]


def suggest_commands(
    best: SurveyedBackbone | None, trio: BestCombination | None, options: TypedOptions
) -> tuple[str, ...]:
    """Say what to type to train those that are best together, or the best one."""
    names = ",".join(trio.names) if trio else best.name if best else ""
    if not names:
        return ()
    words = [["train-members", "--members", names, *options.arguments], ["stack", "--members", names]]
    return tuple(format_command(each, options.workspace, options.competition) for each in words)
