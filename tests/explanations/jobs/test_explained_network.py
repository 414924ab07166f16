"""Maps of nested networks: against maps computed by hand, and against what decides a class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.nested_made import make_backbone, make_fold, make_member, make_pixels, make_stack
from keras import layers

from ensembler.backbones.jobs.build import build_backbone
from ensembler.backbones.registry import find_backbone
from ensembler.competition.task import Task
from ensembler.explanations.heat import MAP_SIZE, normalise, place_on_photo
from ensembler.explanations.jobs.explained_network import DEFAULT_METHOD, PIXEL_METHOD, ExplainedNetwork
from ensembler.heads.jobs.keras_heads import build_head

PIXELS = make_pixels()
WHOLE, MIRRORED = np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([[1.0, 0, 0], [0, -1, 1]])


def explain(model: Any, members: list[str], pixels: np.ndarray = PIXELS, task: Task = "binary", **options: Any) -> Any:
    classes = options.pop("classes", None)
    return ExplainedNetwork(model, members, task, **options).explain([pixels], classes)


def test_a_map_is_the_class_activation_map_of_a_network_made_by_hand() -> None:
    # The only feature is how red a place is, so the map is the redness above the threshold.
    pixels = keras.Input((8, 8, 3))
    convolution = layers.Conv2D(1, 1, activation="relu")
    flow = layers.GlobalAveragePooling2D()(convolution(pixels))
    model = keras.Model(pixels, build_head(np.full((1, 1), 0.05, "f4"), np.zeros(1, "f4"), multiclass=False)(flow))
    convolution.set_weights([np.array([1, 0, 0], "f4").reshape(1, 1, 3, 1), np.array([-100], "f4")])
    photo = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
    expected = normalise(place_on_photo(np.maximum(photo[..., 0] - 100.0, 0), WHOLE))
    for method in ("Grad-CAM", "HiResCAM", DEFAULT_METHOD):
        np.testing.assert_allclose(explain(model, [], photo, method=method).heat, expected, atol=1e-6)


def compute_directly(weight: float, seed: int, scale: float, target: str) -> np.ndarray:
    """Grad-CAM of one member, by the gradient tape of a flat model for each view, turned back by hand."""
    backbone = make_backbone(seed)
    features = keras.Model(backbone.input, backbone.get_layer("last").output)
    heads = [make_fold(backbone, fold, 1, scale) for fold in range(2)]
    photos = PIXELS.astype("f4")
    flat = [features(photos), features(photos[:, :, ::-1])]
    with tf.GradientTape() as tape:
        tape.watch(flat)
        pooled = [tf.cast(tf.reduce_mean(each, axis=(1, 2)), "float64") for each in flat]
        outputs = [
            tf.sigmoid(each @ kernel.astype("f8") + head.get_weights()[1].astype("f8"))
            for head, kernel in heads
            for each in pooled
        ]
        mean = sum(outputs) / 4
        odds = tf.math.log(mean) - tf.math.log(1 - mean)
        score = odds * (weight if target == "stack" else 1)
    signs = np.where(mean.numpy()[:, 0] > 0.5, 1, -1) if target == "member" else np.ones(len(photos))
    total = np.zeros((len(photos), MAP_SIZE, MAP_SIZE))
    for each, gradient, view in zip(flat, tape.gradient(score, flat), (WHOLE, MIRRORED), strict=True):
        weights = gradient.numpy().mean(axis=(1, 2), keepdims=True)
        total += place_on_photo((weights * each.numpy()).sum(axis=-1), view)
    return total * signs[:, None, None]


def test_the_map_through_a_nested_stack_is_that_of_the_flat_networks() -> None:
    model = make_stack([make_member("a", 1), make_member("b", 2)])
    found = explain(model, ["a", "b"], method="Grad-CAM", classes=np.ones(len(PIXELS), np.int64))
    parts = [compute_directly(weight, seed, 3.0, "stack") for seed, weight in ((1, 0.7), (2, 0.4))]
    masses = np.stack([np.maximum(part, 0).sum(axis=(1, 2)) for part in parts], axis=1)
    np.testing.assert_allclose(found.shares, masses / masses.sum(axis=1, keepdims=True), atol=1e-4)
    expected = sum(np.maximum(part, 0) for part in parts)
    np.testing.assert_allclose(found.heat, normalise(expected), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.member_heat[:, 1], normalise(parts[1]), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.probabilities, model([PIXELS.astype("f4")]), atol=1e-6)


def test_a_map_does_not_depend_on_how_sure_the_network_is() -> None:
    # In float32, the sigmoid of 20 is 1, and the stack clips it: no gradient would be left.
    backbone, found = make_backbone(1), []
    features = np.asarray(backbone(PIXELS.astype("f4")))
    for scale in (1.0, 20 / features.sum(axis=1).min()):
        head = build_head(np.full((6, 1), scale, "f4"), np.zeros(1, "f4"), multiclass=False)
        pixels = keras.Input((16, 16, 3), name="pixels")
        found.append(explain(make_stack([keras.Model(pixels, head(backbone(pixels)), name="a")]), ["a"]))
    assert (found[1].member_probabilities > 1 - 1e-8).all()
    assert (found[0].member_probabilities < 0.99).all()
    np.testing.assert_allclose(found[1].heat, found[0].heat, rtol=1e-3)


@pytest.mark.parametrize("views", ["flip", "crops"])
def test_the_map_of_a_mirrored_photo_is_mirrored(views: Any) -> None:
    model = make_stack([make_member("a", 1, views=views)])
    plain, mirrored = (explain(model, ["a"], photos).heat for photos in (PIXELS, PIXELS[:, :, ::-1]))
    if views == "flip":
        np.testing.assert_allclose(mirrored, plain[:, :, ::-1], atol=1e-6)
    assert [
        np.corrcoef(one.ravel(), other[:, ::-1].ravel())[0, 1] > 0.99
        for one, other in zip(plain, mirrored, strict=True)
    ]


@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3), ("multilabel", 1)])
def test_the_predicted_class_is_explained_unless_another_is_asked_for(task: Task, outputs: int) -> None:
    model = make_stack([make_member("a", 1, outputs=outputs)], outputs)
    predicted = explain(model, ["a"], task=task)
    asked = explain(model, ["a"], task=task, classes=predicted.classes)
    np.testing.assert_array_equal(asked.heat, predicted.heat)
    if task != "multilabel":
        other = explain(model, ["a"], task=task, classes=(predicted.classes + 1) % max(2, outputs))
        assert np.abs(other.heat - predicted.heat).max() > 1e-5
    kept = explain(model, ["a"], task=task, classes=np.full(len(PIXELS), -1))
    np.testing.assert_array_equal(kept.classes, predicted.classes)


def test_a_network_without_feature_maps_is_explained_by_its_pixels() -> None:
    backbone = build_backbone(find_backbone("demo-dense"), 8, "none", 0)
    kernel = np.random.default_rng(0).normal(size=(128, 1)).astype("f4")
    head = build_head(kernel, np.zeros(1, "f4"), multiclass=False)
    pixels = keras.Input((8, 8, 3))
    network = ExplainedNetwork(keras.Model(pixels, head(backbone(pixels))), [], "binary")
    assert network.list_methods() == (PIXEL_METHOD,)
    found = network.explain([PIXELS[:, ::2, ::2]])
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), 1, rtol=1e-4)


def make_patched(photos: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photos of noise with a patch of 10 x 10 pixels, whose pattern alone tells the class, and the patch's mask."""
    random = np.random.default_rng(seed)
    pixels = random.integers(60, 196, (photos, 32, 32, 3)).astype(np.uint8)
    pixels = ((pixels.astype("f4") + np.roll(pixels, 1, 1) + np.roll(pixels, 1, 2)) / 3).astype(np.uint8)
    labels, masks = np.arange(photos) % 2, np.zeros((photos, 32, 32), bool)
    for row, label in enumerate(labels):
        upper, left = random.integers(0, 23, 2)
        place = row, slice(upper, upper + 10), slice(left, left + 10)
        stripes = np.where(np.arange(10) % 4 < 2, 255, 0)
        pixels[place] = (stripes[:, None] if label else stripes[None, :])[..., None]
        masks[place] = True
    return pixels, labels.astype("f4")[:, None], masks


@pytest.fixture(scope="module")
def patched() -> Any:
    """A network that was trained to tell patches, without its training on photos of which the mass is measured."""
    keras.utils.set_random_seed(3)
    flow = pixels = keras.Input((32, 32, 3))
    flow = layers.Rescaling(1 / 127.5, offset=-1)(flow)
    for channels in (12, 24):
        flow = layers.Conv2D(channels, 3, padding="same", activation="relu")(flow)
        flow = layers.MaxPooling2D()(flow)
    flow = layers.GlobalAveragePooling2D()(layers.Conv2D(24, 3, padding="same", activation="relu")(flow))
    model = keras.Model(pixels, layers.Dense(1, activation="sigmoid")(flow))
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy", jit_compile=False)
    photos, labels, _ = make_patched(240, 0)
    model.fit(photos.astype("f4"), labels, epochs=14, batch_size=24, verbose=0)
    return model


def measure_mass(heat: np.ndarray, masks: np.ndarray) -> float:
    rows = (np.arange(MAP_SIZE) * masks.shape[1]) // MAP_SIZE
    return float((heat * masks[:, rows][:, :, rows]).sum() / len(heat))


def test_the_map_lies_on_the_patch_that_decides_the_class(patched: Any) -> None:
    photos, labels, masks = make_patched(60, 1)
    right = (np.asarray(patched(photos.astype("f4")))[:, 0] > 0.5) == labels[:, 0]
    assert right.mean() > 0.95
    maps = {method: explain(patched, [], photos, method=method).heat for method in ("Grad-CAM", DEFAULT_METHOD)}
    masses = {method: measure_mass(heat, masks) for method, heat in maps.items()}
    # The patch covers a tenth of the photo.
    assert masks.mean() < 0.1
    assert masses[DEFAULT_METHOD] > 0.7
    assert masses[DEFAULT_METHOD] > masses["Grad-CAM"] > 0.2


def test_the_map_depends_on_what_the_network_learned(patched: Any) -> None:
    """The check of Adebayo et al. (NeurIPS 2018): random weights give another map."""
    photos, _, masks = make_patched(30, 2)
    random = keras.models.clone_model(patched)
    trained, untrained = (explain(model, [], photos).heat for model in (patched, random))
    correlations = [
        np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(trained, untrained, strict=True)
    ]
    assert np.nanmean(correlations) < 0.6
    # Even random convolutions respond to the contrast of the patch.
    assert measure_mass(untrained, masks) < measure_mass(trained, masks) - 0.15
