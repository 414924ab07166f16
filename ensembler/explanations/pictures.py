"""The picture of an explained photo: the photo, its maps, and what the stack and its members predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from ..competition.pixels import PixelRule
from .explanation import Explanation, MemberExplanation
from .overlays import PANEL_SIZE, draw_panels, open_upright


def draw_explanation(found: Explanation, stack: str, rule: PixelRule, *, members: bool) -> Image.Image:
    """Draw an explained photo.

    Parameters
    ----------
    found
        Explanation of the photo.
    stack
        Name of the stack.
    rule
        The competition's rule of pixels.
    members
        Whether to draw a map for each member too.

    Raises
    ------
    UnreadablePhoto
        If the photo cannot be decoded.
    """
    photo = open_upright(found.photo, PANEL_SIZE, rule, found.turns)
    panels = [(found.heat, [_describe_class(found, found.probability, stack), _describe_map(found)])]
    if members:
        panels += [
            (each.heat, [_describe_class(found, each.probability, each.name), *_describe_member(each)])
            for each in found.members
        ]
    title = f"What speaks for {found.class_name}"
    return draw_panels(photo, [title], panels, list(_describe_photo(found)))


def choose_picture_names(photos: Sequence[Path]) -> list[str]:
    """Return a name for the picture of each photo. A number tells photos of the same name apart."""
    names, taken = [], set[str]()
    for photo in photos:
        stem, number = photo.stem, 1
        # Some file systems do not tell capitals from small letters.
        while (name := stem if number == 1 else f"{stem}-{number}").casefold() in taken:
            number += 1
        taken.add(name.casefold())
        names.append(f"{name}.png")
    return names


def _describe_class(found: Explanation, probability: float, by: str) -> str:
    return f"{found.class_name} {probability:.3f} by {by}"


def _describe_map(found: Explanation | MemberExplanation) -> str:
    if found.region == "nowhere":
        return "no evidence for the class"
    return f"{found.region}; half of it in {found.half_area:.0%} of the photo"


def _describe_member(member: MemberExplanation) -> Iterator[str]:
    yield _describe_map(member)
    yield f"{member.share:.0%} of the stack's evidence"


def _describe_photo(found: Explanation) -> Iterator[str]:
    yield found.name
    if found.label:
        yield f"label {found.label}, predicted {found.predicted}"
    else:
        yield f"predicted {found.predicted}"
    if found.out_of_fold:
        yield "by networks that never saw it"
    elif found.label:
        yield "by networks that learned from it"
