from __future__ import annotations

from pathlib import Path

import pytest

from ensembler.errors import BadChoice
from ensembler.exports.formats import FORMATS, find_format, read_request, require_runtime


def find(*missing: str):
    return lambda module: None if module in missing else object()


@pytest.mark.parametrize(
    ("formats", "quantizations", "titles"),
    [
        (["onnx"], ["none"], ["onnx"]),
        (["litert", "onnx", "litert"], ["fp16", "none"], ["litert fp16", "litert", "onnx fp16", "onnx"]),
        (["all"], ["none"], ["savedmodel", "onnx", "litert", "openvino"]),
        (["all"], ["int8"], ["onnx int8", "litert int8", "openvino int8"]),
        (["openvino"], ["all"], ["openvino", "openvino fp16", "openvino int8"]),
    ],
)
def test_each_format_is_combined_with_each_quantisation(
    formats: list[str], quantizations: list[str], titles: list[str]
) -> None:
    assert [one.title for one in read_request(formats, quantizations, find()).variants] == titles


def test_what_all_leaves_out_is_told() -> None:
    request = read_request(["all"], ["all"], find("nncf", "ai_edge_litert"))
    assert [one.title for one in request.variants] == ["savedmodel", "onnx", "onnx fp16", "openvino", "openvino fp16"]
    assert [sentence.partition(" is left out: ")[0] for sentence in request.left_out] == [
        "savedmodel fp16",
        "savedmodel int8",
        "onnx int8",
        "litert",
        "litert fp16",
        "litert int8",
        "openvino int8",
    ]
    assert request.left_out[2].endswith("nncf must be installed: `pip install 'ensembler[export]'`.")


@pytest.mark.parametrize(
    ("formats", "quantizations", "missing", "said"),
    [
        (["onxx"], ["none"], [], "There is no format named 'onxx': did you mean onnx"),
        (["onnx"], ["int4"], [], "There is no quantisation named 'int4': did you mean int8"),
        (["savedmodel"], ["int8"], [], "savedmodel int8 cannot be exported: .* no quantised kernels"),
        (["openvino"], ["none"], ["openvino"], "openvino must be installed: `pip install 'ensembler.export.'`"),
        (["onnx"], ["none"], ["tf2onnx", "onnx"], "onnx and tf2onnx must be installed"),
        (["savedmodel"], ["all"], ["x"], None),
        (["openvino"], ["all"], ["openvino"], "Nothing can be exported: openvino is left out"),
    ],
)
def test_what_is_impossible_is_refused(
    formats: list[str], quantizations: list[str], missing: list[str], said: str | None
) -> None:
    if said is None:
        assert len(read_request(formats, quantizations, find(*missing)).variants) == 1
        return
    with pytest.raises(BadChoice, match=said):
        read_request(formats, quantizations, find(*missing))


@pytest.mark.parametrize("name", ["a.onnx", "a.tflite", "a.xml", "a.savedmodel/"])
def test_a_file_is_known_by_its_suffix(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name.endswith("/"):
        file.mkdir()
        file = file / "saved_model.pb"
    file.touch()
    found = find_format(tmp_path / name)
    assert found is next(each for each in FORMATS.values() if name.rstrip("/").endswith(each.suffix))
    with pytest.raises(BadChoice, match=f"needs {found.runtime}: install it with"):
        require_runtime(tmp_path / name, find(found.module))
    assert require_runtime(tmp_path / name, find()) is found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.onnx", "does not exist"),
        ("a.pt", r"must be one of \.onnx, \.tflite, \.xml, or \.keras"),
        ("folder", "no saved_model.pb"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "a.pt").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadChoice, match=said):
        find_format(tmp_path / name)


def test_only_networks_on_tensorflow_are_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(BadChoice, match="and Keras runs on JAX: set KERAS_BACKEND=tensorflow"):
        read_request(["onnx"], ["none"], find())
    with pytest.raises(BadChoice, match=r"onnx cannot be exported: tensorflow must be installed: .*ensembler.export"):
        read_request(["onnx"], ["none"], find("tensorflow"))
