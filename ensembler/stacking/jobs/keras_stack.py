"""The stack as one Keras file, pixels to probabilities: renamed, frozen sub-models under the dense meta-learner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ...backbones.jobs.views import mean_of, viewed
from ...backbones.names import layer_names
from ...competition.tables import load_tables
from ...errors import Mismatch
from ...images.decoding import decode_photo
from ...images.views import VIEWS
from ...members.records import MemberRecord, check_networks, network_files
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_arrays
from ...storage import whole_file
from ..blend import Blend
from ..card import StackCard, StackedMember, attach_card, stack_card
from ..networks import Network
from ..records import load_blend

# Photos to compare the finished file on, and the difference beyond which it is refused.
CHECKED = 16
TOLERANCE = 1e-3


def build_stack_file(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Build ``stack.keras``, read it back, and compare it with the stored predictions.

    Parameters
    ----------
    told
        ``competition`` (its folder), ``stack`` (its name), ``members`` (names, in the order of the meta-learner),
        ``refit`` (whether members' networks are those that learned from all photos).
    progress
        Hears of each member.

    Returns
    -------
    dict
        ``difference``: the largest between the file's and the stored probabilities.

    Raises
    ------
    Mismatch
        If they differ by more than rounding can explain.
    """
    folder = CompetitionFolder(Path(told["competition"]))
    place = folder.stack(told["stack"])
    records = [MemberRecord.load(folder, name) for name in told["members"]]
    named = zip(records, layer_names([record.name for record in records]), strict=True)
    refit = bool(told["refit"])
    networks = [
        _network(folder, record, name, refit=refit)
        for record, name in progress.track(named, "stack.keras", len(records))
    ]
    model = assemble(networks, load_blend(folder, told["stack"]))
    with whole_file(place / "stack.keras") as temporary:
        model.save(temporary)
        attach_card(temporary, _card(told["stack"], folder, records))
        difference = _check(keras.saving.load_model(temporary), folder, place)
    return {"difference": difference}


def _card(name: str, folder: CompetitionFolder, records: Sequence[MemberRecord]) -> StackCard:
    """Describe the stack, for those who have its file alone."""
    named = zip(records, layer_names([record.name for record in records]), strict=True)
    members = [StackedMember(record.name, layer, record.settings.image_size) for record, layer in named]
    return stack_card(name, load_tables(folder).manifest, members)


def _network(folder: CompetitionFolder, record: MemberRecord, name: str, *, refit: bool) -> Any:
    """One sub-model per member: the mean over its folds and views, each network standing in it once."""
    check_networks(folder, record)
    models = [keras.saving.load_model(path, compile=False) for path in network_files(folder, record, refit=refit)]
    size = record.settings.image_size
    pixels = keras.Input((size, size, 3), name="pixels")
    flows = [viewed(pixels, view) for view in VIEWS[record.settings.tta]]
    if record.settings.frozen:
        flows = [models[0](flow) for flow in flows]
        models = models[1:]
    for fold, model in enumerate(models):
        model.name = f"fold_{fold}"
    mean = mean_of([model(flow) for model in models for flow in flows])
    network = keras.Model(pixels, mean, name=name)
    network.trainable = False
    return network


def assemble(networks: list[Any], blend: Blend) -> Any:
    """Join the members' networks under the meta-learner; members of one image size share an input.

    Parameters
    ----------
    networks
        A model per member, pixels to probabilities, in the order that the meta-learner was fitted in.
    blend
        What the meta-learner came to.
    """
    sizes = sorted({network.input_shape[1] for network in networks})
    inputs = {size: keras.Input((size, size, 3), name=f"pixels_{size}") for size in sizes}
    outputs = [network(inputs[network.input_shape[1]]) for network in networks]
    joined = layers.Concatenate(name="members")(outputs) if len(outputs) > 1 else outputs[0]
    scores = _scores(ops.clip(joined, blend.floor, 1 - blend.floor), blend)
    if blend.temperature != 1:
        scores = layers.Rescaling(1 / blend.temperature, name="temperature")(scores)
    activation = "softmax" if blend.exclusive else "sigmoid"
    given = layers.Activation(activation, dtype="float32", name="probabilities")(scores)
    model = keras.Model([inputs[size] for size in sizes], _held_off(given, blend), name="stack")
    model.trainable = False
    return model


def _scores(clipped: Any, blend: Blend) -> Any:
    if blend.weights is not None:
        outputs = clipped.shape[1] // len(blend.weights)
        kernel = np.kron(blend.weights[:, None], np.eye(outputs))
        return _log_odds(_filled(clipped, kernel, np.zeros(outputs), None, "meta_mean"), blend)
    odds = _log_odds(clipped, blend)
    ends = [_dense(odds, network, seed) for seed, network in enumerate(blend.networks)]
    return layers.Average(name="meta")(ends) if len(ends) > 1 else ends[0]


def _log_odds(clipped: Any, blend: Blend) -> Any:
    return ops.log(clipped) if blend.exclusive else ops.log(clipped) - ops.log(1.0 - clipped)


def _held_off(given: Any, blend: Blend) -> Any:
    """Clip as :func:`.clipped` does."""
    if not blend.clip:
        return given
    if not blend.exclusive:
        return ops.clip(given, blend.clip, 1 - blend.clip)
    held = ops.maximum(given, blend.clip)
    return held / ops.sum(held, axis=1, keepdims=True)


def _dense(odds: Any, network: Network, seed: int) -> Any:
    """One of the meta-learner's networks as Keras layers."""
    skip = np.kron(network.skip[:, None], np.eye(len(network.bias)))
    scores = _filled(odds, skip, network.bias, None, f"meta_{seed}_skip")
    if network.last is None:
        return scores
    flow = odds
    for number, (kernel, bias) in enumerate(network.hidden):
        flow = _filled(flow, kernel, bias, "relu", f"meta_{seed}_dense_{number}")
    last = _filled(flow, network.last, np.zeros(len(network.bias)), None, f"meta_{seed}_dense_{len(network.hidden)}")
    return layers.Add(name=f"meta_{seed}")([scores, last])


def _filled(flow: Any, kernel: Any, bias: Any, activation: str | None, name: str) -> Any:
    layer = layers.Dense(kernel.shape[1], activation=activation, name=name, dtype="float32")
    output = layer(flow)
    layer.set_weights([kernel, bias])
    return output


def _check(model: Any, folder: CompetitionFolder, place: Path) -> float:
    """Largest difference between ``model`` on decoded photos and the predictions stored for them."""
    stored = read_arrays(place / "predictions.npz")["test"][:CHECKED]
    paths = load_tables(folder).test_paths[:CHECKED]
    sizes = [tensor.shape[1] for tensor in model.inputs]
    pixels = [np.stack([decode_photo(path, size) for path in paths]).astype(np.float32) for size in sizes]
    # Not compiled: that would take several times as long as so few photos do.
    given = ops.convert_to_numpy(model(pixels, training=False))
    difference = float(np.abs(given - stored).max())
    if difference > TOLERANCE:
        raise Mismatch(
            f"{place / 'stack.keras'} differs from the stored predictions by {difference:.2g}: the members' networks "
            "are not those that predicted; train them anew with --restart."
        )
    return difference
