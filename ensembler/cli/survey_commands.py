"""The command that looks at many backbones: ``survey``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import (
    add_cache_limit_option,
    add_competition_option,
    add_json_option,
    add_runtime_option,
    option,
    parse_member_names,
)
from .showing import show_result


@click.command()
@option(
    "--members",
    callback=parse_member_names,
    metavar="PATTERNS",
    help="Backbones, such as 'b?,mobilenet*'; all by default.",
)
@option("--photos", type=click.IntRange(1), metavar="N", help="Labelled photos to look at, at most; all by default.")
@option("--top", type=click.IntRange(1), default=3, show_default=True, help="How many are judged on all photos.")
@option("--time-budget", metavar="TIME", former=["--budget"], help="Time limit of the whole call, such as 10m.")
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
@add_runtime_option
@add_cache_limit_option
@add_competition_option
@add_json_option
@click.pass_obj
def survey(context: Context, /, *, csv: Path | None, as_json: bool, **options: Any) -> None:
    """Find out in minutes which backbones are worth training.

    Linear heads on frozen features are judged out of fold; train-members finds the features there. All backbones are
    judged on a part of the photos, the promising ones on more.
    """
    from ..storage import write_text
    from ..workflows.survey.files import format_survey_csv
    from ..workflows.survey.survey import survey as run

    with context.progress:
        result = run(**options, **context.common)
    if csv:
        write_text(csv, format_survey_csv(result))
    show_result(result, as_json=as_json)
