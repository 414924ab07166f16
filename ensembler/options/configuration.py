"""What a person asked for: options of the command, over those of a file, over a preset; by member."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..backbones.custom import CustomBackbone
from ..backbones.names import parse_backbone_name, resolve_member
from ..backbones.registry import BACKBONES, Backbone
from ..errors import BadChoice
from .declared import Preset
from .kinds import read_value
from .presets import DEFAULT_PRESET, Machine
from .reading import RUN, SHARED_OPTIONS, read_options
from .resolve import make_settings, resolve_options
from .settings import MemberSettings
from .sources import OptionSource, ResolvedOptions

COMMAND_LINE = "command line"


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
    general: OptionSource
    tables: Mapping[str, OptionSource]
    command: OptionSource

    def list_sources(self, member: str = "") -> list[OptionSource]:
        """Return what was asked for a member, the strongest last; for any member by default.

        What holds for a backbone holds for its members with labels too, weaker than what is theirs alone.
        """
        if not member:
            return [self.general, self.command]
        tables = {resolve_member(name, self.backbones): source for name, source in self.tables.items()}
        member = resolve_member(member, self.backbones)
        names = dict.fromkeys((parse_backbone_name(member), member))
        return [self.general, *(tables[name] for name in names if name in tables), self.command]

    @property
    def custom_backbones(self) -> dict[str, CustomBackbone]:
        """A person's own backbones by name."""
        custom = [own for layer in self.list_sources() for own in layer.options.get("backbones", ())]
        return {own.backbone.name: own for own in cast(Sequence[CustomBackbone], custom)}

    @property
    def backbones(self) -> dict[str, Backbone | CustomBackbone]:
        """All backbones by name."""
        return {**BACKBONES, **self.custom_backbones}

    def find_backbone(self, member: str) -> Backbone | CustomBackbone:
        """Return the backbone of a member that a person named, such as ``b0@strong``.

        Raises
        ------
        BadChoice
            If there is none of that name, of which the nearest are suggested, or ``@`` is followed by no label.
        """
        known = self.backbones
        name = parse_backbone_name(resolve_member(member, known))
        if name not in known:
            raise BadChoice.from_unknown_name("backbone", name, known)
        return known[name]

    def find_network(self, member: str) -> Backbone:
        """Return how the network of a member's backbone is built; see :meth:`find_backbone`."""
        backbone = self.find_backbone(member)
        return backbone.backbone if isinstance(backbone, CustomBackbone) else backbone

    def resolve_options(self, machine: Machine, member: str = "") -> ResolvedOptions:
        """Return a member's options after defaults were filled in; without a name those of any member."""
        network = self.find_network(member) if member else None
        return resolve_options(network, self.list_sources(member), self.preset[0], machine)

    def resolve_settings(self, machine: Machine, member: str) -> tuple[MemberSettings, str]:
        """Return a member's settings, and where its weights come from."""
        return make_settings(self.find_backbone(member), self.resolve_options(machine, member).options)


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
    command = OptionSource(COMMAND_LINE, read_options(options))
    data = _read_toml(Path(config)) if config is not None else {}
    file = str(config)
    tables = data.pop("members", {})
    in_file = data.pop("preset", None)
    configuration = Configuration(
        preset=_choose_preset((preset, "--preset", COMMAND_LINE), (in_file, f"preset in {file}", file)),
        general=OptionSource(file, read_options(data, file)),
        tables=_read_tables(tables, file),
        command=command,
    )
    for member in configuration.tables:
        configuration.find_backbone(member)
    return configuration


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadChoice(
            f"Cannot read {file} ({reason}): --config takes TOML as `ensembler config` prints it."
        ) from error


def _choose_preset(*candidates: tuple[str | None, str, str]) -> tuple[Preset, str]:
    """Return the first that was named: each is its value, how to call it, and its source."""
    for value, label, source in candidates:
        if value is not None:
            return read_value(label, RUN["preset"].kind, value), source
    return DEFAULT_PRESET, "default"


def _read_tables(data: object, file: str) -> dict[str, OptionSource]:
    if not isinstance(data, Mapping) or not all(isinstance(table, Mapping) for table in data.values()):
        raise BadChoice(f"members in {file} must be tables, such as [members.b0]; --members says which are trained.")
    sources: dict[str, OptionSource] = {}
    for member, table in data.items():
        where = f"[members.{member}] of {file}"
        if (name := resolve_member(member)) in {resolve_member(other) for other in sources}:
            raise BadChoice(f"{where} is about {name}, and so is another table: leave one of them.")
        sources[member] = OptionSource(where, read_options(table, where, excluded=SHARED_OPTIONS))
    return sources
