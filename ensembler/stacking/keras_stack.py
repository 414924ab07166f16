"""The stack as one Keras file, pixels to probabilities: renamed, frozen sub-models under the dense meta-learner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ..competition.tables import load_tables
from ..errors import Mismatch
from ..images.decoding import decode_photo
from ..images.views import VIEWS
from ..members.names import layer_names
from ..members.records import MemberRecord, check_networks, network_files
from ..members.view_networks import mean_of, viewed
from ..progress import Progress
from ..storage import CompetitionFolder, read_arrays, whole_file
from .card import StackCard, StackedMember, attach_card, stack_card
from .meta_learner import CLIP, DenseNetwork
from .records import load_meta_learner

# Photos to compare the finished file on, and the difference beyond which it is refused.
CHECKED = 16
TOLERANCE = 1e-3


def build_stack_file(told: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Build ``stack.keras``, read it back, and compare it with the stored predictions.

    Parameters
    ----------
    told
        ``competition`` (its folder), ``stack`` (its name), ``members`` (names, in the order of the meta-learner).
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
    manifest = load_tables(folder).manifest
    records = [MemberRecord.load(folder, name) for name in told["members"]]
    named = zip(records, layer_names([record.name for record in records]), strict=True)
    networks = [_network(folder, record, name) for record, name in progress.track(named, "stack.keras", len(records))]
    model = assemble(networks, load_meta_learner(folder, told["stack"]), exclusive=manifest.sums_to_one)
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


def _network(folder: CompetitionFolder, record: MemberRecord, name: str) -> Any:
    """One sub-model per member: the mean over its folds and views, each network standing in it once."""
    check_networks(folder, record)
    models = [keras.saving.load_model(path, compile=False) for path in network_files(folder, record)]
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


def assemble(networks: list[Any], meta: list[DenseNetwork], *, exclusive: bool) -> Any:
    """Join the members' networks under the meta-learner; members of one image size share an input.

    Parameters
    ----------
    networks
        A model per member, pixels to probabilities, in the order that the meta-learner was fitted in.
    meta
        The meta-learner's networks.
    exclusive
        Softmax instead of sigmoid at the end.
    """
    sizes = sorted({network.input_shape[1] for network in networks})
    inputs = {size: keras.Input((size, size, 3), name=f"pixels_{size}") for size in sizes}
    outputs = [network(inputs[network.input_shape[1]]) for network in networks]
    joined = layers.Concatenate(name="members")(outputs) if len(outputs) > 1 else outputs[0]
    clipped = ops.clip(joined, CLIP, 1 - CLIP)
    odds = ops.log(clipped) if exclusive else ops.log(clipped) - ops.log(1.0 - clipped)
    ends = [_dense(odds, network, seed, exclusive=exclusive) for seed, network in enumerate(meta)]
    mean = layers.Average(name="probabilities")(ends) if len(ends) > 1 else ends[0]
    model = keras.Model([inputs[size] for size in sizes], mean, name="stack")
    model.trainable = False
    return model


def _dense(odds: Any, network: DenseNetwork, seed: int, *, exclusive: bool) -> Any:
    """One of the meta-learner's networks as Keras layers."""
    flow = odds
    for number, (kernel, bias) in enumerate(network.layers):
        last = number == len(network.layers) - 1
        flow = _filled(flow, kernel, bias, None if last else "relu", f"meta_{seed}_dense_{number}")
    outputs = network.layers[-1][0].shape[1]
    skip = np.kron(network.skip[:, None], np.eye(outputs))
    flow = layers.add([_filled(odds, skip, np.zeros(outputs), None, f"meta_{seed}_skip"), flow])
    return layers.Activation("softmax" if exclusive else "sigmoid", dtype="float32", name=f"meta_{seed}")(flow)


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
    pixels = [np.stack([decode_photo(path, size) for path in paths]) for size in sizes]
    model.compile(jit_compile=False)
    given = model.predict(pixels if len(pixels) > 1 else pixels[0], verbose=0)
    difference = float(np.abs(given - stored).max())
    if difference > TOLERANCE:
        raise Mismatch(
            f"{place / 'stack.keras'} differs from the stored predictions by {difference:.2g}: the members' networks "
            "are not those that predicted; train them anew with --restart."
        )
    return difference
