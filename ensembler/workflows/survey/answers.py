"""What a survey says in the end: the best, the smallest that is good enough, the three that are best together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...options.command_line import command_line
from ...paths import Workspace
from ...progress import Progress
from ...surveys.best_combination import best_trio
from ...surveys.halving import paired_difference
from ...surveys.rung import Rung
from .result import Surveyed, Together


def smallest_good(finished: Sequence[Surveyed], accuracy: float | None) -> tuple[Surveyed | None, str]:
    """Find the backbone of the fewest parameters that is good enough, and say what that means.

    Parameters
    ----------
    accuracy
        That it must reach; None: its log loss must lie within one standard error of the best (Breiman et al.,
        Classification and Regression Trees, 1984).
    """
    if accuracy is not None:
        good, words = [one for one in finished if one.figures.accuracy >= accuracy], f"an accuracy of {accuracy:g}"
    else:
        best = min(finished, key=lambda one: one.figures.log_loss)
        limit = best.figures.log_loss + best.figures.log_loss_error
        good = [one for one in finished if one.figures.log_loss <= limit]
        words = f"a log loss within one standard error of the best, {limit:.4f}"
    return min(good, key=lambda one: (one.measures.parameters, one.figures.log_loss), default=None), words


def best_together(rung: Rung, members: Mapping[str, NDArray[np.float32]], progress: Progress) -> Together | None:
    """Find the three backbones whose heads are best together, by their out-of-fold probabilities on a rung."""
    found = best_trio(
        members,
        rung.targets,
        rung.folds.nested_folds(),
        exclusive=rung.exclusive,
        go_on=lambda: progress.go_on("in the choice of three backbones"),
    )
    if found is None:
        return None
    losses = {name: rung.losses(one) for name, one in members.items()}
    best = min(losses, key=lambda name: losses[name].mean())
    gain, error = paired_difference(losses[best], found.losses)
    return Together(found.names, found.log_loss, best, gain, error)


@dataclass(frozen=True)
class Typed:
    """What a survey was asked with, and training takes too: options, folders, the competition if it was named."""

    weights: str | None
    image_size: int | None
    seed: int
    workspace: Workspace
    competition: str

    @property
    def words(self) -> list[str]:
        """As they are typed."""
        told = [("--weights", self.weights), ("--image-size", self.image_size), ("--seed", self.seed or None)]
        return [word for option, value in told if value is not None for word in (option, str(value))]


def next_commands(best: Surveyed | None, trio: Together | None, typed: Typed) -> tuple[str, ...]:
    """Say what to type to train those that are best together, or the best one."""
    names = ",".join(trio.names) if trio else best.name if best else ""
    if not names:
        return ()
    words = [["train-members", "--members", names, *typed.words], ["stack", "--members", names]]
    return tuple(command_line(each, typed.workspace, typed.competition) for each in words)
