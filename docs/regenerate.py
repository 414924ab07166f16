"""Write the help texts in docs/commands.md anew: ``python docs/regenerate.py``. The words around them stay."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ensembler.cli import commands

PAGE = Path(__file__).with_name("commands.md")
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


if __name__ == "__main__":
    PAGE.write_text(regenerated(PAGE.read_text("utf-8")), "utf-8")
