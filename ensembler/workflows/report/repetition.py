"""The last section: commands, versions, settings, seeds, hashes and times, enough to repeat the work."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ...callers import format_option
from ...competition.folds.file import build_folds
from ...competition.layout.hints import NO_HINTS
from ...keras_backend import BACKEND_VARIABLE, DEFAULT_BACKEND, Backend
from ...members.records import FoldRecord, MemberRecord, load_finished_folds
from ...options.command_line import group_training_commands
from ...paths import CompetitionFolder
from ...reports.facts import RepeatFacts
from ...reports.stack_file import StackFile
from ...serialization import convert_to_plain
from ...storage import compute_file_digest
from ...tracking.values import flatten_settings
from ...versions import list_packages, read_versions
from ..fetch.answers import merge_hints
from .sources import Sources
from .team import describe_settings

_FURTHER_LIBRARIES = ("pandas", "pillow", "matplotlib")


def describe_repetition(sources: Sources) -> RepeatFacts:
    """Return the last section's facts."""
    folder, records = sources.folder, sources.records
    none: dict[str, list[FoldRecord]] = {}
    trained = sources.troubles.attempt(lambda: _load_folds(folder, records), none)
    versions = {name: _join_versions(fold.versions for fold in done) for name, done in trained.items()}
    fold_seed = _find_fold_seed(sources)
    return RepeatFacts(
        commands=tuple(shlex.join(["ensembler", *one]) for one in _list_commands(sources, fold_seed)),
        notes=tuple(_list_notes(sources, fold_seed, [name for name, found in versions.items() if not found])),
        versions=read_versions((*list_packages(), *_FURTHER_LIBRARIES)),
        trained_with={name: found for name, found in versions.items() if found},
        stacked_with={stack.name: stack.versions for stack in sources.stacks if stack.versions},
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        hashes=_list_hashes(folder, records, sources.stacks),
        settings=describe_settings(records),
        all_settings={name: flatten_settings(convert_to_plain(record.settings)) for name, record in records.items()},
        times={name: _describe_times(done) for name, done in trained.items()},
        manifest=folder.manifest.read_text("utf-8"),
    )


def _load_folds(folder: CompetitionFolder, records: Mapping[str, MemberRecord]) -> dict[str, list[FoldRecord]]:
    loaded = ((name, load_finished_folds(folder, one, range(one.folds_count))) for name, one in records.items())
    return {name: done for name, done in loaded if done}


def _join_versions(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the versions of all folds by name, separated by commas where they differ."""
    by_name: dict[str, dict[str, None]] = {}
    for versions in found:
        for name, version in versions.items():
            by_name.setdefault(name, {})[version] = None
    return {name: ", ".join(versions) for name, versions in by_name.items()}


def _find_fold_seed(sources: Sources) -> int | None:
    """Return a seed that makes the folds of ``folds.csv`` again. None if no likely one does."""
    folds, tables = sources.folds, sources.tables
    if folds is None or tables is None:
        return None
    likely = dict.fromkeys([0, *(record.settings.seed for record in sources.records.values())])
    for seed in list(likely)[:3]:
        if np.array_equal(build_folds(tables, folds.count, folds.repeats, seed).assigned, folds.assigned):
            return seed
    return None


def _list_commands(sources: Sources, fold_seed: int | None) -> Iterator[list[str]]:
    """Return the words of the commands that make the same members and stacks, in order."""
    manifest, name = sources.manifest, sources.folder.name
    hints = _format_hints(sources.folder)
    yield [*(["fetch", manifest.slug] if manifest.slug else ["adopt", manifest.photos, "--name", name]), *hints]
    if sources.standing.folds:
        repeats = sources.folds.repeats if sources.folds else 1
        more = [*_format("repeats", repeats if repeats > 1 else None), *_format("seed", fold_seed)]
        yield ["folds", "--folds", str(sources.standing.folds), *more]
    for _, command in group_training_commands(sources.folder, sources.records):
        yield command
    for stack in reversed(sources.stacks):
        yield _format_stack(stack)


def _format_hints(folder: CompetitionFolder) -> list[str]:
    """Return the user's answers on the layout as options."""
    given = {name: value for name, value in asdict(merge_hints(folder, NO_HINTS)).items() if value}
    each = ((name, one) for name, value in given.items() for one in (value if isinstance(value, tuple) else (value,)))
    return [word for name, one in each for word in _format(name, one)]


def _format(name: str, value: object) -> list[str]:
    if value is None:
        return []
    return [format_option(name)] if value is True else [format_option(name), str(value)]


def _format_stack(stack: StackFile) -> list[str]:
    members = ",".join([*(member.name for member in stack.members), *stack.left_out])
    return [
        *("stack", "--members", members, "--name", stack.name, "--meta", stack.asked or stack.meta or "dense"),
        *_format("top", stack.top),
        *_format("infer_limit", None if stack.infer_limit is None else f"{stack.infer_limit:g}s"),
        *_format("refit", stack.refit or None),
        *_format("seed", stack.seed),
    ]


def _list_notes(sources: Sources, fold_seed: int | None, unversioned: Sequence[str]) -> Iterator[str]:
    """Return sentences about what the commands do not repeat."""
    if sources.folds is not None and fold_seed is None:
        yield (
            "`folds.csv` was made with another seed, with `--hold-out` or from other photos: keep the file, because "
            "the command makes other folds."
        )
    if sources.folder.is_ours:
        yield "The photos to predict follow from `--test-size` and `--seed` of `adopt`, which are not stored."
    by_backend = _group_by_backend(sources.records)
    if list(by_backend) not in ([], [DEFAULT_BACKEND]):
        named = (f"{BACKEND_VARIABLE}={backend} for {', '.join(names)}" for backend, names in by_backend.items())
        yield f"Backends of Keras round differently: set the variable {' and '.join(named)}."
    if unknown := [stack.name for stack in sources.stacks if stack.seed is None]:
        yield f"Stacks of an earlier version, whose seed is not stored: {', '.join(unknown)}."
    if unversioned:
        yield f"Members of an earlier version, which did not store versions: {', '.join(unversioned)}."


def _group_by_backend(records: Mapping[str, MemberRecord]) -> dict[Backend, list[str]]:
    """Return the names of members by the backend that trained them."""
    found: dict[Backend, list[str]] = {}
    for name, record in records.items():
        found.setdefault(record.backend, []).append(name)
    return found


def _list_hashes(
    folder: CompetitionFolder, records: Mapping[str, MemberRecord], stacks: Sequence[StackFile]
) -> dict[str, str]:
    hashes = {}
    if folder.digest.is_file():
        hashes["archive"] = folder.digest.read_text("utf-8").split(" ")[0].strip()
    named = (("competition.toml", folder.manifest), ("train.csv", folder.train), ("test.csv", folder.test))
    hashes |= {
        name: compute_file_digest(path) for name, path in (*named, ("folds.csv", folder.folds)) if path.is_file()
    }
    hashes |= {f"member {name}": record.fingerprint for name, record in records.items()}
    return hashes | {f"CSV of stack {stack.name}": stack.sha256 for stack in stacks if stack.sha256}


def _describe_times(done: Sequence[FoldRecord]) -> dict[str, Any]:
    return {
        "seconds": round(sum(fold.seconds for fold in done), 1),
        "finished": max(fold.finished for fold in done),
    }
