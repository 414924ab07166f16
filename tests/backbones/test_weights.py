from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from ensembler.backbones import weights as published_weights
from ensembler.backbones.jobs.build import _load_weights, build_backbone
from ensembler.backbones.registry import BACKBONES, find_backbone
from ensembler.backbones.weights import PublishedWeights, find_published_weights, find_weights
from ensembler.errors import BadChoice

B0 = find_backbone("b0")


class Asked(Exception):
    """What Keras wanted to download."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.input_shape. is undefined or non-square")
def test_keras_asks_for_these_very_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are built without numbers, until the moment when Keras asks for the file."""

    def get_file(name: str, _origin: str, file_hash: str | None = None, **_: object) -> None:
        raise Asked(name, file_hash or "")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    for backbone in BACKBONES.values():
        if backbone.tiny:
            continue
        for size in {backbone.image_size, 96, 160} if "mobilenet" in backbone.name else {backbone.image_size}:
            module, function = backbone.builder.split(":")
            build = getattr(importlib.import_module(module), function)
            with keras.StatelessScope() as scope:
                scope.initialize_variables = False
                with pytest.raises(Asked) as asked:
                    build(input_shape=(size, size, 3), include_top=False, weights="imagenet", **backbone.arguments)
            assert find_published_weights(backbone, size) == PublishedWeights(*asked.value.args), backbone.name


def test_no_backbone_but_the_demos_is_without_a_file() -> None:
    assert {name for name, backbone in BACKBONES.items() if find_published_weights(backbone, 224) is None} == {
        name for name in BACKBONES if name.startswith("demo-")
    }


def put(path: Path, content: bytes = b"numbers") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def digest(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.md5(b"numbers", usedforsecurity=False).hexdigest()
    monkeypatch.setitem(published_weights._PUBLISHED_FILES, "b0", ("efficientnetb0_notop.h5", digest))


@pytest.mark.usefixtures("digest")
@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["b0.weights.h5"], "b0.weights.h5"),
        (["efficientnetb0_notop.h5"], "efficientnetb0_notop.h5"),
        (["models/efficientnetb0_notop.h5"], "models/efficientnetb0_notop.h5"),
        (["efficientnetb0_notop.h5", "b0.weights.h5"], "b0.weights.h5"),
        (["B0.Weights.h5"], "B0.Weights.h5"),
        (["EfficientNetB0_notop.h5"], "EfficientNetB0_notop.h5"),
        (["b0.h5"], "b0.h5"),
        (["b0.h5", "efficientnetb0_notop.h5"], "efficientnetb0_notop.h5"),
    ],
)
def test_weights_are_found_by_name(files: list[str], found: str, tmp_path: Path) -> None:
    for name in files:
        put(tmp_path / name)
    assert find_weights(tmp_path, B0, 224) == tmp_path / found


@pytest.mark.usefixtures("digest")
def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "efficientnetb0_notop.h5", b"nubmers")
    with pytest.raises(BadChoice, match=r"is not the file that Keras publishes for b0 .* download it again"):
        find_weights(tmp_path, B0, 224)


@pytest.mark.usefixtures("digest")
def test_a_damaged_file_does_not_block_another(tmp_path: Path) -> None:
    put(tmp_path / "efficientnetb0_notop.h5", b"nubmers")
    put(tmp_path / "b0.h5", b"own")
    assert find_weights(tmp_path, B0, 224) == tmp_path / "b0.h5"


def test_a_mobilenet_of_another_size_fits(tmp_path: Path) -> None:
    put(tmp_path / "mobilenet_5_0_160_tf_no_top.h5")
    assert find_weights(tmp_path, find_backbone("mobilenet-0.5"), 224).name == "mobilenet_5_0_160_tf_no_top.h5"


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize("name", ["any.weights.h5", "any.h5", "ANY.WEIGHTS.H5"])
def test_the_format_is_read_from_the_content(tmp_path: Path, former: bool, name: str) -> None:
    saved, fresh = (
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")], name="net") for _ in range(2)
    )
    path = tmp_path / "saved.weights.h5"
    if former:
        save_as_published(saved, path)
    else:
        saved.save_weights(path)
    _load_weights(fresh, path.rename(tmp_path / name), "net")
    np.testing.assert_array_equal(fresh.get_weights()[0], saved.get_weights()[0])


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html></html>", b"\x89HDF\r\n\x1a\n"])
def test_what_is_no_file_of_weights_is_told(tmp_path: Path, content: bytes) -> None:
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(BadChoice, match=r"net\.weights\.h5 do not fit net without its top"):
        _load_weights(network, put(tmp_path / "net.weights.h5", content), "net")


def test_sha256_is_known_by_its_length(tmp_path: Path) -> None:
    path = put(tmp_path / "file")
    assert PublishedWeights("file", hashlib.sha256(b"numbers").hexdigest()).is_published_file(path)
    assert not PublishedWeights("file", "0" * 64).is_published_file(path)
    assert not PublishedWeights("file", "0" * 32).is_published_file(path)
    assert PublishedWeights("file").is_published_file(path)


@pytest.mark.parametrize(
    ("name", "size", "file"),
    [
        ("mobilenet-0.75", 192, "mobilenet_7_5_192_tf_no_top.h5"),
        ("mobilenet", 100, "mobilenet_1_0_224_tf_no_top.h5"),
        ("mobilenetv2-1.3", 96, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.3_96_no_top.h5"),
        ("mobilenetv2", 300, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"),
    ],
)
def test_mobilenets_have_a_file_for_each_width_and_size(name: str, size: int, file: str, tmp_path: Path) -> None:
    put(tmp_path / file)
    assert find_weights(tmp_path, find_backbone(name), size).name == file


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["b1.weights.h5"], r"no b0\.weights\.h5 and no efficientnetb0_notop\.h5\. It contains weights of b1"),
        ([], r"no b0\.weights\.h5 .*It contains weights of no backbone"),
    ],
)
def test_a_folder_without_the_weights_tells_what_it_holds(files: list[str], words: str, tmp_path: Path) -> None:
    for name in files:
        put(tmp_path / name)
    with pytest.raises(BadChoice, match=words):
        find_weights(tmp_path, B0, 224)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        BadChoice, match=r"The folder .*nowhere does not exist: weights accepts imagenet, none, or a folder"
    ):
        find_weights(tmp_path / "nowhere", B0, 224)


def save_as_published(network: keras.Model, path: Path) -> None:
    """Write the layout of Keras's published files: groups of layers, weights by order."""
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, network)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["b0", "v2b0", "mobilenetv2-0.35", "resnet50"])
def test_a_published_file_builds_the_very_network_that_imagenet_builds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, size = find_backbone(name), 96
    keras.utils.set_random_seed(1)
    theirs = find_published_weights(backbone, size)
    assert theirs is not None
    path = tmp_path / theirs.name
    module, function = backbone.builder.split(":")
    build = getattr(importlib.import_module(module), function)
    network = build(input_shape=(size, size, 3), include_top=False, weights=None, **backbone.arguments)
    save_as_published(network, path)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(path))
    photos = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("f4")
    expected = build_backbone(backbone, size, "imagenet", 0).predict(photos, verbose=0)
    found = build_backbone(backbone, size, path, 7).predict(photos, verbose=0)
    # Random weights give features far smaller than 1.
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() <= 1e-6 * scale
    random = build_backbone(backbone, size, "none", 7).predict(photos, verbose=0)
    assert np.abs(random - expected).max() > 0.1 * scale
