"""The page: facts, charts and photos placed in the template. Nothing on it is loaded from the network."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ..figures import format_parameters
from . import tables_shown
from .cells import PageTable, format_significant, shorten
from .charts_shown import MOST_SCORES, Charts, list_scores
from .facts import DataFacts, ReportFacts
from .filters import capitalise, embed_json, format_chance, format_percent, format_prose, make_visible
from .member_facts import MemberFacts
from .outcome_facts import PhotoFacts, QualityFacts

SECTIONS = (
    ("answer", "The answer"),
    ("members", "Members and stack"),
    ("quality", "Reliability and errors"),
    ("photos", "Photos"),
    ("data", "Data"),
    ("repeat", "Repeat it"),
)
_FOLDER = "templates"


def render_page(
    facts: ReportFacts, charts: Charts, images: Mapping[str, str], *, exclusive: bool, rotated: bool
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    charts
        Charts as SVG.
    images
        ``data:`` addresses of photos by place: ``largest-0``, ``map-0``, ``uncertain-0`` and so on.
    exclusive
        Whether each photo has one class.
    rotated
        Whether each photo has a row for each of four rotations.
    """
    environment = make_environment()
    theme, script = (_read(environment, name) for name in ("theme.js", "page.js"))
    return environment.get_template("page.html.j2").render(
        facts=facts,
        tables=build_tables(facts, exclusive=exclusive),
        charts=charts,
        images=images,
        sections=SECTIONS,
        exclusive=exclusive,
        row_word="rotations of photos" if rotated else "photos",
        speed_note=_describe_speeds(facts.members.members),
        reliability_sentence=_describe_reliability(facts.quality),
        curve_note=_describe_curves(facts.quality),
        scores_note=_describe_scores(facts),
        curves_left=sum(bool(member.curves) for member in facts.members.members) - len(charts.curves),
        data_lines=list(_list_data(facts.data)),
        describe=functools.partial(describe_photo, exclusive=exclusive),
        style=charts.style + _read(environment, "style.css"),
        theme_script=theme,
        page_script=script,
        script_sources=" ".join(_hash_script(text) for text in (theme, script)),
        data=embed_json(facts.to_json()),
    )


def make_environment() -> Environment:
    """Create the environment of the templates: everything is escaped, and an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader(__package__, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalise,
    )
    environment.filters |= {
        "short": shorten,
        "capitalise": capitalise,
        "percent": format_percent,
        "chance": format_chance,
        "prose": format_prose,
        "parameters": format_parameters,
    }
    return environment


def _finalise(value: Any) -> Any:
    return make_visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _read(environment: Environment, name: str) -> str:
    loader = environment.loader
    assert loader is not None  # noqa: S101 - for the type checker
    return loader.get_source(environment, name)[0]


def _hash_script(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def build_tables(facts: ReportFacts, *, exclusive: bool) -> dict[str, PageTable]:
    """Return all tables by their keys."""
    members = facts.members.members
    listed = (
        tables_shown.tabulate_stacks(facts.answer),
        tables_shown.tabulate_submissions(facts.answer),
        tables_shown.tabulate_training_times(members),
        tables_shown.tabulate_speeds(members),
        tables_shown.tabulate_losses(members, facts.answer.metric),
        tables_shown.tabulate_parts(facts.members),
        tables_shown.tabulate_classes(facts.quality, exclusive=exclusive),
        tables_shown.tabulate_pairs(facts.quality),
        tables_shown.tabulate_class_counts(facts.data),
        tables_shown.tabulate_findings(facts.data),
        tables_shown.tabulate_clues(facts.data),
        tables_shown.tabulate_settings(facts.repeat),
        tables_shown.tabulate_hashes(facts.repeat),
        tables_shown.tabulate_versions(facts.repeat),
    )
    return {table.key: table for table in listed}


def _describe_speeds(members: tuple[MemberFacts, ...]) -> str:
    devices = dict.fromkeys(member.device for member in members if member.device)
    unmeasured = [member.name for member in members if member.milliseconds_per_photo is None]
    singles = sorted({member.single for member in members if member.single})
    count = f"{singles[0]} to {singles[-1]}" if len(singles) > 1 else f"{singles[0]}" if singles else "100"
    parts = [
        f"Milliseconds a photo are the mean of {count} predictions of single photos by the network of one fold with "
        "all its views, without decoding."
    ]
    if devices:
        parts.append(f"Measured on {' and '.join(devices)}.")
    if unmeasured:
        parts.append(
            f"Not measured: {', '.join(map(shorten, unmeasured[:8]))}{'' if len(unmeasured) <= 8 else ' and more'}"
            " (`ensembler members --measure` measures them)."
        )
    return " ".join(parts)


def _describe_scores(facts: ReportFacts) -> str:
    count = len(list_scores(facts.answer, facts.members))
    return f"The best {MOST_SCORES} of {count}." if count > MOST_SCORES else ""


def _describe_reliability(facts: QualityFacts) -> str:
    if facts.before is None:
        return ""
    before = f"{facts.before.calibration_error:.4f}"
    if facts.after is None:
        return f"The expected calibration error is {before}. A stack calibrates probabilities."
    warmth = "" if facts.temperature is None else f" The temperature is {facts.temperature:.2f}."
    return (
        f"The expected calibration error is {before} before calibration and {facts.after.calibration_error:.4f} after "
        f"it.{warmth}"
    )


def _describe_curves(facts: QualityFacts) -> str:
    if not facts.curves:
        return ""
    part = "" if facts.curve_rows == facts.rows else f" of a sample of {facts.curve_rows:,} rows"
    which = "" if len(facts.curves) == 1 else f" The {len(facts.curves)} classes with the largest losses are drawn."
    areas = ", ".join(f"{shorten(one.name, 24)} {one.auc:.4f}" for one in facts.curves if one.auc is not None)
    return f"Areas under the ROC curves{part}: {areas}.{which}"


def _list_data(facts: DataFacts) -> Iterator[tuple[str, str]]:
    if facts.training is not None:
        yield "photos to train on", f"{facts.training:,}"
    if facts.test is not None:
        yield "photos to predict", f"{facts.test:,}"
    if facts.unreadable:
        yield "unreadable photos", f"{facts.unreadable:,}"
    if facts.classes:
        yield "classes", f"{len(facts.classes):,}"
        most, least = facts.classes[0], facts.classes[-1]
        if len(facts.classes) > 1 and least.photos:
            yield "largest to smallest class", f"{format_significant(most.photos / least.photos)} to 1"
    if facts.folds:
        repeats = f", {facts.repeats} repeats" if facts.repeats > 1 else ""
        yield "folds", f"{facts.folds}{repeats}"
    if facts.groups:
        yield "groups kept in one fold", f"{facts.groups:,}"
    if facts.measured:
        # Photos of one size have no chart that tells their number.
        word = (
            "median size"
            if len({*facts.widths}) + len({*facts.heights}) > 2
            else f"size of all {facts.measured:,} measured"
        )
        yield word, f"{_find_median(facts.widths)} by {_find_median(facts.heights)} pixels"
    if facts.duplicates:
        yield "training photos like others", f"{facts.duplicates['training']:,}"
        yield "pairs with clashing labels", f"{facts.duplicates['contradicting']:,}"
        yield "photos to predict like training ones", f"{facts.duplicates['to_predict']:,}"


def _find_median(values: tuple[int, ...]) -> int:
    return sorted(values)[len(values) // 2]


def describe_photo(photo: PhotoFacts, *, exclusive: bool) -> Markup:
    """Return the caption of a photo as HTML."""
    choice, label = make_visible(shorten(photo.choice)), make_visible(shorten(photo.label))
    if not photo.label:
        return Markup('<p class="verdict">predicted <b>{}</b> with {}</p>').format(
            _isolate(choice), format_chance(photo.probability)
        )
    verb = "labelled" if exclusive else "has"
    return Markup('<p class="verdict">{} <b>{}</b>, predicted <b>{}</b> · loss {}</p>').format(
        verb, _isolate(label), _isolate(choice), f"{photo.loss:.2f}"
    )


def _isolate(text: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(text)
