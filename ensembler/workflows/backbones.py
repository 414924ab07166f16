"""Lists the backbones that can be trained, and their local weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..backbones.accuracy import find_published_accuracy
from ..backbones.patterns import match_backbones
from ..backbones.registry import Backbone
from ..backbones.weights import find_local_weights, locate_keras_folder
from ..figures import format_parameters
from ..options.arguments import Names, check_arguments
from ..paths import PathLike, require_folder
from ..serialization import Exported
from ..tables import Listing, Table

BackboneSorting = Literal["registry", "size", "accuracy", "name"]
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class ListedBackbone(Exported):
    """A backbone of the registry.

    Attributes
    ----------
    name
        Name on the command line.
    function
        Name of the function that builds it, in ``keras.applications`` or in the demo.
    image_size
        Height and width in pixels of the photos that it was pretrained on.
    parameters
        Number of parameters without the top. 0 if unknown.
    megabytes
        Size of the parameters in float32.
    accuracy
        Top-1 accuracy on ImageNet, from 0 to 1. None if Keras does not document it.
    weights
        Local file of its weights. None if there is no such file.
    """

    name: str
    function: str
    image_size: int
    parameters: int
    megabytes: float
    accuracy: float | None
    weights: Path | None


@check_arguments
def list_backbones(
    patterns: Names | None = None, *, weights: PathLike | None = None, sort: BackboneSorting = "registry"
) -> Listing[ListedBackbone]:
    """List backbones.

    Parameters
    ----------
    patterns
        Names, with wildcards. None lists all except the demo's.
    weights
        Folder of weights. None searches the folder of Keras's downloads.
    sort
        ``registry`` keeps families together, ``size`` begins with the smallest, and ``accuracy`` with the best.

    Raises
    ------
    BadChoice
        If a pattern matches no backbone, or the folder does not exist.

    Examples
    --------
    >>> small = ensembler.list_backbones(["mobilenet*", "b0"], sort="size")
    >>> small[0].name, small["b0"].image_size
    ('mobilenet-0.25', 224)
    """
    folder = Path(weights) if weights is not None else locate_keras_folder()
    if weights is not None:
        require_folder(folder, "--weights takes a folder with NAME.weights.h5 or the files of Keras.")
    listed = [_describe_backbone(backbone, folder) for backbone in match_backbones(patterns or ())]
    keys: dict[str, Callable[[ListedBackbone], Any]] = {
        "size": lambda one: one.parameters,
        "accuracy": lambda one: -(one.accuracy or 0.0),
        "name": lambda one: one.name,
    }
    return Listing(sorted(listed, key=keys[sort]) if sort in keys else listed, build_backbone_table)


def _describe_backbone(backbone: Backbone, folder: Path) -> ListedBackbone:
    return ListedBackbone(
        name=backbone.name,
        function=backbone.builder.partition(":")[2],
        image_size=backbone.image_size,
        parameters=backbone.parameters,
        megabytes=round(_FLOAT_BYTES * backbone.parameters / 1e6, 1),
        accuracy=find_published_accuracy(backbone.name),
        weights=find_local_weights(folder, backbone, backbone.image_size),
    )


def build_backbone_table(backbones: Sequence[ListedBackbone]) -> Table:
    """Return a row for each backbone."""
    columns = ["backbone", "in Keras", "pixels", "parameters", "MB", "ImageNet", "weights"]
    rows = [
        [
            one.name,
            one.function,
            str(one.image_size),
            format_parameters(one.parameters) if one.parameters else "",
            f"{one.megabytes:.1f}" if one.parameters else "",
            "" if one.accuracy is None else f"{one.accuracy:.1%}",
            one.weights.name if one.weights else "",
        ]
        for one in backbones
    ]
    return Table(columns, rows, ["in Keras", "weights"])
