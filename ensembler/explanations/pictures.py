"""The picture of an explained photo: the photo, its maps, and what the stack and its members predict."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..storage import write_file_atomically
from .explanation import Explanation, MemberExplanation
from .overlays import PANEL_SIZE, draw_panels, open_upright
from .sources import ExplainedSource

# Text in the file of a picture, by which it is recognised.
_MARK = ("Software", "ensembler explain")
_MOST_BYTES = 200


def draw_explanation(found: Explanation, source: ExplainedSource, *, members: bool) -> Image.Image:
    """Draw an explained photo.

    Parameters
    ----------
    found
        Explanation of the photo.
    source
        Stack, members or file whose prediction was explained.
    members
        Whether to draw a map for each member too. That of a single member is the map of all, and is not repeated.

    Raises
    ------
    UnreadablePhoto
        If the photo cannot be decoded.
    """
    photo = open_upright(found.photo, PANEL_SIZE, source.pixel_rule, found.turns)
    whole = f"stack {source.name}" if source.is_stack else source.name
    panels = [(found.heat, [_describe_class(found, found.probability, whole), _describe_map(found)])]
    if members and len(found.members) > 1:
        panels += [
            (each.heat, [_describe_class(found, each.probability, each.name), *_describe_member(each)])
            for each in found.members
        ]
    caption = _describe_photo(found, "most probable" if source.task == "multilabel" else "predicted")
    return draw_panels(photo, [f"What speaks for {found.class_name}"], panels, list(caption))


def choose_picture_names(photos: Sequence[str]) -> list[str]:
    """Return a name for the picture of each photo. A number tells photos of the same name apart."""
    names, taken = [], set[str]()
    for photo in photos:
        # A number and the suffix need room, because file systems limit names to 255 bytes.
        stem, number = os.fsencode(Path(photo).stem)[:_MOST_BYTES].decode("utf-8", "ignore") or "photo", 1
        # Some file systems do not tell capitals from small letters.
        while (name := stem if number == 1 else f"{stem}-{number}").casefold() in taken:
            number += 1
        taken.add(name.casefold())
        names.append(f"{name}.png")
    return names


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture that :func:`is_own_picture` recognises."""
    mark = PngInfo()
    mark.add_text(*_MARK)
    with write_file_atomically(path) as temporary:
        # Higher levels take twice the time for a tenth of the size.
        picture.save(temporary, "PNG", pnginfo=mark, compress_level=1)


def is_own_picture(path: Path) -> bool:
    """Tell whether a file is a picture of an explanation, which may be replaced."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return _MARK in picture.info.items()
    except (OSError, SyntaxError, ValueError):
        return False


def _describe_class(found: Explanation, probability: float, by: str) -> str:
    return f"{found.class_name} {probability:.3f} by {by}"


def _describe_map(found: Explanation | MemberExplanation) -> str:
    if found.region == "nowhere":
        return "no evidence for the class"
    return f"{found.region}; half of it in {found.half_area:.0%} of the photo"


def _describe_member(member: MemberExplanation) -> Iterator[str]:
    yield _describe_map(member)
    yield f"{member.share:.0%} of the stack's evidence"


def _describe_photo(found: Explanation, predicted: str) -> Iterator[str]:
    yield found.name
    yield ", ".join([*([f"label {found.label}"] if found.label else []), f"{predicted} {found.predicted}"])
    if found.out_of_fold:
        yield "by networks that never saw it"
    elif found.is_training:
        yield "by networks that learned from it"
