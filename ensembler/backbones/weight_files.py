"""The files of weights and of the user's code that a job needs to build networks."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from importlib.machinery import PathFinder
from pathlib import Path

from ..job_files import JobFiles
from .custom import FILE_BUILDER, OWN_WEIGHTS
from .registry import Backbone
from .weights import find_published_weights, locate_keras_folder, parse_weights_source


@dataclass(frozen=True)
class BuiltNetwork:
    """A network that a job builds, and the source of its weights."""

    backbone: Backbone
    image_size: int
    weights: str


def list_weight_files(networks: Sequence[BuiltNetwork]) -> JobFiles:
    """List the files from which a job builds networks.

    Weights that Keras publishes are listed if all of them are in Keras's folder on this machine. Otherwise, the job's
    machine uses its own folder, into which Keras downloads them. Of a custom function, the source code of its module is
    listed if it lies below the working folder. Other code must be installed on all machines.
    """
    published = [network for network in networks if network.weights == "imagenet" and not network.backbone.tiny]
    reads = [path for network in networks for path in _iterate_own_files(network)]
    files = JobFiles(reads=tuple(dict.fromkeys(reads)))
    cached = [path for network in published if (path := _find_download(network))]
    if not published or len(cached) < len(published):
        return files
    folder = locate_keras_folder().absolute()
    downloads = tuple(map(str, (*cached, folder / "keras.json")))
    return files.join(JobFiles(reads=downloads, environment={"KERAS_HOME": str(folder)}))


def _find_download(network: BuiltNetwork) -> Path | None:
    found = find_published_weights(network.backbone, network.image_size)
    path = locate_keras_folder().absolute() / "models" / found.name if found else None
    return path if path and path.is_file() else None


def _iterate_own_files(network: BuiltNetwork) -> Iterator[str]:
    source = parse_weights_source(network.weights)
    if isinstance(source, Path):
        yield str(source.absolute())
    if network.weights == OWN_WEIGHTS and network.backbone.builder != FILE_BUILDER:
        yield from _find_source_code(network.backbone.builder.partition(":")[0].partition(".")[0])


def _find_source_code(module: str) -> Iterator[str]:
    """Find the file of a module below the working folder, or the files of a package, without importing it."""
    here = Path.cwd()
    # A job's process finds modules in its working folder first.
    found = PathFinder.find_spec(module, [str(here), *sys.path])
    for place in (found.submodule_search_locations or [found.origin or ""]) if found else []:
        path = Path(place).absolute()
        if path.is_relative_to(here) and not {"site-packages", "dist-packages"} & set(path.parts):
            yield f"{escape(str(path))}/**/*.py" if path.is_dir() else str(path)
