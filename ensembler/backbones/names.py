"""Names of members: a backbone, a backbone with a label (``b0@strong``), or a name that the user chose."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..errors import BadChoice
from ..paths import check_name
from .registry import BACKBONES, resolve_backbone_name

LABEL_SEPARATOR = "@"
_LABEL = re.compile(r"[A-Za-z0-9._-]+")


def parse_backbone_name(member: str) -> str:
    """Return the backbone's part of a member's name: ``b0`` for ``b0@strong``.

    Raises
    ------
    BadChoice
        If the text after ``@`` is not a valid label.
    """
    backbone, at, label = member.partition(LABEL_SEPARATOR)
    if at and not _LABEL.fullmatch(label):
        raise BadChoice(
            f"{member!r} is not a valid member name: write BACKBONE@LABEL, where LABEL consists of letters, digits, "
            "'.', '_' and '-'."
        )
    return backbone


def resolve_member(member: str, known: Collection[str] = BACKBONES) -> str:
    """Replace the backbone's part by the registry's name: ``EfficientNetB0@strong`` becomes ``b0@strong``.

    Parameters
    ----------
    member
        Name as the user typed it.
    known
        Names of backbones or members that are kept unchanged.
    """
    backbone, at, label = member.partition(LABEL_SEPARATOR)
    return member if member in known or backbone in known else f"{resolve_backbone_name(backbone)}{at}{label}"


def resolve_member_names(members: Sequence[str], name: str | None, backbones: Collection[str]) -> list[str]:
    """Return the names of the members of a call.

    Parameters
    ----------
    members
        Backbones as the user typed them, with or without labels.
    name
        Name of the single member. None keeps the names in ``members``.
    backbones
        Names of all known backbones.

    Raises
    ------
    BadChoice
        If a name is given for several members, is not a valid folder name, or belongs to another backbone.
    """
    if name is None:
        return list(members)
    if len(members) != 1:
        raise BadChoice(f"--name applies to a single member, but {len(members)} were requested: {', '.join(members)}.")
    check_name(name, "member")
    own = parse_backbone_name(members[0])
    if (meant := parse_backbone_name(name)) != own and meant in backbones:
        raise BadChoice(
            f"{name} denotes a member of the backbone {meant}: choose another --name for a member of {own}."
        )
    return [name]


def make_layer_name(member: str) -> str:
    """Return a valid and unique Keras layer name for a member.

    TensorFlow rejects ``@`` in a scope. Names of letters, digits and underscores alone may collide with names that
    Keras generates (``add_1``), so they are kept only for backbones of the registry.
    """
    plain = member.replace(LABEL_SEPARATOR, ".")
    return plain if plain in BACKBONES or not re.fullmatch(r"\w+", plain) else f"member-{plain}"


def make_layer_names(members: Sequence[str]) -> list[str]:
    """Return :func:`make_layer_name` of each member, with a number appended where two names would be equal."""
    names: list[str] = []
    for member in members:
        name = plain = make_layer_name(member)
        number = 1
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
    return names
