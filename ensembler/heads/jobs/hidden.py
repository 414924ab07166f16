"""A head with a hidden dense layer, fitted on frozen features by gradient descent."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ...backbones.jobs.devices import ALWAYS_COMPILES, predict_once
from ...competition.folds.splits import NOT_HELD_OUT
from ...competition.metrics.metrics import log_loss
from ...competition.tables import compute_prior
from ...options.settings import MemberSettings
from ..soft_targets import SoftTargets
from .keras_heads import Dense, build_head, build_random_head
from .losses import build_loss, compute_class_weights, join_targets

# Default learning rate of Adam (Kingma & Ba, 2015).
LEARNING_RATE = 1e-3
BATCH_SIZE = 32
# Maximum number of epochs, and number of epochs without improvement after which the search ends.
MAX_EPOCHS = 100
PATIENCE = 10


class HiddenHead:
    """A head with one rectified hidden layer, from features to probabilities.

    One fold of the training rows is held out to choose the number of epochs: the one with the lowest log loss on that
    fold. The network is then fitted on all rows for so many epochs.

    Parameters
    ----------
    settings
        Settings of the member: units, dropout, label smoothing, class weights and seed.
    multiclass
        Whether the outputs are exclusive classes.

    Attributes
    ----------
    epochs_
        Chosen number of epochs.
    hidden_
        Kernel and bias of the hidden layer for raw features, which include the standardisation.
    kernel_, bias_
        Kernel and bias of the last layer.
    """

    def __init__(self, settings: MemberSettings, *, multiclass: bool) -> None:
        self.settings = settings
        self.multiclass = multiclass

    def fit(
        self,
        X: NDArray[np.float32],
        Y: NDArray[np.float32],
        folds: NDArray[np.int64],
        *,
        views: int = 1,
        epochs: int | None = None,
        soft: SoftTargets | None = None,
    ) -> HiddenHead:
        """Choose the epochs, then fit on all rows.

        Parameters
        ----------
        X
            Features of shape (views x rows, width): the first view of all rows, then the second, and so on.
        Y, folds
            Targets 0 or 1 of shape (rows, outputs), and the fold of each row. Rows of the fold
            :data:`.NOT_HELD_OUT` are never held out.
        views
            Number of views of each row.
        epochs
            Number of epochs. None chooses it by the folds.
        soft
            Soft targets of the rows. None uses none.
        """
        mean, deviation = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        deviation[deviation < 1e-6] = 1.0
        Z = ((X - mean) / deviation).astype(np.float32)
        targets, soft = np.tile(Y, (views, 1)), soft and soft.tile(views)
        self.epochs_ = epochs or self._choose_epochs(Z, targets, np.tile(folds, views), soft)
        model = self._train(Z, targets, soft, self.epochs_)
        (kernel, bias), (self.kernel_, self.bias_) = (layer.get_weights() for layer in model.layers if layer.weights)
        scaled = kernel / deviation[:, None]
        self.hidden_: Dense = (scaled.astype(np.float32), (bias - mean @ scaled).astype(np.float32))
        return self

    def _choose_epochs(
        self, Z: NDArray[np.float32], Y: NDArray[np.float32], folds: NDArray[np.int64], soft: SoftTargets | None
    ) -> int:
        divided = folds != NOT_HELD_OUT
        held_out = divided & (folds == folds[divided].min())
        if held_out.all():
            return PATIENCE
        tracker = _LossTracker(Z[held_out], Y[held_out], multiclass=self.multiclass)
        self._train(Z[~held_out], Y[~held_out], soft and soft.select(~held_out), MAX_EPOCHS, [tracker])
        return int(np.argmin(tracker.losses)) + 1

    def _train(
        self,
        Z: NDArray[np.float32],
        Y: NDArray[np.float32],
        soft: SoftTargets | None,
        epochs: int,
        callbacks: Any = (),
    ) -> Any:
        settings = self.settings
        keras.utils.set_random_seed(settings.seed)
        model = build_random_head(
            Z.shape[1],
            compute_prior(Y),
            settings.seed,
            multiclass=self.multiclass,
            hidden=settings.hidden,
            dropout=settings.dropout,
        )
        weights = compute_class_weights(Y, settings.class_weights, multiclass=self.multiclass)
        optimizer = keras.optimizers.AdamW(LEARNING_RATE, weight_decay=settings.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(
            optimizer=optimizer,
            loss=build_loss(multiclass=self.multiclass, smoothing=settings.label_smoothing, weights=weights, soft=soft),
            jit_compile=ALWAYS_COMPILES,
        )
        model.fit(Z, join_targets(Y, soft), batch_size=BATCH_SIZE, epochs=epochs, verbose=0, callbacks=list(callbacks))
        return model

    def build_keras_head(self) -> Any:
        """Build the head as a Keras network of raw features."""
        return build_head(
            self.kernel_, self.bias_, multiclass=self.multiclass, hidden=[self.hidden_], dropout=self.settings.dropout
        )

    def predict_proba(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities, shape (rows, outputs)."""
        return predict_once(self.build_keras_head(), np.asarray(X))


class _LossTracker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """Record the log loss of held-out rows after each epoch, and stop training when it no longer improves."""

    def __init__(self, Z: NDArray[np.float32], Y: NDArray[np.float32], *, multiclass: bool) -> None:
        super().__init__()
        self.Z, self.Y, self.multiclass = Z, Y, multiclass
        self.losses: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        predicted = np.asarray(self.model(self.Z, training=False))
        self.losses.append(log_loss(self.Y, predicted, multiclass=self.multiclass))
        self.model.stop_training = len(self.losses) - 1 - int(np.argmin(self.losses)) >= PATIENCE
