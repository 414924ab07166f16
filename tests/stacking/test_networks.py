from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from ensembler.heads.links import compute_losses_and_errors
from ensembler.stacking import networks
from ensembler.stacking.networks import Network, Penalties, fit_network


@pytest.mark.parametrize(("multiclass", "classes"), [(True, 4), (False, 3), (False, 1)])
@pytest.mark.parametrize("widths", [None, (), (5,), (6, 4)])
def test_the_gradient_is_that_of_the_loss(multiclass: bool, classes: int, widths: tuple[int, ...] | None) -> None:
    random = np.random.default_rng(0)
    raw = random.normal(size=(12, 2 * classes))
    targets = np.eye(max(classes, 2))[random.integers(0, classes, 12)][:, :classes]
    start = (
        Network.build_mean(2, classes)
        if widths is None
        else Network.build_start(Network.build_mean(2, classes), widths)
    )
    flat = start.flatten()
    flat = flat + random.normal(0, 0.1, flat.shape)
    penalties = Penalties(1.5, 2.0)

    def loss(weights: np.ndarray) -> float:
        filled = start.replace_weights(weights)
        return (
            float(compute_losses_and_errors(filled.compute_scores(raw)[0], targets, multiclass=multiclass)[0].sum())
            + penalties.compute_cost(filled, start)[0]
        )

    def gradient(weights: np.ndarray) -> np.ndarray:
        filled = start.replace_weights(weights)
        scores, flows = filled.compute_scores(raw)
        error = compute_losses_and_errors(scores, targets, multiclass=multiclass)[1]
        return np.asarray(filled.compute_gradient(raw, flows, error) + penalties.compute_cost(filled, start)[1])

    assert check_grad(loss, gradient, flat) < 1e-4


@pytest.mark.parametrize("widths", [None, (), (4,), (4, 3)])
def test_a_network_of_standardised_log_odds_becomes_one_of_raw_ones(widths: tuple[int, ...] | None) -> None:
    random = np.random.default_rng(0)
    X = random.normal(3, 2, size=(20, 4))
    mean, deviation = X.mean(axis=0), X.std(axis=0)
    start = Network.build_mean(2, 2) if widths is None else Network.build_start(Network.build_mean(2, 2), widths)
    flat = start.flatten()
    network = start.replace_weights(flat + random.normal(size=flat.shape))
    scores, _ = network.compute_scores(X, (X - mean) / deviation)
    assert np.allclose(scores, networks._fold_in_standardisation(network, mean, deviation).compute_scores(X)[0])


def test_members_weights_can_be_non_negative() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 2)).astype(np.float32)
    targets = (X[:, :1] - X[:, 1:] > 0).astype(np.float32)
    free, held = (
        fit_network(
            X, targets, Network.build_mean(2, 1), Penalties(1.0), multiclass=False, iterations=100, non_negative=one
        )
        for one in (False, True)
    )
    assert free.skip[1] < 0
    assert held.skip[1] == 0
    assert held.skip[0] > 0


def test_blocks_in_threads_give_the_same_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 2)).astype(np.float32)
    targets = (X[:, :1] > 0).astype(np.float32)

    def fitted() -> Network:
        return fit_network(
            X,
            targets,
            Network.build_start(Network.build_mean(2, 1), (3,)),
            Penalties(1.0, 1.0),
            multiclass=False,
            iterations=5,
        )

    whole = fitted()
    monkeypatch.setattr(networks, "BLOCK_ROWS", 16)
    assert np.allclose(whole.skip, fitted().skip, atol=1e-9)


def test_many_rows_are_computed_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 2)).astype(np.float32)
    targets = (X[:, :1] > 0).astype(np.float32)
    exact = fit_network(X, targets, Network.build_mean(2, 1), Penalties(1.0), multiclass=False, iterations=50)
    monkeypatch.setattr(networks, "MAX_FLOAT64_CELLS", 10)
    seen: list[type] = []

    def watched(scores: np.ndarray, truth: np.ndarray, *, multiclass: bool) -> tuple[np.ndarray, np.ndarray]:
        seen.append(scores.dtype.type)
        return compute_losses_and_errors(scores, truth, multiclass=multiclass)

    monkeypatch.setattr(networks, "compute_losses_and_errors", watched)
    about = fit_network(X, targets, Network.build_mean(2, 1), Penalties(1.0), multiclass=False, iterations=50)
    assert set(seen) == {np.float32}
    assert np.allclose(exact.skip, about.skip, atol=1e-2)


def test_the_callback_receives_the_start_and_each_iteration() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(100, 2)).astype(np.float32)
    targets = (X[:, :1] > 0).astype(np.float32)
    seen: list[int] = []
    plain: list[Network] = []

    def watch(iteration: int, network: Network) -> None:
        seen.append(iteration)
        plain.append(network)

    fit_network(X, targets, Network.build_mean(2, 1), Penalties(1.0), multiclass=False, iterations=3, callback=watch)
    assert seen == [0, 1, 2, 3]
    assert plain[0].skip.tolist() == [0.5, 0.5]
