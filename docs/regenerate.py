"""Writes anew what documents take from the code: ``python docs/regenerate.py``. The words around it stay.

That is the help texts in docs/commands.md, and the layers in docs/design.md, and the rooms in docs/rooms/README.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import layers

from ensembler.cli import commands

PAGE = Path(__file__).with_name("commands.md")
# Pages with a part that is drawn from the imports, between two comments that name the part.
LAYERED = (Path(__file__).with_name("design.md"), Path(__file__).parent / "rooms" / "README.md")
PARTS = {"layers": layers.draw_layers, "rooms": layers.list_rooms}
PART = re.compile(r"(<!-- (?P<name>\w+): python docs/regenerate.py -->\n).*?(<!-- /(?P=name) -->)", re.DOTALL)
WIDTH = 100
# A heading with the command's name, anything, then the block that holds its help.
SECTION = re.compile(r"^(## `(?P<call>ensembler[^`]*)`\n.*?^```text\n).*?(^```$)", re.DOTALL | re.MULTILINE)


def help_texts() -> dict[str, str]:
    """Return the help of ``ensembler``, of each of its commands and of theirs, by what a person types."""
    top = click.Context(
        commands, info_name="ensembler", terminal_width=WIDTH, max_content_width=WIDTH, **commands.context_settings
    )
    texts = {"ensembler": commands.get_help(top)}
    for name, command in sorted(commands.commands.items()):
        here = click.Context(command, info_name=name, parent=top)
        texts[f"ensembler {name}"] = command.get_help(here)
        for inner, below in sorted(getattr(command, "commands", {}).items()):
            texts[f"ensembler {name} {inner}"] = below.get_help(click.Context(below, info_name=inner, parent=here))
    return texts


def regenerated(page: str) -> str:
    """Return ``page`` with today's help texts; a section of an unknown command is a KeyError."""
    texts = help_texts()
    return SECTION.sub(lambda found: f"{found[1]}{texts[found['call']]}\n{found[3]}", page)


def redraw(page: str) -> str:
    """Return ``page`` with today's layers; a part of an unknown name is a KeyError."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}\n{found[3]}", page)


if __name__ == "__main__":
    for path in LAYERED:
        path.write_text(redraw(path.read_text("utf-8")), "utf-8")
    PAGE.write_text(regenerated(PAGE.read_text("utf-8")), "utf-8")
