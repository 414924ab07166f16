"""Names of members: a backbone's, a backbone's with a label (``b0@strong``), or one that a person gave."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..errors import BadChoice
from ..paths import check_name
from .registry import BACKBONES, resolve_backbone_name

LABEL_SEPARATOR = "@"
_LABEL = re.compile(r"[A-Za-z0-9._-]+")


def parse_backbone_name(member: str) -> str:
    """Return the backbone's part of what a person typed: ``b0`` of ``b0@strong``.

    Raises
    ------
    BadChoice
        If what follows ``@`` is no label.
    """
    backbone, at, label = member.partition(LABEL_SEPARATOR)
    if at and not _LABEL.fullmatch(label):
        raise BadChoice(
            f"{member!r} cannot name a member: write BACKBONE@LABEL, the label of letters, digits, '.', '_' and '-'."
        )
    return backbone


def resolve_member(member: str, known: Collection[str] = BACKBONES) -> str:
    """Return a member with the registry's name of its backbone: ``b0@strong`` of ``EfficientNetB0@strong``.

    Parameters
    ----------
    member
        What a person typed.
    known
        Names of backbones or members that stay as they are.
    """
    backbone, at, label = member.partition(LABEL_SEPARATOR)
    return member if member in known or backbone in known else f"{resolve_backbone_name(backbone)}{at}{label}"


def resolve_member_names(members: Sequence[str], name: str | None, backbones: Collection[str]) -> list[str]:
    """Name the members of a call.

    Parameters
    ----------
    members
        What a person typed: backbones, with labels or without.
    name
        What to call the one member; None calls each as it was typed.
    backbones
        Names of all backbones.

    Raises
    ------
    BadChoice
        If a name is given to several members, cannot be a folder's, or is that of another backbone.
    """
    if name is None:
        return list(members)
    if len(members) != 1:
        raise BadChoice(f"--as names one member, but {len(members)} were asked for: {', '.join(members)}.")
    check_name(name, "member")
    own = parse_backbone_name(members[0])
    if (meant := parse_backbone_name(name)) != own and meant in backbones:
        raise BadChoice(f"{name} would be taken for a member of {meant}: give a member of {own} another name by --as.")
    return [name]


def make_layer_name(member: str) -> str:
    """Return a member's name as a Keras layer can have it.

    TensorFlow refuses ``@`` in a scope. Names of letters, digits and underscores alone are those that Keras gives to
    layers by itself (``add_1``), so a member has such a one only if a backbone of the registry is called so.
    """
    plain = member.replace(LABEL_SEPARATOR, ".")
    return plain if plain in BACKBONES or not re.fullmatch(r"\w+", plain) else f"member-{plain}"


def make_layer_names(members: Sequence[str]) -> list[str]:
    """Return :func:`make_layer_name` of each member, with a number where two would be called alike."""
    names: list[str] = []
    for member in members:
        name = plain = make_layer_name(member)
        number = 1
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
    return names
