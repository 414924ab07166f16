"""The command ``survey``, which compares backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .context import Context
from .options import PATH, add_competition_option, add_json_option, add_plot_option, option, parse_member_names
from .training_options import SurveyCommand, select_given_options


@click.command(cls=SurveyCommand)
@option(
    "--members",
    callback=parse_member_names,
    metavar="PATTERNS",
    help="Backbones, such as 'b?,mobilenet*'. By default all.",
)
@option("--photos", type=click.IntRange(1), metavar="N", help="Maximum number of labelled photos. By default all.")
@option("--top", type=click.IntRange(1), default=3, help="Number of backbones that are scored on all photos.")
@option("--time-budget", metavar="TIME", former=["--budget"], help="Time limit of the whole call, such as 10m.")
@option("--full", is_flag=True, help="Score all backbones on all photos.")
@option("--sort", type=click.Choice(["size", "loss", "latency"]), default="size", help="Order of the table.")
@option(
    "--accuracy",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Accuracy that is good enough, such as 0.97. By default one standard error around the best log loss.",
)
@option("--csv", type=PATH, metavar="FILE", help="Write the table as CSV.")
@add_plot_option
@add_competition_option
@add_json_option
@click.pass_obj
def survey(context: Context, /, *, csv: Path | None, as_json: bool, **options: Any) -> None:
    """Find out within minutes which backbones are worth training.

    The survey scores linear heads on frozen features out of fold. It starts with all backbones on a part of the photos,
    and continues with the promising ones on more photos. train-members reuses the features.
    """
    from ..storage import write_text
    from ..workflows.survey.files import format_survey_csv
    from ..workflows.survey.survey import survey as run

    result = context.run(run, **select_given_options(options))
    if csv:
        write_text(csv, format_survey_csv(result))
    context.show(result, as_json=as_json)
