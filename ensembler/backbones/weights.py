"""Weights in a local folder, for machines without network: found by name, checked by hash if one is published."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadChoice
from ..paths import require_folder
from .custom import OWN_WEIGHTS
from .registry import Backbone

# File names and hashes (SHA-256 if 64 digits, else MD5) of weights without the top, as in keras.applications.
_PUBLISHED_FILES: dict[str, tuple[str, str]] = {
    "b0": ("efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": ("efficientnetb1_notop.h5", "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": ("efficientnetb2_notop.h5", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": ("efficientnetb3_notop.h5", "af6d107764bb5b1abb91932881670226"),
    "b4": ("efficientnetb4_notop.h5", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": ("efficientnetb5_notop.h5", "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": ("efficientnetb6_notop.h5", "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": ("efficientnetb7_notop.h5", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
    "v2b0": ("efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff"),
    "v2b1": ("efficientnetv2-b1_notop.h5", "0e80663031ca32d657f9caa404b6ec37"),
    "v2b2": ("efficientnetv2-b2_notop.h5", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "v2b3": ("efficientnetv2-b3_notop.h5", "f6abf7b5849ac99a89b50dd3fd532856"),
    "v2s": ("efficientnetv2-s_notop.h5", "af0682fb74e8c54910f2d4393339c070"),
    "v2m": ("efficientnetv2-m_notop.h5", "1b8dc055df72dde80d614482840fe342"),
    "v2l": ("efficientnetv2-l_notop.h5", "b0b66b5c863aef5b46e8608fe1711615"),
    "mobilenetv3s": ("weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "mobilenetv3s-0.75": ("weights_mobilenet_v3_small_224_0.75_float_no_top_v2.h5", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "mobilenetv3l": ("weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5", "07fb09a5933dd0c8eaafa16978110389"),
    "mobilenetv3l-0.75": ("weights_mobilenet_v3_large_224_0.75_float_no_top_v2.h5", "40af19a13ebea4e2ee0c676887f69a2e"),
    "inceptionv3": ("inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63"),
    "inceptionresnetv2": (
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
    "xception": ("xception_weights_tf_dim_ordering_tf_kernels_notop.h5", "b0042744bf5b25fce3cb969f33bebb97"),
    "resnet50": ("resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ("resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ("resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
    "resnet50v2": ("resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "fac2f116257151a9d068a22e544a4917"),
    "resnet101v2": ("resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "resnet152v2": ("resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "ed17cf2e0169df9d443503ef94b23b33"),
    "densenet121": ("densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5", "30ee3e1110167f948a6b9946edeeb738"),
    "densenet169": ("densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5", "b8c4d4c20dd625c148057b9ff1c1176b"),
    "densenet201": ("densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5", "c13680b51ded0fb44dff2d8f86ac8bb1"),
    "nasnetmobile": ("nasnet_mobile_no_top.h5", "1ed92395b5b598bdda52abe5c0dbfd63"),
    "nasnetlarge": ("nasnet_large_no_top.h5", "d81d89dc07e6e56530c4e77faddd61b5"),
    "vgg16": ("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
    "vgg19": ("vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5", "253f8cb515780f3b799900260a226db6"),
    "convnextt": ("convnext_tiny_notop.h5", "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"),
    "convnexts": ("convnext_small_notop.h5", "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"),
    "convnextb": ("convnext_base_notop.h5", "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"),
    "convnextl": ("convnext_large_notop.h5", "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"),
    "convnextxl": ("convnext_xlarge_notop.h5", "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"),
}

# The MobileNets are published by width and image size, without hashes. Other sizes use the file for 224 pixels.
_MOBILENET = "mobilenet_{width}_{size}_tf_no_top.h5"
_MOBILENET_WIDTHS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
_MOBILENET_SIZES = (128, 160, 192, 224)
_MOBILENET_V2 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_{size}_no_top.h5"
_MOBILENET_V2_SIZES = (96, 128, 160, 192, 224)


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights that Keras publishes.

    Attributes
    ----------
    name
        Name of the file.
    digest
        MD5 or SHA-256 in hexadecimal. Empty if Keras publishes none.
    """

    name: str
    digest: str = ""

    def is_published_file(self, path: Path) -> bool:
        """Return whether a file has the published hash; True if no hash is published."""
        if not self.digest:
            return True
        algorithm = "sha256" if len(self.digest) == 64 else "md5"
        with path.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest() == self.digest


def find_published_weights(backbone: Backbone, image_size: int) -> PublishedWeights | None:
    """Return the file without the top that Keras publishes for a backbone and an image size, or None."""
    if backbone.name in _PUBLISHED_FILES:
        return PublishedWeights(*_PUBLISHED_FILES[backbone.name])
    function = backbone.builder.partition(":")[2]
    width = float(backbone.arguments.get("alpha", 1.0))
    if function == "MobileNet":
        size = image_size if image_size in _MOBILENET_SIZES else 224
        return PublishedWeights(_MOBILENET.format(width=_MOBILENET_WIDTHS[width], size=size))
    if function == "MobileNetV2":
        size = image_size if image_size in _MOBILENET_V2_SIZES else 224
        return PublishedWeights(_MOBILENET_V2.format(width=width, size=size))
    return None


def find_weights(folder: Path, backbone: Backbone, image_size: int) -> Path:
    """Find the weights of a backbone in a folder or in its subfolder ``models``, which Keras's cache has.

    ``NAME.weights.h5`` takes precedence over the file that Keras publishes, and that over ``NAME.h5``. Names may be in
    any case.

    Raises
    ------
    BadChoice
        If the folder or the file does not exist, or a published file has another hash.
    """
    folder = folder.absolute()
    advice = "--weights accepts imagenet, none, or a folder that contains NAME.weights.h5 or the files of Keras."
    require_folder(folder, advice)
    damaged = None
    for path, expected in _list_candidates(folder, backbone, image_size):
        if expected is None or expected.is_published_file(path):
            return path
        damaged = damaged or (path, expected)
    if damaged:
        path, expected = damaged
        raise BadChoice(
            f"{path} is not the file that Keras publishes for {backbone.name} (expected hash: {expected.digest}): "
            f"download it again, or rename your own weights to {backbone.name}.weights.h5."
        )
    published = find_published_weights(backbone, image_size)
    there = sorted(file.name.removesuffix(".weights.h5") for file in folder.glob("*.weights.h5"))
    names = f"no {backbone.name}.weights.h5" + (f" and no {published.name}" if published else "")
    raise BadChoice(f"{folder} contains {names}. It contains weights of {', '.join(there) or 'no backbone'}.")


def find_local_weights(folder: Path, backbone: Backbone, image_size: int) -> Path | None:
    """Return the file that :func:`find_weights` would find, without checking its hash, or None."""
    return next((path for path, _ in _list_candidates(folder, backbone, image_size)), None)


def _list_candidates(
    folder: Path, backbone: Backbone, image_size: int
) -> Iterator[tuple[Path, PublishedWeights | None]]:
    """List the files with the name of a backbone's weights in any case, the best name first.

    A file with the name of one that Keras publishes comes with what is published. A MobileNet's weights fit photos of
    any size.
    """
    sizes = [image_size, *((224, 192, 160, 128, 96) if "mobilenet" in backbone.name else ())]
    published = [found for size in sizes if (found := find_published_weights(backbone, size))]
    names: dict[str, PublishedWeights | None] = {
        f"{backbone.name}.weights.h5": None,
        **{found.name.lower(): found for found in published},
        f"{backbone.name}.h5": None,
    }
    for place in (folder, folder / "models"):
        # Of several spellings, the one in lower case is read last and stays.
        paths = sorted(place.iterdir(), key=lambda path: path.name.islower()) if place.is_dir() else []
        files = {path.name.lower(): path for path in paths if path.is_file()}
        yield from ((files[name], expected) for name, expected in names.items() if name in files)


def locate_keras_folder() -> Path:
    """Return the folder of Keras's downloads."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def parse_weights_source(text: str) -> str | Path:
    """Parse a job's source of weights: ``imagenet``, ``none`` and ``own`` stay text, anything else becomes a path."""
    return text if text in ("imagenet", "none", OWN_WEIGHTS) else Path(text)
