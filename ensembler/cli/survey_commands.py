"""The command that looks at many backbones: ``survey``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .context import Context
from .options import cache_limit_option, competition_option, json_option, member_names, option, runtime_option

if TYPE_CHECKING:
    from ..workflows.survey.result import Survey


@click.command()
@option(
    "--members", callback=member_names, metavar="PATTERNS", help="Backbones, such as 'b?,mobilenet*'; all by default."
)
@option("--photos", type=click.IntRange(1), metavar="N", help="Labelled photos to look at, at most; all by default.")
@option("--top", type=click.IntRange(1), default=3, show_default=True, help="How many are judged on all photos.")
@option("--budget", metavar="TIME", help="Of the whole call, such as 10m.")
@option("--full", is_flag=True, help="Judge all on all photos.")
@option("--weights", metavar="WHERE", help="imagenet (the default), none, or a folder of weights.")
@option("--image-size", type=click.IntRange(1), metavar="PIXELS", help="Instead of each one's own.")
@option("--seed", type=int, default=0, show_default=True, help="Of the photos' order.")
@option(
    "--sort",
    type=click.Choice(["size", "loss", "latency"]),
    default="size",
    show_default=True,
    help="Order of the table.",
)
@option(
    "--accuracy",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Good enough for the smallest, such as 0.97; by default one standard error of the best log loss.",
)
@option("--csv", type=click.Path(path_type=Path), metavar="FILE", help="Write the table as CSV.")
@runtime_option
@cache_limit_option
@competition_option
@json_option
@click.pass_obj
def survey(context: Context, /, *, csv: Path | None, as_json: bool, **options: Any) -> None:
    """Find out in minutes which backbones are worth training.

    Linear heads on frozen features are judged out of fold; train-members finds the features there. All backbones are
    judged on a part of the photos, the promising ones on more.
    """
    from ..storage import write_text
    from ..workflows.survey.files import csv_text
    from ..workflows.survey.survey import survey as run

    with context.progress:
        result = run(**options, **context.common)
    if csv:
        write_text(csv, csv_text(result))
    if as_json:
        click.echo(json.dumps(result.fields(), indent=2))
    else:
        _show(result)


def _show(result: Survey) -> None:
    from ..console import print_table
    from .tables.survey import survey_lines, survey_table

    print_table(*survey_table(result))
    click.echo("")
    for line in survey_lines(result):
        click.echo(line)
