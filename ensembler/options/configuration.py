"""What a person asked for: options of the command, over those of a file, over a preset; by member."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..backbones.custom import OwnBackbone
from ..backbones.names import backbone_name
from ..backbones.registry import BACKBONES, Backbone
from ..errors import BadChoice
from .kinds import checked, one_of
from .presets import USUAL, Machine, Preset
from .reading import RUN_WIDE, read_options
from .resolve import options_in_force, settings_from
from .settings import MemberSettings
from .sources import InForce, Layer

COMMAND = "command line"


@dataclass(frozen=True)
class Configuration:
    """Options of a run, and of each member.

    Attributes
    ----------
    preset
        With where it comes from.
    general
        Options of the file for all members.
    tables
        Options of the file for one member, by its name; those of a backbone are for its members with labels too.
    command
        Options of the command, which win over the file's.
    """

    preset: tuple[Preset, str]
    general: Layer
    tables: Mapping[str, Layer]
    command: Layer

    def given(self, member: str = "") -> list[Layer]:
        """Return what was asked for a member, the strongest last; for any member by default.

        What holds for a backbone holds for its members with labels too, weaker than what is theirs alone.
        """
        tables = [self.tables[name] for name in dict.fromkeys((backbone_name(member), member)) if name in self.tables]
        return [self.general, *tables, self.command]

    @property
    def own(self) -> dict[str, OwnBackbone]:
        """A person's own backbones by name."""
        found = [own for layer in self.given() for own in layer.options.get("backbones", ())]
        return {own.backbone.name: own for own in cast(Sequence[OwnBackbone], found)}

    @property
    def backbones(self) -> dict[str, Backbone | OwnBackbone]:
        """All backbones by name."""
        return {**BACKBONES, **self.own}

    def backbone(self, member: str) -> Backbone | OwnBackbone:
        """Return the backbone of a member that a person named, such as ``b0@strong``.

        Raises
        ------
        BadChoice
            If there is none of that name, of which the nearest are suggested, or ``@`` is followed by no label.
        """
        name, known = backbone_name(member), self.backbones
        if name not in known:
            raise BadChoice.unknown("backbone", name, known)
        return known[name]

    def network(self, member: str) -> Backbone:
        """Return how the network of a member's backbone is built; see :meth:`backbone`."""
        found = self.backbone(member)
        return found.backbone if isinstance(found, OwnBackbone) else found

    def in_force(self, machine: Machine, member: str = "") -> InForce:
        """Return a member's options after defaults were filled in; without a name those of any member."""
        network = self.network(member) if member else None
        return options_in_force(network, self.given(member), self.preset[0], machine)

    def settings(self, machine: Machine, member: str) -> tuple[MemberSettings, str]:
        """Return a member's settings, and where its weights come from."""
        return settings_from(self.backbone(member), self.in_force(machine, member).options)


def configure(options: Mapping[str, Any], preset: str | None = None, config: str | Path | None = None) -> Configuration:
    """Read and check what a person asked for.

    Parameters
    ----------
    options
        Of the command, see :class:`TrainingOptions`.
    preset
        ``quick``, ``good`` or ``best``; None is the file's, or ``good``.
    config
        A TOML file of options, with tables ``[members.NAME]`` for one member (NAME in quotes if it has a
        label) and ``[backbones.NAME]`` for backbones of
        one's own.

    Raises
    ------
    BadChoice
        If the file cannot be read, or a name or value does not fit.
    """
    command = Layer(COMMAND, read_options(options))
    told = _read(Path(config)) if config is not None else {}
    file = str(config)
    tables = told.pop("members", {})
    in_file = told.pop("preset", None)
    found = Configuration(
        preset=_preset((preset, "--preset", COMMAND), (in_file, f"preset in {file}", file)),
        general=Layer(file, read_options(told, file)),
        tables=_tables(tables, file),
        command=command,
    )
    for member in found.tables:
        found.backbone(member)
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadChoice(
            f"Cannot read {file} ({reason}): --config takes TOML as `ensembler config` prints it."
        ) from error


def _preset(*asked: tuple[str | None, str, str]) -> tuple[Preset, str]:
    """Return the first that was named: each is its value, how to call it, and its source."""
    for value, label, source in asked:
        if value is not None:
            return checked(label, one_of(Preset), value), source
    return USUAL, "default"


def _tables(told: object, file: str) -> dict[str, Layer]:
    if not isinstance(told, Mapping) or not all(isinstance(table, Mapping) for table in told.values()):
        raise BadChoice(f"members in {file} must be tables, such as [members.b0]; which are trained says --members.")
    layers = {}
    for member, table in told.items():
        where = f"[members.{member}] of {file}"
        layers[member] = Layer(where, read_options(table, where, without=RUN_WIDE))
    return layers
