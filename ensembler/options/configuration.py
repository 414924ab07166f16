"""Options that the user set, by member: those of the command win over those of a file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..backbones.names import parse_backbone_name, resolve_member
from ..backbones.registry import BACKBONES, Backbone
from ..callers import name_source
from ..errors import BadChoice
from ..paths import PathLike
from .declared import Preset
from .kinds import read_value
from .presets import DEFAULT_PRESET, Machine
from .reading import RUN, SHARED_OPTIONS, read_options
from .resolve import make_settings, resolve_options
from .settings import MemberSettings
from .sources import OptionSource, ResolvedOptions


@dataclass(frozen=True)
class Configuration:
    """Options of a run and of each member.

    Attributes
    ----------
    preset
        Preset and the name of its source.
    general
        Options of the file for all members.
    tables
        Options of the file for one member, by its name. Those of a backbone apply to its members with labels too.
    command
        Options of the command. They win over those of the file.
    """

    preset: tuple[Preset, str]
    general: OptionSource
    tables: Mapping[str, OptionSource]
    command: OptionSource

    def list_sources(self, member: str = "") -> list[OptionSource]:
        """List the sources of the user's options for a member, the strongest last. No name lists those for any member.

        The table of a backbone applies to its members with labels too, and their own tables win over it.
        """
        if not member:
            return [self.general, self.command]
        tables = {resolve_member(name, self.backbones): source for name, source in self.tables.items()}
        member = resolve_member(member, self.backbones)
        names = dict.fromkeys((parse_backbone_name(member), member))
        return [self.general, *(tables[name] for name in names if name in tables), self.command]

    @property
    def custom_backbones(self) -> dict[str, Backbone]:
        """Custom backbones by name."""
        custom = [backbone for source in self.list_sources() for backbone in source.options.get("backbones", ())]
        return {backbone.name: backbone for backbone in cast(Sequence[Backbone], custom)}

    @property
    def backbones(self) -> dict[str, Backbone]:
        """All backbones by name."""
        return {**BACKBONES, **self.custom_backbones}

    def find_backbone(self, member: str) -> Backbone:
        """Return the backbone of a member that the user named, such as ``b0@strong``.

        Raises
        ------
        BadChoice
            If there is no such backbone, or the text after ``@`` is not a valid label.
        """
        known = self.backbones
        name = parse_backbone_name(resolve_member(member, known))
        if name not in known:
            raise BadChoice.from_unknown_name("backbone", name, known)
        return known[name]

    def resolve_options(self, machine: Machine, member: str = "") -> ResolvedOptions:
        """Return the options of a member with defaults added. No name returns those of any member."""
        backbone = self.find_backbone(member) if member else None
        return resolve_options(backbone, self.list_sources(member), self.preset[0], machine)

    def resolve_settings(self, machine: Machine, member: str) -> tuple[MemberSettings, str]:
        """Return a member's settings and the source of its weights."""
        return make_settings(self.find_backbone(member), self.resolve_options(machine, member).options)


def configure(options: Mapping[str, Any], preset: str | None = None, config: PathLike | None = None) -> Configuration:
    """Read and check the options of a command and of a file.

    Parameters
    ----------
    options
        Options of the command, see :class:`TrainingOptions`.
    preset
        ``quick``, ``good`` or ``best``. None uses the preset of the file, or ``good``.
    config
        TOML file of options, with tables ``[members.NAME]`` for one member (NAME in quotes if it has a label) and
        ``[backbones.NAME]`` for custom backbones.

    Raises
    ------
    BadChoice
        If the file cannot be read, or a name or value does not fit.
    """
    command = OptionSource(name_source(), read_options(options))
    data = _read_toml(Path(config)) if config is not None else {}
    file = str(config)
    tables, file_preset = data.pop("members", {}), data.pop("preset", None)
    chosen: tuple[Preset, str] = DEFAULT_PRESET, "default"
    if preset is not None:
        chosen = read_value("--preset", RUN["preset"].kind, preset), name_source("preset")
    elif file_preset is not None:
        chosen = read_value(f"preset in {file}", RUN["preset"].kind, file_preset), file
    configuration = Configuration(
        preset=chosen,
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


def _read_tables(data: object, file: str) -> dict[str, OptionSource]:
    if not isinstance(data, Mapping) or not all(isinstance(table, Mapping) for table in data.values()):
        raise BadChoice(f"members in {file} must be tables, such as [members.b0]: list trained members with --members.")
    sources: dict[str, OptionSource] = {}
    for member, table in data.items():
        where = f"[members.{member}] of {file}"
        if (name := resolve_member(member)) in {resolve_member(other) for other in sources}:
            raise BadChoice(f"{where} and another table both set options of {name}: remove one of them.")
        sources[member] = OptionSource(where, read_options(table, where, excluded=SHARED_OPTIONS))
    return sources
