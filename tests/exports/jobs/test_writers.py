"""Each format's file, opened in its own runtime, gives what Keras gives, and tells what it is."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.exports_made import SIZES, build_network, make_card, make_pixels, predict_by_keras
from helpers.photos import write_photo

from ensembler.competition.pixels import PLAIN
from ensembler.errors import BadData
from ensembler.exports.card import ExportCard
from ensembler.exports.formats import FORMATS, FormatName, Quantization
from ensembler.exports.jobs.calibration import CalibrationPhotos
from ensembler.exports.jobs.opened import ExportedNetwork, open_exported
from ensembler.exports.jobs.writers import WRITERS

# NNCF counts its log levels, and the quantisers warn of photos and statistics that nobody can act on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
ALL_FORMATS: list[FormatName] = list(FORMATS)


def export_and_open(
    model: Any,
    place: Path,
    name: FormatName,
    quantization: Quantization = "none",
    sizes: tuple[int, ...] = SIZES,
    *,
    single_photo: bool = False,
) -> ExportedNetwork:
    file = place / f"first{FORMATS[name].suffix}"
    photos = [write_photo(place / f"{row}.png", row) for row in range(8)]
    named = {f"pixels_{size}": size for size in sizes}
    card = make_card(name, quantization, single_photo=single_photo, sizes=sizes)
    WRITERS[name](model, card, file, CalibrationPhotos(photos, named, PLAIN))
    return open_exported(file, FORMATS[name], 1)


@pytest.fixture(scope="module")
def model() -> Any:
    return build_network()


@pytest.mark.parametrize("single_photo", [False, True], ids=["free", "single"])
@pytest.mark.parametrize("name", ALL_FORMATS)
def test_a_file_of_two_sizes_predicts_as_keras(
    model: Any, tmp_path: Path, name: FormatName, single_photo: bool
) -> None:
    network = export_and_open(model, tmp_path, name, single_photo=single_photo)
    for photos in (5, 1, 3):
        pixels = make_pixels(photos=photos)
        found, expected = network.predict_on_batch(pixels), predict_by_keras(model, pixels)
        assert found.shape == (photos, 3)
        assert found == pytest.approx(expected, abs=1e-6)
        assert np.ptp(expected) > 0.01
    assert network.card == make_card(name, single_photo=single_photo)
    assert ([each.shape[1] for each in network.inputs], network.output_shape) == ([8, 12], (None, 3))


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_one_size_takes_an_array(tmp_path: Path, name: FormatName) -> None:
    model = build_network((8,), "demo-separable")
    [pixels] = make_pixels((8,))
    found = export_and_open(model, tmp_path, name, sizes=(8,)).predict_on_batch(pixels)
    assert found == pytest.approx(predict_by_keras(model, [pixels]), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["fp16", "int8"])
@pytest.mark.parametrize("name", ["onnx", "litert", "openvino"])
def test_a_quantised_file_is_smaller_and_nearly_the_same(
    model: Any, tmp_path: Path, name: FormatName, quantization: Quantization
) -> None:
    network = export_and_open(model, tmp_path, name, quantization)
    weights = tmp_path / ("first.bin" if name == "openvino" else f"first{FORMATS[name].suffix}")
    # Scales of each channel, and the graph itself, weigh much in networks as small as this.
    assert weights.stat().st_size < {"fp16": 0.62, "int8": 0.75}[quantization] * 4 * model.count_params()
    pixels = make_pixels(photos=40)
    found = network.predict_on_batch(pixels)
    difference = np.abs(found - predict_by_keras(model, pixels)).max()
    assert 0 < difference < {"fp16": 1e-3, "int8": 0.05}[quantization]
    # The probabilities themselves are not rounded to eight bits.
    steps = found * 256
    assert np.abs(steps - steps.round()).max() > 0.1
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["onnx", "litert", "openvino"])
def test_a_network_without_convolutions_is_not_quantised(tmp_path: Path, name: FormatName) -> None:
    import keras

    pixels = keras.Input((8, 8, 3), name="pixels_8")
    model = keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(pixels)))
    with pytest.raises(BadData, match="nothing would be quantised"):
        export_and_open(model, tmp_path, name, "int8", (8,))


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_another_file_is_one_sentence(tmp_path: Path, name: FormatName) -> None:
    file = tmp_path / "first.onnx"
    file.write_bytes(b"not a network")
    with pytest.raises(BadData, match=f"{FORMATS[name].runtime} cannot read .*first.onnx"):
        open_exported(file, FORMATS[name], 1)


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_a_file_of_another_program_has_no_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: FormatName
) -> None:
    monkeypatch.setattr(ExportCard, "to_text", lambda _: "")
    # Other programs give other names to signatures.
    monkeypatch.setattr("ensembler.exports.jobs.opened.SIGNATURE", "another")
    with pytest.raises(BadData, match=r"first\.[a-z]+ contains no card of an export"):
        export_and_open(build_network((8,)), tmp_path, name, sizes=(8,))
    if name == "litert":
        file = tmp_path / "first.tflite"
        with zipfile.ZipFile(file) as archive:
            start = archive.infolist()[0].header_offset
        file.write_bytes(file.read_bytes()[:start])
        with pytest.raises(BadData, match=r"first\.tflite contains no card of an export"):
            open_exported(file, FORMATS[name], 1)


@pytest.mark.parametrize("single_photo", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_probability_that_is_no_number_is_an_error(single_photo: bool, value: float) -> None:
    network = ExportedNetwork(make_card(single_photo=single_photo), lambda _: np.full((1, 3), value))
    with pytest.raises(BadData, match="exported file returns NaN or infinity"):
        network.predict_on_batch(make_pixels(photos=1))


def test_weights_of_two_views_are_stored_once(tmp_path: Path) -> None:
    import keras

    from ensembler.backbones.jobs.views import average_views

    inner = build_network((8,))
    model = keras.Model(inner.inputs, average_views(inner, "flip")(inner.inputs[0]))
    for name, each in (("one", inner), ("two", model)):
        (tmp_path / name).mkdir()
        export_and_open(each, tmp_path / name, "onnx", sizes=(8,))
    once, twice = ((tmp_path / name / "first.onnx").stat().st_size for name in ("one", "two"))
    assert twice < 1.2 * once


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_FORMATS)
@pytest.mark.parametrize("backbone", ["b0", "convnexttiny"])
def test_families_that_keras_exports_wrongly(tmp_path: Path, name: FormatName, backbone: str) -> None:
    model = build_network((32,), backbone)
    [pixels] = make_pixels((32,))
    found = export_and_open(model, tmp_path, name, sizes=(32,)).predict_on_batch(pixels)
    assert found == pytest.approx(predict_by_keras(model, [pixels]), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "litert", "openvino"])
def test_layers_in_mixed_precision_are_exported_in_float32(tmp_path: Path, name: FormatName) -> None:
    from ensembler.backbones.jobs.precision import use_precision
    from ensembler.exports.jobs.convert import _use_float32

    with use_precision("bfloat16"):
        model = build_network((8,))
    assert _use_float32(model)
    assert not _use_float32(model)
    [pixels] = make_pixels((8,))
    found = export_and_open(model, tmp_path, name, sizes=(8,)).predict_on_batch(pixels)
    assert found == pytest.approx(predict_by_keras(model, [pixels]), abs=1e-5)
