"""The logistic meta-learner, with a weight per member and optionally one per pair of outputs."""

from __future__ import annotations

from collections.abc import Sequence

from ...heads.links import Float32Array
from ..blend import Blend
from ..networks import Network, Penalties, fit_network
from .base import Cost, MetaLearner, Rows, sample_rows
from .greedy import fit_greedy_start

# Penalties of a weight per member, the strongest first.
SKIP_PENALTIES = (Penalties(100.0), Penalties(10.0))
# Penalties of additional weights from each member's outputs to each output.
FULL_PENALTIES = (Penalties(100.0, 100.0), Penalties(100.0, 10.0))
# Maximum number of weights of a full kernel. A larger one would be slow and overfit.
MAX_WEIGHTS = 20_000
MAX_ITERATIONS = 200
# Maximum number of input values for the final fit.
MAX_CELLS = 5_000_000


class LogisticMetaLearner(MetaLearner):
    """Logistic regression on the members' log-odds, penalised by the distance from the weights of greedy selection.

    Parameters
    ----------
    non_negative
        Whether each member has one weight for all outputs, which is at least zero (Breiman, Stacked regressions,
        Machine Learning 24, 1996).
    cost
        Cost by which the penalty is chosen. None uses log loss.
    settings
        Penalties to choose from, the strongest first. None adapts them to the number of outputs.

    Attributes
    ----------
    penalties_
        Chosen penalties.
    """

    def __init__(
        self, *, non_negative: bool = False, cost: Cost | None = None, settings: tuple[Penalties, ...] | None = None
    ) -> None:
        self.non_negative = non_negative
        self.cost = cost
        self.settings = settings

    def _fit(self, X: Float32Array, Y: Float32Array, folds: Rows) -> None:
        tries_full = not self.non_negative and Y.shape[1] > 1 and X.shape[1] * Y.shape[1] <= MAX_WEIGHTS
        settings = self.settings or (SKIP_PENALTIES + FULL_PENALTIES if tries_full else SKIP_PENALTIES)
        self.penalties_ = self._choose_setting(X, Y, folds, settings, self.cost)
        rows = sample_rows(len(X), MAX_CELLS // X.shape[1])
        self.blend_ = Blend(self.multiclass_, tuple(self._fit_networks(X[rows], Y[rows], [self.penalties_])))

    def clone_with_chosen_settings(self) -> MetaLearner:
        """See :meth:`.MetaLearner.clone_with_chosen_settings`."""
        return LogisticMetaLearner(non_negative=self.non_negative, settings=(self.penalties_,))

    def _fit_networks(
        self, X: Float32Array, Y: Float32Array, settings: Sequence[Penalties], seed: int = 0
    ) -> list[Network]:
        plain = fit_greedy_start(X, Y, multiclass=self.multiclass_, seed=seed)
        return [
            fit_network(
                X,
                Y,
                Network.build_start(plain, ()) if penalties.kernels else plain,
                penalties,
                multiclass=self.multiclass_,
                iterations=MAX_ITERATIONS,
                non_negative=self.non_negative,
            )
            for penalties in settings
        ]
