"""Options in force, as TOML that says where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack

import tomli_w

from ..backbones.custom import OwnBackbone
from ..backbones.names import backbone_name
from ..options.configuration import Configuration, configure
from ..options.declared import TrainingOptions
from ..options.presets import Machine, Preset
from ..options.reading import OPTIONS
from ..options.sources import InForce
from .machine import this_machine

_HEADER = """\
# All options in force, and where each comes from. `ensembler train-members --config FILE` takes this file: its values
# win over a preset's and the machine's, those of the command line over both.
"""
_NOT_SHARED = "# image_size and batch_size: each backbone's own and what memory allows; name --members to see them.\n"


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
        See :class:`ensembler.options.declared.TrainingOptions`.

    Returns
    -------
    str
        TOML that ``config`` takes.

    Raises
    ------
    BadChoice
        If a name or value does not fit.
    """
    found = configure(options, preset, config)
    for member in members or ():
        found.backbone(member)
    return text_of(found, list(members) if members else list(found.tables), this_machine().machine)


def text_of(configuration: Configuration, members: Sequence[str], machine: Machine) -> str:
    """Write a configuration: what holds for all members first, then what each has of its own."""
    general = configuration.in_force(machine)
    preset, source = configuration.preset
    parts = [_HEADER, _line("preset", preset, source), *_lines(general)]
    if not {"image_size", "batch_size"} <= general.options.keys():
        parts.append(_NOT_SHARED)
    for member in members:
        own = _own(configuration, machine, member, members, general)
        parts += [f"\n[members.{_key(member)}]\n", *_lines(own)]
    parts += [_backbone_table(own) for own in configuration.own.values()]
    return "".join(parts)


def _own(
    configuration: Configuration, machine: Machine, member: str, members: Sequence[str], general: InForce
) -> InForce:
    """Return what a member has of its own: what differs from those options that hold for it too when they are read."""
    own = configuration.in_force(machine, member)
    weaker: list[Any] = [general.options]
    if (backbone := backbone_name(member)) != member and backbone in members:
        weaker.append(configuration.in_force(machine, backbone).options)
    options: Any = {
        name: value
        for name, value in own.options.items()
        if any(name not in told or told[name] != value for told in weaker)
    }
    return InForce(options, own.sources)


def _lines(found: InForce) -> Iterator[str]:
    told: dict[str, Any] = dict(found.options)
    for name in OPTIONS:
        if name == "phases" and name in told:
            phases = "".join(f"    {_value(str(phase))},\n" for phase in told[name])
            yield f"phases = [  # {found.sources[name]}\n{phases}]\n"
        elif name != "backbones" and name in told:
            yield _line(name, told[name], found.sources[name])


def _line(name: str, value: object, source: str) -> str:
    return f"{name} = {_value(value)}".ljust(32) + f"  # {_one_line(source)}\n"


def _value(value: object) -> str:
    return tomli_w.dumps({"value": value}).partition(" = ")[2].rstrip("\n")


def _key(name: str) -> str:
    return tomli_w.dumps({name: 0}).partition(" = ")[0]


def _one_line(text: str) -> str:
    """Keep a source, such as an odd file name, within its comment."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _backbone_table(own: OwnBackbone) -> str:
    backbone = own.backbone
    table = {
        **({"file": str(own.file)} if own.file else {"builder": backbone.builder}),
        "image_size": backbone.image_size,
        "preprocessing": backbone.preprocessing,
    }
    return f"\n[backbones.{_key(backbone.name)}]\n" + tomli_w.dumps(table)
