"""The command ``slurm-script``, which writes a batch script for SLURM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import PhraseType, option


@click.command("slurm-script", context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@option("--nodes", type=click.IntRange(1), default=1, help="Number of nodes.")
@option("--gpus", type=click.IntRange(0), default=0, help="GPUs of each node.")
@option("--processors", type=click.IntRange(1), default=8, help="Processors of each node.")
@option("--memory", default="0", metavar="SIZE", help="Main memory of each node, such as 64G; 0 is all of it.")
@option("--time", default="1-00:00:00", metavar="D-HH:MM:SS", help="Time limit.")
@option("--partition", metavar="NAME", help="Partition.")
@option("--account", metavar="NAME", help="Account.")
@option("--name", default="ensembler", metavar="NAME", help="Name of the job.")
@option(
    "--sbatch",
    multiple=True,
    type=PhraseType(),
    metavar="OPTION",
    help="Further option of sbatch, such as --sbatch=--constraint=a100. May be repeated.",
)
@option(
    "--setup",
    multiple=True,
    type=PhraseType(),
    metavar="LINE",
    help="Line of bash that prepares the environment, such as --setup 'module load cuda'. May be repeated. "
    "By default the folder of this Python is added to PATH.",
)
@option(
    "--save-seconds",
    type=click.IntRange(1),
    default=300,
    metavar="SECONDS",
    help="Seconds before the time limit at which the command saves its state.",
)
@option("--requeues", type=click.IntRange(0), default=20, help="Times that the job is queued again at the time limit.")
@option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write; it must not exist.")
def slurm_script(*, command: tuple[str, ...], output: Path | None, **options: Any) -> None:
    """Write a batch script that runs a command on several machines of a SLURM cluster.

    COMMAND is a command of ensembler with its options, after two dashes:
    `ensembler slurm-script --nodes 2 --gpus 4 -o train.sbatch -- train-members --members b0,b2`. The script starts Ray
    on all nodes and adds the options of the engine. See docs/clusters.md.
    """
    from ..errors import BadChoice
    from ..storage import write_text
    from ..workflows.slurm.script import slurm_script as run

    text = run(command, **options)
    if output is None:
        click.echo(text, nl=False)
    elif output.exists():
        raise BadChoice(f"{output} exists: delete it, or choose another file with --output.")
    else:
        write_text(output, text)
