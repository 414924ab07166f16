"""The stack as one Keras file from pixels to probabilities: frozen sub-models under the meta-learner."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np
from keras import layers, ops

from ...backbones.jobs.devices import predict_once
from ...backbones.jobs.views import apply_view, average_aligned, average_tensors, rotate_pixels
from ...backbones.names import make_layer_names
from ...competition.tables import load_tables
from ...errors import Mismatch
from ...images.photo_source import FilePhotos
from ...images.row_photos import RowPhotos
from ...images.views import VIEWS
from ...members.records import MemberRecord, check_networks, list_network_files, load_fold_record
from ...paths import CompetitionFolder
from ...progress import Progress
from ...serialization import read_arrays
from ...storage import write_file_atomically
from ..blend import Blend
from ..card import StackedMember, attach_card, make_stack_card
from ..networks import Network
from ..records import CHECKED_PHOTOS, load_blend

# Maximum difference of the finished file from the stored predictions, and the same where these follow from features in
# bfloat16, of which 8 bits are exact. Networks that were changed are found by their checksums anyway.
TOLERANCE, TOLERANCE_OF_16_BITS = 1e-3, 0.05


def build_stack_file(spec: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Build ``stack.keras``, read it back, and compare it with the stored predictions.

    Parameters
    ----------
    spec
        Options of the job. ``competition``: its folder. ``stack``: its name. ``members``: names in the order of the
        meta-learner. ``refit``: whether to use the members' networks that were trained on all photos.
    progress
        Receiver of a step for each member.

    Returns
    -------
    dict
        Largest ``difference`` between the file's and the stored probabilities.

    Raises
    ------
    Mismatch
        If they differ by more than rounding errors.
    """
    folder = CompetitionFolder(Path(spec["competition"]))
    place = folder.stack(spec["stack"])
    networks, members = [], []
    layer_names = make_layer_names(spec["members"])
    named = zip(spec["members"], layer_names, strict=True)
    for name, layer in progress.track(named, "stack.keras", len(layer_names)):
        record = MemberRecord.load(folder, name)
        networks.append(build_member_network(folder, record, layer, refit=bool(spec["refit"])))
        members.append(StackedMember(name, layer, record.settings.image_size))
    narrow = [name for name in spec["members"] if has_16_bit_features(folder, name)]
    model = assemble(networks, load_blend(folder, spec["stack"]))
    with write_file_atomically(place / "stack.keras") as temporary:
        model.save(temporary)
        attach_card(temporary, make_stack_card(spec["stack"], load_tables(folder).manifest, members))
        difference = compare_with_stored(read_back(model, temporary), folder, place, narrow)
    if narrow:
        progress.note(
            f"stack.keras computes in float32. It repeats the stored predictions to {difference:.2g}, because the "
            f"frozen features of {', '.join(narrow)} were computed in bfloat16."
        )
    return {"difference": difference}


def read_back(model: Any, path: Path) -> Any:
    """Return the network of a file that was just written from ``model``, with all weights read from the file.

    A network of Keras's own layers is not built a second time, which takes half of the time of loading. One with layers
    or functions of the user, or with Python code, is loaded whole, because these may not survive.

    Raises
    ------
    ValueError
        If weights are missing in the file, or have other shapes.
    """
    with ZipFile(path) as file:
        if not _is_of_keras(json.loads(file.read("config.json"))):
            return keras.saving.load_model(path)
        # Keras reads weights inside a zip in pieces, each from the beginning, which takes twice as long.
        with TemporaryDirectory(dir=path.parent) as folder:
            model.load_weights(file.extract("model.weights.h5", folder))
    return model


def _is_of_keras(config: Any) -> bool:
    """Return whether a part of a network's configuration names nothing but what Keras defines."""
    if isinstance(config, list):
        return all(map(_is_of_keras, config))
    if not isinstance(config, dict):
        return True
    # Lambda and __lambda__ hold Python code. Registered names of the user's classes have a prefix of theirs.
    name, module = str(config.get("class_name", "__")), str(config.get("module") or "")
    known = module.partition(".")[0] == "keras" or (name.startswith("__") and not module)
    if not known or "lambda" in name.lower() or ">" in str(config.get("registered_name")):
        return False
    return all(map(_is_of_keras, config.values()))


def load_network(path: Path) -> Any:
    """Load a member's network, or a part of it, for prediction."""
    return keras.saving.load_model(path, compile=False)


def build_member_network(
    folder: CompetitionFolder,
    record: MemberRecord,
    name: str,
    *,
    refit: bool,
    folds: Sequence[int] | None = None,
    load: Callable[[Path], Any] = load_network,
) -> Any:
    """Build the sub-model of a member: the mean over its folds and views, which contains each network once.

    The rotations of an orientation task are averaged before the folds, as in training.

    Parameters
    ----------
    folder, record
        Folder of the competition, and record of the member.
    name
        Name of the sub-model's layer.
    refit
        Whether to use the network that learned from all photos instead of those of the folds.
    folds
        Numbers of the folds to use. None uses all.
    load
        Function that loads a network. It may return the same network each time.
    """
    check_networks(folder, record)
    models = [load(path) for path in list_network_files(folder, record, refit=refit, folds=folds)]
    size = record.settings.image_size
    pixels = keras.Input((size, size, 3), name="pixels")
    by_rotations = record.settings.tta == "rotations"
    flows = rotate_pixels(pixels) if by_rotations else [apply_view(pixels, view) for view in VIEWS[record.settings.tta]]
    if record.settings.frozen:
        flows = [models[0](flow) for flow in flows]
        models = models[1:]
    for fold, model in enumerate(models):
        model.name = f"fold_{fold}"
    predicted = [[model(flow) for flow in flows] for model in models]
    outputs = [average_aligned(each) for each in predicted] if by_rotations else list(chain.from_iterable(predicted))
    network = keras.Model(pixels, average_tensors(outputs), name=name)
    network.trainable = False
    return network


def assemble(networks: list[Any], blend: Blend) -> Any:
    """Join the members' networks under the meta-learner. Members of one image size share an input.

    Parameters
    ----------
    networks
        Models of the members from pixels to probabilities, in the order of the meta-learner.
    blend
        Fitted meta-learner.
    """
    sizes = sorted({network.input_shape[1] for network in networks})
    inputs = {size: keras.Input((size, size, 3), name=f"pixels_{size}") for size in sizes}
    outputs = [network(inputs[network.input_shape[1]]) for network in networks]
    joined = layers.Concatenate(name="members")(outputs) if len(outputs) > 1 else outputs[0]
    scores = _build_scores(ops.clip(joined, blend.floor, 1 - blend.floor), blend)
    if blend.temperature != 1:
        scores = layers.Rescaling(1 / blend.temperature, name="temperature")(scores)
    activation = "softmax" if blend.multiclass else "sigmoid"
    predicted = layers.Activation(activation, dtype="float32", name="probabilities")(scores)
    model = keras.Model([inputs[size] for size in sizes], _build_clip(predicted, blend), name="stack")
    model.trainable = False
    return model


def _build_scores(clipped: Any, blend: Blend) -> Any:
    if blend.weights is not None:
        outputs = clipped.shape[1] // len(blend.weights)
        kernel = np.kron(blend.weights[:, None], np.eye(outputs))
        clipped = _apply_dense(clipped, kernel, np.zeros(outputs), "meta_mean")
    odds = ops.log(clipped) if blend.multiclass else ops.log(clipped) - ops.log(1.0 - clipped)
    if blend.weights is not None:
        return odds
    network_scores = [_build_meta_network(odds, network, seed) for seed, network in enumerate(blend.networks)]
    return layers.Average(name="meta")(network_scores) if len(network_scores) > 1 else network_scores[0]


def _build_clip(predicted: Any, blend: Blend) -> Any:
    """Clip probabilities like :func:`.clip_probabilities`."""
    if not blend.clip:
        return predicted
    if not blend.multiclass:
        return ops.clip(predicted, blend.clip, 1 - blend.clip)
    bounded = ops.maximum(predicted, blend.clip)
    return bounded / ops.sum(bounded, axis=1, keepdims=True)


def _build_meta_network(odds: Any, network: Network, seed: int) -> Any:
    """Build a network of the meta-learner as Keras layers."""
    skip = np.kron(network.skip[:, None], np.eye(len(network.bias)))
    scores = _apply_dense(odds, skip, network.bias, f"meta_{seed}_skip")
    if network.last is None:
        return scores
    tensor = odds
    for number, (kernel, bias) in enumerate(network.hidden):
        tensor = _apply_dense(tensor, kernel, bias, f"meta_{seed}_dense_{number}", activation="relu")
    last_name = f"meta_{seed}_dense_{len(network.hidden)}"
    last = _apply_dense(tensor, network.last, np.zeros(len(network.bias)), last_name)
    return layers.Add(name=f"meta_{seed}")([scores, last])


def _apply_dense(tensor: Any, kernel: Any, bias: Any, name: str, activation: str | None = None) -> Any:
    layer = layers.Dense(kernel.shape[1], activation=activation, name=name, dtype="float32")
    output = layer(tensor)
    layer.set_weights([kernel, bias])
    return output


def has_16_bit_features(folder: CompetitionFolder, member: str) -> bool:
    """Return whether a member's predictions follow from frozen features in bfloat16."""
    fold = load_fold_record(folder, member, 0)
    return fold is not None and fold.feature_precision == "bfloat16"


def compare_with_stored(model: Any, folder: CompetitionFolder, place: Path, narrow: Sequence[str]) -> float:
    """Return the largest difference between the model's predictions of photos and the stored ones.

    ``narrow`` are the members whose stored predictions follow from features in bfloat16.
    """
    stored = read_arrays(place / "predictions.npz")["test"][:CHECKED_PHOTOS]
    tables = load_tables(folder)
    rows = np.arange(min(CHECKED_PHOTOS, len(tables.test_paths)))
    photos = RowPhotos.list_rows(tables.test_paths, tables.test_turns).select(rows)
    sizes = [tensor.shape[1] for tensor in model.inputs]
    sources = [photos.rotate(FilePhotos(photos.files, size, tables.manifest.pixels)) for size in sizes]
    pixels = [source.gather(rows).astype(np.float32) for source in sources]
    # A list also for one size, as the network was built.
    predicted = predict_once(model, pixels)
    difference = float(np.abs(predicted - stored).max())
    if difference > (TOLERANCE_OF_16_BITS if narrow else TOLERANCE):
        raise Mismatch(
            f"{place / 'stack.keras'} differs from the stored predictions by {difference:.2g}, because the members' "
            "networks have changed: train the members again with --restart."
        )
    return difference
