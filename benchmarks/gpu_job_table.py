"""Markdown of the results of ``gpu_job.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpu_job_events import Line, compare_with_resident
from throughput_table import figure

# Share of the speed on photos in the GPU's memory that is asked for.
ASKED = 0.9
COLUMNS = (
    "member",
    "augmentation",
    "photos from",
    "epoch, s",
    "photos/s",
    "from the card's memory, photos/s",
    "share",
    "idle",
    "first epoch, s",
    "compiling, s",
)


def format_report(facts: Mapping[str, str], lines: Sequence[Line]) -> str:
    """Return the table of trainings and the lines below it."""
    of_kind = {kind: [line for line in lines if line["kind"] == kind] for kind in ("training", "store", "stack")}
    resident = {line["member"]: line for line in lines if line["kind"] == "resident"}
    rows = [f"| {' | '.join(COLUMNS)} |", f"|---|---|---|{'---:|' * (len(COLUMNS) - 3)}"]
    rows += [format_row(line, resident.get(line["member"])) for line in of_kind["training"]]
    title = f"{facts['device']}; Keras on {facts['backend']}; {facts['versions']}."
    notes = [*describe_terms(of_kind["training"], resident), *map(describe_store, of_kind["store"])]
    return "\n".join([title, "", *rows, "", *notes, *map(describe_stack, of_kind["stack"])])


def format_row(line: Line, resident: Line | None) -> str:
    """Return the row of a training. A share of at least :data:`ASKED` is bold."""
    start = [line["member"], line["augmentation"], line["source"]]
    if "failed" in line:
        return f"| {' | '.join([*start, line['failed'], *[''] * (len(COLUMNS) - 4)])} |"
    compared = compare_with_resident(line, resident)
    share = compared["share"]
    cells = [
        figure(line["epoch_seconds"]),
        figure(line["photos_a_second"]),
        figure(resident["photos_a_second"]) if resident else "",
        "" if share is None else f"**{share:.2f}**" if share >= ASKED else f"{share:.2f}",
        "" if compared["idle"] is None else f"{100 * compared['idle']:.0f} %",
        figure(line["first_epoch_seconds"]),
        figure(line["compile_seconds"]),
    ]
    return f"| {' | '.join([*start, *cells])} |"


def describe_terms(trainings: Sequence[Line], resident: Mapping[str, Line]) -> list[str]:
    """Return what the columns mean, which depends on what could be measured."""
    measured = [line for line in trainings if "failed" not in line]
    found = [f"Share: speed over that of the same network on photos in the card's memory; {ASKED} is asked."]
    compared = [compare_with_resident(line, resident.get(line["member"])) for line in measured]
    sources = {each["idle_source"] for each in compared if each["idle"] is not None}
    if "nvidia-smi" in sources:
        found.append("Idle: share of the time in which no kernel ran, by nvidia-smi, mean over epochs.")
    if "1 - share" in sources:
        found.append("Idle: 1 less the share, because there is no nvidia-smi.")
    if compilers := sorted({line["compile_source"] for line in measured}):
        found.append(f"Compiling: {', or '.join(compilers)}. The first epoch also decodes photos.")
    if settings := [
        f"{name}: {each['batch_size']} photos per step, {each['image_size']} pixels, {each['precision']}"
        for name, each in resident.items()
    ]:
        found.append(f"{'; '.join(settings)}.")
    if random := sorted({line["member"] for line in trainings if line["weights"] == "none"}):
        found.append(f"Random weights, because no others were there: {', '.join(random)}.")
    return found


def describe_store(line: Line) -> str:
    """Return the speed of decoding into the store."""
    sizes = ", ".join(map(str, line["sizes"]))
    return f"The store of {line['photos']:,} photos at {sizes} pixels took {line['seconds']:.1f} s."


def describe_stack(line: Line) -> str:
    """Return the score of the stack, and how far plain Keras is from its CSV."""
    members = ", ".join(f"{name} {score:.4f}" for name, score in line["members"].items())
    checked = line["checked"]
    return (
        f"Stack ({line['augmentation']}, {line['source']}): {line['metric']} {line['score']:.4f} ± {line['error']:.4f} "
        f"(members: {members}). stack.keras in plain Keras differs from the CSV by at most "
        f"{checked['difference']:.1e} over {checked['photos']:,} photos."
    )
