"""Prints the options in force as TOML, with the source of each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Unpack

import tomli_w

from ..backbones.names import parse_backbone_name
from ..backbones.registry import Backbone
from ..callers import name_source
from ..engines.local import LocalEngine
from ..options.arguments import Names, check_arguments
from ..options.configuration import Configuration, configure
from ..options.declared import Preset, TrainingOptions
from ..options.presets import Machine
from ..options.reading import OPTIONS, show_options
from ..options.sources import ResolvedOptions
from ..paths import PathLike
from .machine import describe_keras, summarise_hardware

_HEADER = """\
# All options in force, and the source of each. `ensembler train-members --config FILE` reads this file. Its values
# override those of a preset and of the machine; the command line overrides all of them.
"""
_PER_BACKBONE_NOTE = "# image_size and batch_size depend on the backbone and the memory; --members prints them.\n"


@show_options(OPTIONS)
@check_arguments
def config(
    members: Names | None = None,
    *,
    preset: Preset | None = None,
    config: PathLike | None = None,
    **options: Unpack[TrainingOptions],
) -> str:
    """Return all options of training that are in force, and the source of each value.

    The first line is a comment about the backend of Keras and the devices of this machine.

    Parameters
    ----------
    members
        Names of members. Each gets a table of the options that differ. None uses the members with tables in the file.
    preset
        ``quick``, ``good`` or ``best``.
    config
        TOML file of options.
    **options
        Options of training; see :class:`ensembler.TrainingOptions`.

    Returns
    -------
    str
        TOML that the argument ``config`` reads.

    Raises
    ------
    BadChoice
        If a name is unknown or a value is invalid.

    Examples
    --------
    >>> print(ensembler.config(preset="quick", epochs=3))
    # Keras 3.15.1 on TensorFlow 2.21.0, CPU
    # All options in force, and the source of each...
    """
    configuration = configure(options, preset, config)
    for member in members or ():
        configuration.find_backbone(member)
    hardware = LocalEngine().detect_hardware()
    options_text = format_configuration(
        configuration, list(members) if members else list(configuration.tables), summarise_hardware(hardware).machine
    )
    return f"# {describe_keras(hardware)}\n{options_text}"


def format_configuration(configuration: Configuration, members: Sequence[str], machine: Machine) -> str:
    """Return a configuration as TOML: the options of all members first, then those in which each member differs."""
    general = _name_sources(configuration, configuration.resolve_options(machine))
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
    """Return the options of a member that differ from those that it inherits from the file."""
    own = _name_sources(configuration, configuration.resolve_options(machine, member))
    inherited: list[Any] = [general.options]
    if (backbone := parse_backbone_name(member)) != member and backbone in members:
        inherited.append(configuration.resolve_options(machine, backbone).options)
    options: Any = {
        name: value
        for name, value in own.options.items()
        if any(name not in base or base[name] != value for base in inherited)
    }
    return ResolvedOptions(options, own.sources)


def _name_sources(configuration: Configuration, resolved: ResolvedOptions) -> ResolvedOptions:
    """Name the environment variables that set options of the command."""
    sources = {
        name: name_source(name) if source == configuration.command.name else source
        for name, source in resolved.sources.items()
    }
    return ResolvedOptions(resolved.options, sources)


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
    """Keep the name of a source, such as a file name with a line break, within its comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _format_backbone_table(backbone: Backbone) -> str:
    table = {
        **({"file": str(backbone.file)} if backbone.file else {"builder": backbone.builder}),
        "image_size": backbone.image_size,
        "preprocessing": backbone.preprocessing,
    }
    return f"\n[backbones.{_format_key(backbone.name)}]\n" + tomli_w.dumps(table)
