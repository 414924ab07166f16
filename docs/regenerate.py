"""Regenerate the parts of documents that come from the code: ``python docs/regenerate.py``.

These parts are the help texts in docs/commands.md, the layers in docs/design.md, and the rooms in docs/rooms/README.md.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import layers

from ensembler.cli import commands

PAGE = Path(__file__).with_name("commands.md")
# Pages with a part that is generated from the imports, between two comments with the name of the part.
LAYERED = (Path(__file__).with_name("design.md"), Path(__file__).parent / "rooms" / "README.md")
PARTS = {"layers": layers.draw_layers, "rooms": layers.list_rooms}
PART = re.compile(r"(<!-- (?P<name>\w+): python docs/regenerate.py -->\n).*?(<!-- /(?P=name) -->)", re.DOTALL)
WIDTH = 100
# A heading with the command's name, any text, and the block of its help.
SECTION = re.compile(r"^(## `(?P<call>ensembler[^`]*)`\n.*?^```text\n).*?(^```$)", re.DOTALL | re.MULTILINE)


def help_texts() -> dict[str, str]:
    """Return the help of ``ensembler``, its commands and their subcommands, by call."""
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
    """Return ``page`` with current help texts. Raise a KeyError for an unknown command."""
    texts = help_texts()
    return SECTION.sub(lambda found: f"{found[1]}{texts[found['call']]}\n{found[3]}", page)


def redraw(page: str) -> str:
    """Return ``page`` with current layers. Raise a KeyError for an unknown part."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found['name']]()}\n{found[3]}", page)


if __name__ == "__main__":
    for path in LAYERED:
        path.write_text(redraw(path.read_text("utf-8")), "utf-8")
    PAGE.write_text(regenerated(PAGE.read_text("utf-8")), "utf-8")
