"""Options in force, as TOML that says where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

import tomli_w

from ..backbones.names import parse_backbone_name
from ..backbones.registry import Backbone
from ..options.configuration import Configuration, configure
from ..options.declared import Preset, TrainingOptions
from ..options.presets import Machine
from ..options.reading import OPTIONS, show_options
from ..options.sources import ResolvedOptions
from .machine import detect_machine

_HEADER = """\
# All options in force, and where each comes from. `ensembler train-members --config FILE` takes this file: its values
# win over a preset's and the machine's, those of the command line over both.
"""
_PER_BACKBONE_NOTE = (
    "# image_size and batch_size: each backbone's own and what memory allows; name --members to see them.\n"
)


@show_options(OPTIONS)
def config(
    members: Sequence[str] | None = None,
    *,
    preset: Preset | None = None,
    config: str | Path | None = None,
    **options: Unpack[TrainingOptions],
) -> str:
    """Tell all options of training that are in force, and where each value comes from.

    Parameters
    ----------
    members
        Names of members, each of which gets a table of what differs; None for those that the file has tables of.
    preset
        ``quick``, ``good`` or ``best``.
    config
        A TOML file of options.
    **options
        How members are trained; see :class:`ensembler.TrainingOptions`.

    Returns
    -------
    str
        TOML that ``config`` takes.

    Raises
    ------
    BadChoice
        If a name or value does not fit.

    Examples
    --------
    >>> print(ensembler.config(preset="quick", epochs=3))
    # All options in force, and where each comes from...
    """
    configuration = configure(options, preset, config)
    for member in members or ():
        configuration.find_backbone(member)
    return format_configuration(
        configuration, list(members) if members else list(configuration.tables), detect_machine().machine
    )


def format_configuration(configuration: Configuration, members: Sequence[str], machine: Machine) -> str:
    """Write a configuration: what holds for all members first, then what each has of its own."""
    general = configuration.resolve_options(machine)
    preset, source = configuration.preset
    parts = [_HEADER, _format_option("preset", preset, source), *_format_options(general)]
    if not {"image_size", "batch_size"} <= general.options.keys():
        parts.append(_PER_BACKBONE_NOTE)
    for member in members:
        own = _select_member_options(configuration, machine, member, members, general)
        parts += [f"\n[members.{_format_key(member)}]\n", *_format_options(own)]
    parts += [_format_backbone_table(own) for own in configuration.custom_backbones.values()]
    return "".join(parts)


def _select_member_options(
    configuration: Configuration, machine: Machine, member: str, members: Sequence[str], general: ResolvedOptions
) -> ResolvedOptions:
    """Return what a member has of its own: what differs from those options that hold for it too when they are read."""
    own = configuration.resolve_options(machine, member)
    inherited: list[Any] = [general.options]
    if (backbone := parse_backbone_name(member)) != member and backbone in members:
        inherited.append(configuration.resolve_options(machine, backbone).options)
    options: Any = {
        name: value
        for name, value in own.options.items()
        if any(name not in base or base[name] != value for base in inherited)
    }
    return ResolvedOptions(options, own.sources)


def _format_options(resolved: ResolvedOptions) -> Iterator[str]:
    values: dict[str, Any] = dict(resolved.options)
    for name in OPTIONS:
        if name == "phases" and name in values:
            phases = "".join(f"    {_format_value(str(phase))},\n" for phase in values[name])
            yield f"phases = [  # {resolved.sources[name]}\n{phases}]\n"
        elif name != "backbones" and name in values:
            yield _format_option(name, values[name], resolved.sources[name])


def _format_option(name: str, value: object, source: str) -> str:
    return f"{name} = {_format_value(value)}".ljust(32) + f"  # {_replace_unprintable(source)}\n"


def _format_value(value: object) -> str:
    return tomli_w.dumps({"value": value}).partition(" = ")[2].rstrip("\n")


def _format_key(name: str) -> str:
    return tomli_w.dumps({name: 0}).partition(" = ")[0]


def _replace_unprintable(text: str) -> str:
    """Keep a source, such as an odd file name, within its comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _format_backbone_table(backbone: Backbone) -> str:
    table = {
        **({"file": str(backbone.file)} if backbone.file else {"builder": backbone.builder}),
        "image_size": backbone.image_size,
        "preprocessing": backbone.preprocessing,
    }
    return f"\n[backbones.{_format_key(backbone.name)}]\n" + tomli_w.dumps(table)
