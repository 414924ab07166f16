"""The tables of each section."""

from __future__ import annotations

from collections.abc import Sequence

from .cells import (
    Cell,
    Column,
    PageTable,
    count_cell,
    find_best,
    interval_cell,
    name_cell,
    number_cell,
    parameters_cell,
    score_cell,
    share_cell,
    signed_cell,
    significant_cell,
)
from .facts import AnswerFacts, DataFacts, RepeatFacts, StackFacts
from .member_facts import MemberFacts, MembersFacts
from .outcome_facts import QualityFacts


def tabulate_stacks(facts: AnswerFacts) -> PageTable:
    """Return the ranking of stacks."""
    is_loss = facts.metric == "log loss"
    has_hidden = any(one.hidden_score is not None for one in facts.stacks)
    has_state = any(one.stale or one.refit or one.rank is None for one in facts.stacks)
    columns = [
        Column("stack", is_text=True),
        Column("rank"),
        Column(facts.metric, hint="score of nested folds \N{PLUS-MINUS SIGN} standard error"),
        Column("95 % interval", hint="bootstrap interval of the score"),
        Column("behind", hint="difference to the first stack; positive is worse"),
        *([] if is_loss else [Column("log loss")]),
        Column("accuracy"),
        *([Column("hidden labels", hint="score on the labels of the photos to predict")] if has_hidden else []),
        Column("meta", is_text=True, hint="meta-learner"),
        Column("built", is_text=True),
        *([Column("state", is_text=True)] if has_state else []),
    ]
    rows = [
        (
            name_cell(one.name, "best" if one.name == facts.shown else "", 27),
            Cell("\N{EN DASH}" if one.rank is None else str(one.rank), one.rank),
            score_cell(one.score, one.standard_error, "best" if one.rank == 1 else ""),
            interval_cell(one.interval),
            signed_cell(one.behind) if one.rank != 1 else Cell("\N{EN DASH}", 0.0, mark="quiet"),
            *([] if is_loss else [number_cell(one.log_loss)]),
            share_cell(one.accuracy, 2),
            *([number_cell(one.hidden_score)] if has_hidden else []),
            name_cell(one.meta),
            _time_cell(one.built),
            *([_describe_state(one, facts.metric)] if has_state else []),
        )
        for one in facts.stacks
    ]
    return PageTable("stacks", "Stacks by their scores", tuple(columns), tuple(rows))


def _describe_state(stack: StackFacts, metric: str) -> Cell:
    if stack.stale:
        return Cell(f"other {stack.stale}", stack.stale, mark="warning")
    if stack.rank is None:
        return Cell(f"scored by {stack.metric}, not {metric}", stack.metric, mark="warning")
    return Cell("refitted on all photos" if stack.refit else "current", "")


def _time_cell(time: str) -> Cell:
    """Return a cell of a time in UTC without its year, which the title has."""
    return Cell(time[5:16].replace("T", " ") or "\N{EN DASH}", time, time.replace("T", " ").replace("Z", " UTC"))


def tabulate_submissions(facts: AnswerFacts) -> PageTable:
    """Return the ledger's rows about files to submit."""
    has_private = any(one.private is not None for one in facts.submissions)
    columns = (
        Column("file", is_text=True),
        Column("stack", is_text=True),
        Column("time (UTC)", is_text=True),
        Column("own score", hint="score of nested folds \N{PLUS-MINUS SIGN} standard error"),
        Column("public score"),
        *([Column("private score")] if has_private else []),
        Column("state", is_text=True),
    )
    rows = tuple(
        (
            name_cell(one.file, length=30),
            name_cell(one.stack, length=22),
            _time_cell(one.made),
            score_cell(one.own, one.own_error),
            number_cell(one.public, 5),
            *([number_cell(one.private, 5)] if has_private else []),
            Cell(one.status.lower() or "not uploaded", one.status),
        )
        for one in facts.submissions
    )
    return PageTable("submissions", "Files to submit and their scores", columns, rows)


_SIZE_COLUMNS = (Column("parameters"), Column("MB", hint="size of the weights in float32"))


def _size_cells(member: MemberFacts) -> tuple[Cell, Cell]:
    return parameters_cell(member.parameters), number_cell(member.megabytes, 1)


def tabulate_training_times(members: Sequence[MemberFacts]) -> PageTable:
    """Return the first of the articles' tables: seconds an epoch."""
    best = find_best([one.seconds_per_epoch for one in members])
    rows = tuple(
        (
            name_cell(one.name),
            _mark_best(significant_cell(one.seconds_per_epoch), best)
            if one.seconds_per_epoch is not None or not one.frozen
            else Cell("frozen", None, "a frozen backbone has no epochs: its features are computed once", "quiet"),
            *_size_cells(one),
        )
        for one in _sort(members, "seconds_per_epoch")
    )
    columns = (
        Column("member", is_text=True),
        Column("s an epoch", hint="mean seconds of an epoch of fine-tuning"),
        *_SIZE_COLUMNS,
    )
    return PageTable("epochs", "Training: seconds an epoch", columns, rows)


def tabulate_speeds(members: Sequence[MemberFacts]) -> PageTable:
    """Return the second of the articles' tables: milliseconds a photo."""
    best = find_best([one.milliseconds_per_photo for one in members])
    rows = tuple(
        (
            name_cell(one.name),
            _mark_best(significant_cell(one.milliseconds_per_photo), best),
            *_size_cells(one),
        )
        for one in _sort(members, "milliseconds_per_photo")
    )
    columns = (
        Column("member", is_text=True),
        Column("ms a photo", hint="mean time of single predictions by one fold's network with all its views"),
        *_SIZE_COLUMNS,
    )
    return PageTable("speeds", "Prediction: milliseconds a photo", columns, rows)


def tabulate_losses(members: Sequence[MemberFacts], metric: str) -> PageTable:
    """Return the third of the articles' tables: log loss, with the competition's metric."""
    best, is_loss = find_best([one.log_loss for one in members]), metric == "log loss"
    is_corrected = any(one.corrected_log_loss is not None for one in members)
    columns = (
        Column("member", is_text=True),
        Column("log loss", hint="out of fold"),
        *([] if is_loss else [Column(metric, hint="out of fold \N{PLUS-MINUS SIGN} standard error")]),
        Column("standard error" if is_loss else "spread", hint="" if is_loss else "deviation over the folds"),
        Column("accuracy"),
        *([Column("corrected", hint="log loss without excluded photos, and by new labels")] if is_corrected else []),
        *_SIZE_COLUMNS,
    )
    rows = tuple(
        (
            name_cell(one.name),
            _mark_best(number_cell(one.log_loss), best),
            *([] if is_loss else [score_cell(one.score, one.standard_error)]),
            number_cell(one.standard_error if is_loss else one.log_loss_spread),
            share_cell(one.accuracy, 2),
            *([number_cell(one.corrected_log_loss)] if is_corrected else []),
            *_size_cells(one),
        )
        for one in _sort(members, "log_loss")
    )
    return PageTable("losses", "Score: log loss", columns, rows)


def _sort(members: Sequence[MemberFacts], name: str) -> list[MemberFacts]:
    return sorted(members, key=lambda one: (getattr(one, name) is None, getattr(one, name) or 0.0))


def _mark_best(cell: Cell, best: float | None) -> Cell:
    return Cell(cell.text, cell.value, cell.title, "best") if best is not None and cell.value == best else cell


def tabulate_parts(facts: MembersFacts) -> PageTable:
    """Return what each member adds to the shown stack, and the state of all members."""
    several = len(facts.correlated) > 1
    columns = (
        Column("member", is_text=True),
        Column("state", is_text=True),
        *(
            [
                Column("stack without it", hint="how much worse the stack is without the member; grey: within noise"),
                Column("95 % interval", hint="interval of that difference"),
                Column("errors alike", hint="mean correlation of its errors with those of the other members"),
            ]
            if several
            else []
        ),
        Column("log loss by fold", is_text=True),
    )
    rows = tuple(
        (
            name_cell(one.name),
            Cell(
                one.state if not one.is_finished or one.in_stack or not several else "not in the stack",
                one.state,
                mark="" if one.is_finished else "warning",
            ),
            *(
                [
                    signed_cell(one.without, one.without_interval),
                    interval_cell(one.without_interval),
                    number_cell(one.errors_alike, 2),
                ]
                if several
                else []
            ),
            Cell("  ".join(f"{loss:.3f}" for loss in one.fold_log_losses[:10]) or "\N{EN DASH}", ""),
        )
        for one in sorted(facts.members, key=lambda one: (one.without is None, -(one.without or 0.0)))
    )
    return PageTable("parts", "What each member adds", columns, rows)


def tabulate_classes(facts: QualityFacts, *, exclusive: bool) -> PageTable:
    """Return the scores of each class, the worst first."""
    columns = (
        Column("class", is_text=True),
        Column("photos", hint="scored photos of the class"),
        Column("predicted", hint="photos for which the class was predicted"),
        Column("precision"),
        Column("recall"),
        Column("F1"),
        Column("log loss", hint="mean over the class's photos" if exclusive else "mean over all photos"),
        *(
            [Column("mistaken for", is_text=True, hint="class that is most often predicted instead")]
            if exclusive
            else []
        ),
    )
    ordered = sorted(facts.classes, key=lambda one: (one.f1 is None, one.f1 or 0.0, one.name))
    rows = tuple(
        (
            name_cell(one.name),
            count_cell(one.photos),
            count_cell(one.predicted),
            share_cell(one.precision),
            share_cell(one.recall),
            share_cell(one.f1),
            number_cell(one.log_loss),
            *([name_cell(one.mistaken_for)] if exclusive else []),
        )
        for one in ordered
    )
    return PageTable("classes", "Scores by class", columns, rows)


def tabulate_pairs(facts: QualityFacts) -> PageTable:
    """Return the most frequent confusions."""
    columns = (
        Column("true class", is_text=True),
        Column("predicted instead", is_text=True),
        Column("photos"),
        Column("of the class", hint="share of the true class's photos"),
    )
    rows = tuple(
        (name_cell(one.true), name_cell(one.predicted), count_cell(one.count), share_cell(one.share))
        for one in facts.pairs
    )
    return PageTable("pairs", "Worst pairs of classes", columns, rows)


def tabulate_class_counts(facts: DataFacts) -> PageTable:
    """Return the number of training photos of each class."""
    columns = (Column("class", is_text=True), Column("photos to train on"), Column("share"))
    rows = tuple((name_cell(one.name), count_cell(one.photos), share_cell(one.share, 2)) for one in facts.classes)
    return PageTable("counts", "Photos by class", columns, rows)


def tabulate_findings(facts: DataFacts) -> PageTable:
    """Return the doubts of the last check."""
    columns = (
        Column("doubt", is_text=True),
        Column("set", is_text=True),
        Column("number"),
        Column("worst", is_text=True),
        Column("what to do", is_text=True),
    )
    rows = tuple(
        (
            name_cell(one.kind),
            name_cell(one.set),
            count_cell(one.number),
            name_cell(", ".join(one.examples[:3])),
            Cell(one.advice, one.advice),
        )
        for one in facts.findings
    )
    return PageTable("findings", "Doubts about the data", columns, rows)


def tabulate_clues(facts: DataFacts) -> PageTable:
    """Return the properties that may tell the label or the set without a look at the picture."""
    columns = (
        Column("clue", is_text=True),
        Column("tells", is_text=True),
        Column("AUC", hint="0.5 tells nothing, 1 tells all"),
        Column("95 % interval"),
        Column("p", hint="corrected for all looks"),
        Column("doubt", is_text=True),
    )
    rows = tuple(
        (
            name_cell(one.name),
            name_cell(one.target),
            number_cell(one.area, 3),
            interval_cell((one.low, one.high)),
            Cell("< 0.0001", one.p_value) if one.p_value < 0.0001 else number_cell(one.p_value),
            Cell(
                "yes" if one.is_reported else "no",
                "" if one.is_reported else "~",
                mark="warning" if one.is_reported else "quiet",
            ),
        )
        for one in facts.clues
    )
    return PageTable("clues", "Clues besides the picture", columns, rows)


def tabulate_settings(facts: RepeatFacts) -> PageTable:
    """Return the settings of each member that differ, and its training time."""
    names = list(dict.fromkeys(name for words in facts.settings.values() for name in words))
    columns = (
        Column("member", is_text=True),
        *(Column(name.replace("_", " "), is_text=True) for name in names),
        Column("seconds"),
        Column("finished (UTC)", is_text=True),
    )
    rows = tuple(
        (
            name_cell(member),
            *(name_cell(words.get(name, "")) for name in names),
            significant_cell(facts.times.get(member, {}).get("seconds")),
            Cell(str(facts.times.get(member, {}).get("finished", ""))[:16].replace("T", " "), member),
        )
        for member, words in facts.settings.items()
    )
    return PageTable("settings", "Settings and times of members", columns, rows)


def tabulate_hashes(facts: RepeatFacts) -> PageTable:
    """Return the hashes by name."""
    rows = tuple(
        (name_cell(name), Cell(digest[:24] + "\N{HORIZONTAL ELLIPSIS}" * (len(digest) > 24), digest, digest))
        for name, digest in facts.hashes.items()
    )
    return PageTable("hashes", "Hashes", (Column("of", is_text=True), Column("hash", is_text=True)), rows)


def tabulate_versions(facts: RepeatFacts) -> PageTable:
    """Return the versions by name: those of all members, of all stacks, and of the page's process."""
    made = [("members", facts.trained_with), ("stacks", facts.stacked_with)]
    known = [(name, list(found.values())) for name, found in made if found]
    columns = (
        Column("software", is_text=True),
        *(Column(name, is_text=True, hint=f"version that made the {name}") for name, _ in known),
        Column("this page", is_text=True),
    )
    rows = tuple(
        (
            name_cell(software),
            *(name_cell(", ".join(dict.fromkeys(one.get(software, "") for one in found))) for _, found in known),
            name_cell(facts.versions.get(software, "")),
        )
        for software in dict.fromkeys([*(one for _, found in known for each in found for one in each), *facts.versions])
    )
    return PageTable("versions", "Versions", columns, rows)
