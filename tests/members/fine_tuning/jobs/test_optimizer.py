from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from helpers.members_made import SETTINGS
from keras import layers

from ensembler.members.fine_tuning.jobs.optimizer import (
    LayerwiseAdamW,
    build_optimizer,
    read_state,
    restore_state,
    swap_means,
)
from ensembler.options.settings import MemberSettings

X = np.random.default_rng(0).normal(size=(8, 4)).astype("f4")
Y = np.random.default_rng(1).normal(size=(8, 1)).astype("f4")
STEPS = 40


def small(seed: int = 0) -> Any:
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), layers.Dense(5, name="low"), layers.Dense(1, name="high")])


def compiled(model: Any, rates: dict[int, float] | None = None, accumulated: int = 1, **changes: Any) -> LayerwiseAdamW:
    settings: MemberSettings = replace(SETTINGS, **changes)
    optimizer = build_optimizer(model, settings, rates or {}, accumulation_steps=accumulated)
    optimizer.start(0.01, STEPS)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    return optimizer


def rates_of(highest: float, steps: int) -> list[float]:
    optimizer, rates = compiled(small()), []
    optimizer.start(highest, steps)
    for step in range(steps + 1):
        optimizer._iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    return rates


def moved(model: Any, before: list[np.ndarray]) -> list[float]:
    return [float(np.abs(now - then).max()) for now, then in zip(model.get_weights(), before, strict=True)]


def test_rates_scale_the_steps() -> None:
    model, other = small(), small()
    compiled(model, {id(weight): 0.1 for weight in model.get_layer("low").weights})
    compiled(other)
    before = model.get_weights()
    for each in (model, other):
        each.train_on_batch(X, Y)
    ratio = np.array(moved(model, before)) / np.array(moved(other, before))
    assert ratio == pytest.approx([0.1, 0.1, 1, 1], rel=1e-3)


def test_decay_shrinks_kernels_alone_and_by_their_own_rate() -> None:
    model = small()
    optimizer = compiled(model, {id(model.get_layer("low").kernel): 0.5}, weight_decay=0.1)
    for bias in (model.get_layer("low").bias, model.get_layer("high").bias):
        bias.assign(np.ones(bias.shape))
    before = model.get_weights()
    optimizer.apply([np.zeros(variable.shape, "f4") for variable in model.trainable_variables])
    rate = 0.01 / 10  # the first of the warm-up
    shares = [float(np.ravel(now / then)[0]) for now, then in zip(model.get_weights(), before, strict=True)]
    assert shares == pytest.approx([1 - 0.5 * rate * 0.1, 1, 1 - rate * 0.1, 1], abs=1e-7)


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = rates_of(1e-3, 100)
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == rates[10] == pytest.approx(1e-3)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("accumulated", [1, 2])
def test_a_schedule_that_is_cut_short_goes_on_smoothly_and_ends_at_nothing(accumulated: int) -> None:
    optimizer = compiled(model := small(), accumulated=accumulated)
    rates = [float(optimizer._get_current_learning_rate())]
    traced = keras.ops.convert_to_numpy(optimizer.iterations)
    for update in range(20):
        if update == 10:
            optimizer.set_schedule_end(20)
        for _ in range(accumulated):
            model.train_on_batch(X, Y)
        rates.append(float(optimizer._get_current_learning_rate()))
    whole = rates_of(0.01, STEPS)
    assert traced == 0
    assert rates[:11] == pytest.approx(whole[:11], rel=1e-6)
    # From there three times as fast: ten updates for the other thirty.
    assert rates[10:] == pytest.approx(whole[10::3], rel=1e-4, abs=1e-9)
    assert rates[19] < 0.01 * 0.02
    assert rates[20] == pytest.approx(0, abs=1e-8)


def test_a_schedule_that_ends_where_it_did_is_the_same_to_the_bit() -> None:
    one, other = small(), small()
    compiled(one)
    optimizer = compiled(other)
    for _ in range(5):
        optimizer.set_schedule_end(STEPS)
        one.train_on_batch(X, Y)
        other.train_on_batch(X, Y)
    assert all(
        np.array_equal(mine, theirs) for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True)
    )


def test_what_is_remembered_knows_how_fast_the_schedule_is() -> None:
    model, other = small(), small()
    optimizer, later = compiled(model), compiled(other, accumulated=2)
    for _ in range(4):
        model.train_on_batch(X, Y)
    optimizer.set_schedule_end(8)
    restore_state(later, read_state(optimizer))
    assert float(later._get_current_learning_rate()) == float(optimizer._get_current_learning_rate())
    assert float(later._schedule_speed.numpy()) == pytest.approx((STEPS - 4) / 4)


def test_gradients_are_clipped_together() -> None:
    model = small()
    optimizer = compiled(model, clip_norm=1.0)
    clipped = optimizer._clip_gradients([100 * np.ones(variable.shape, "f4") for variable in model.trainable_variables])
    assert np.sqrt(sum(float(np.square(each).sum()) for each in clipped)) == pytest.approx(1, rel=1e-4)
    assert compiled(small(), clip_norm=0.0).global_clipnorm is None


@pytest.mark.parametrize("accumulated", [1, 2])
@pytest.mark.slow
def test_the_running_mean_is_that_of_its_definition(accumulated: int) -> None:
    model = small()
    optimizer = compiled(model, accumulated=accumulated, ema=0.9)
    mean = [weight.copy() for weight in model.get_weights()]
    for step in range(30):
        for _ in range(accumulated):
            model.train_on_batch(X, Y)
        kept = min(0.9, (1 + step) / (10 + step))
        mean = [kept * old + (1 - kept) * new for old, new in zip(mean, model.get_weights(), strict=True)]
    learned = model.get_weights()
    swap_means(optimizer)
    for found, expected in zip(model.get_weights(), mean, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)
    swap_means(optimizer)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), learned, strict=True))


def test_without_a_mean_there_is_nothing_to_swap() -> None:
    model = small()
    optimizer = compiled(model)
    before = model.get_weights()
    swap_means(optimizer)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))


def test_parts_of_a_batch_add_up_to_the_whole() -> None:
    whole, parts = small(), small()
    compiled(whole, weight_decay=0.05, clip_norm=0.5)
    compiled(parts, accumulated=2, weight_decay=0.05, clip_norm=0.5)
    for _ in range(5):
        whole.train_on_batch(X, Y)
        parts.train_on_batch(X[:4], Y[:4])
        parts.train_on_batch(X[4:], Y[4:])
    for one, two in zip(whole.get_weights(), parts.get_weights(), strict=True):
        assert two == pytest.approx(one, abs=1e-6)


@pytest.mark.parametrize("accumulated", [1, 2])
def test_a_new_optimizer_goes_on_where_another_was(accumulated: int) -> None:
    unbroken, broken = small(), small()
    compiled(unbroken, ema=0.9)
    optimizer = compiled(broken, ema=0.9)
    for model in (unbroken, broken):
        for _ in range(7):
            model.train_on_batch(X, Y)
    state = read_state(optimizer)
    new = compiled(broken, accumulated=accumulated, ema=0.9)
    restore_state(new, state)
    for _ in range(7):
        unbroken.train_on_batch(X, Y)
        for _ in range(accumulated):
            broken.train_on_batch(X, Y)
    for one, two in zip(unbroken.get_weights(), broken.get_weights(), strict=True):
        assert two == pytest.approx(one, abs=1e-6)
    assert int(read_state(new)["updates"]) == 14
