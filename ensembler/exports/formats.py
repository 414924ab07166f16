"""The formats of exported files, what each of them offers, and the packages that it needs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from ..errors import BadChoice
from ..keras_backend import BACKEND_NAMES, BACKEND_VARIABLE, find_backend

FormatName = Literal["savedmodel", "onnx", "litert", "openvino"]
Quantization = Literal["none", "fp16", "int8"]
QUANTIZATIONS: tuple[Quantization, ...] = get_args(Quantization)
# Requests everything that is possible.
ALL = "all"

_UNQUANTIZED = (
    "a SavedModel is run by TensorFlow, which has no quantised kernels for it: choose `--quantize none`, or the format "
    "litert, which TensorFlow's own converter quantises."
)


_NNCF: Mapping[Quantization, Mapping[str, str]] = {"int8": {"nncf": "nncf"}}


# Compared by identity, because mappings have no hash.
@dataclass(frozen=True, eq=False)
class Format:
    """A format of exported files.

    Attributes
    ----------
    name, suffix
        Name of the format, and suffix of its main file. A SavedModel is a folder.
    runtime, module
        Name of the runtime that runs the file, and the module that it is imported by.
    packages
        Packages that writing and running need, by the module that is imported.
    quantization_packages
        The same for a quantisation.
    refused
        Reasons why a quantisation is impossible.
    """

    name: FormatName
    suffix: str
    runtime: str
    module: str
    packages: Mapping[str, str]
    quantization_packages: Mapping[Quantization, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[Quantization, str] = field(default_factory=dict)

    @property
    def needs_tensorflow(self) -> bool:
        """Whether the runtime itself is TensorFlow."""
        return self.name == "savedmodel"

    def list_packages(self, quantization: Quantization) -> dict[str, str]:
        """Return the packages that a file of this format needs, by the module that is imported."""
        return {**self.packages, **self.quantization_packages.get(quantization, {})}

    def list_versions(self, quantization: Quantization) -> dict[str, str]:
        """Return the versions of the installed packages that the content of a file depends on."""
        versions = {}
        for name in ("keras", "tensorflow", *self.list_packages(quantization).values()):
            # TensorFlow also has distributions of other names.
            with contextlib.suppress(PackageNotFoundError):
                versions[name] = version(name)
        return versions


FORMATS: dict[FormatName, Format] = {
    each.name: each
    for each in (
        Format(
            "savedmodel",
            ".savedmodel",
            "TensorFlow",
            "tensorflow",
            {},
            refused=dict.fromkeys(("fp16", "int8"), _UNQUANTIZED),
        ),
        Format(
            "onnx",
            ".onnx",
            "ONNX Runtime",
            "onnxruntime",
            {"onnx": "onnx", "onnxruntime": "onnxruntime", "tf2onnx": "tf2onnx"},
            _NNCF,
        ),
        Format("litert", ".tflite", "LiteRT", "ai_edge_litert", {"ai_edge_litert": "ai-edge-litert"}),
        Format("openvino", ".xml", "OpenVINO", "openvino", {"openvino": "openvino"}, _NNCF),
    )
}


class Variant(NamedTuple):
    """A format and a quantisation of one file."""

    format: Format
    quantization: Quantization

    def name_file(self, network: str) -> str:
        """Return the name of the file of a network."""
        mark = "" if self.quantization == "none" else f"-{self.quantization}"
        return f"{network}{mark}{self.format.suffix}"

    @property
    def title(self) -> str:
        """Format and quantisation in words."""
        return self.format.name if self.quantization == "none" else f"{self.format.name} {self.quantization}"


class Request(NamedTuple):
    """The variants that are written, and a sentence for each that ``all`` leaves out."""

    variants: tuple[Variant, ...]
    left_out: tuple[str, ...]


def read_request(
    formats: Sequence[str], quantizations: Sequence[str], find: Callable[[str], object | None] = find_spec
) -> Request:
    """Read the requested formats and quantisations, each combined with each.

    ``all`` leaves out what is impossible or not installed, with a reason.

    Raises
    ------
    BadChoice
        If a name is unknown, or a named combination is impossible or needs a package that is not installed.
    """
    names = _read_names("format", formats, tuple(FORMATS))
    chosen = _read_names("quantisation", quantizations, QUANTIZATIONS)
    is_strict = ALL not in formats and ALL not in quantizations
    variants, left_out = [], []
    for variant in (
        Variant(FORMATS[cast(FormatName, one)], cast(Quantization, two)) for one in names for two in chosen
    ):
        obstacle = find_obstacle(variant, find)
        if not obstacle:
            variants.append(variant)
        elif is_strict:
            raise BadChoice(f"{variant.title} cannot be exported: {obstacle}")
        else:
            left_out.append(f"{variant.title} is left out: {obstacle}")
    if not variants:
        raise BadChoice(f"Nothing can be exported: {left_out[0]}")
    return Request(tuple(variants), tuple(left_out))


def _read_names(kind: str, given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    for name in given:
        if name not in (ALL, *known):
            raise BadChoice.from_unknown_name(kind, name, [ALL, *known])
    return tuple(known) if ALL in given else tuple(dict.fromkeys(given))


def find_obstacle(variant: Variant, find: Callable[[str], object | None] = find_spec) -> str:
    """Return why a variant is impossible here, as the end of a sentence. Empty if it is possible."""
    if reason := variant.format.refused.get(variant.quantization):
        return reason
    packages = {"tensorflow": "tensorflow", **variant.format.list_packages(variant.quantization)}
    if missing := [package for module, package in packages.items() if find(module) is None]:
        return f"{' and '.join(missing)} must be installed: `pip install 'ensembler[export]'`."
    if (backend := find_backend()) != "tensorflow":
        name = BACKEND_NAMES[backend]
        return (
            f"only networks on TensorFlow are converted, and Keras runs on {name}: set {BACKEND_VARIABLE}=tensorflow."
        )
    return ""


def require_runtime(path: Path, find: Callable[[str], object | None] = find_spec) -> Format:
    """Return the format of an exported file, see :func:`find_format`, whose runtime must be installed.

    Raises
    ------
    BadChoice
        If it is of no known format, or its runtime is not installed.
    """
    found = find_format(path)
    if find(found.module) is None:
        raise BadChoice(f"{path} needs {found.runtime}: install it with `pip install 'ensembler[export]'`.")
    return found


def find_format(path: Path) -> Format:
    """Return the format of an exported file by its suffix, or by the content of a folder.

    Raises
    ------
    BadChoice
        If it does not exist, or is of no such format.
    """
    if not path.exists():
        raise BadChoice(f"The file {path} does not exist: pass a file that `ensembler export` wrote.")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return FORMATS["savedmodel"]
        raise BadChoice(f"The folder {path} is not a SavedModel: it has no saved_model.pb.")
    for each in FORMATS.values():
        if not each.needs_tensorflow and path.suffix == each.suffix:
            return each
    suffixes = ", ".join(each.suffix for each in FORMATS.values() if not each.needs_tensorflow)
    raise BadChoice(f"{path} is of no known format: its suffix must be one of {suffixes}, or .keras.")
