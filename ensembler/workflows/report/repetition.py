"""The last section: commands, versions, settings, seeds, hashes and times, enough to repeat the work."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...members.records import MemberRecord, load_finished_folds
from ...options.command_line import group_training_commands
from ...paths import CompetitionFolder
from ...reports.facts import RepeatFacts
from ...reports.stack_file import StackFile
from ...storage import compute_file_digest
from .sources import Sources
from .team import describe_settings

_LIBRARIES = ("ensembler", "keras", "tensorflow", "numpy", "pandas", "scikit-learn", "pillow", "matplotlib")


def describe_repetition(sources: Sources) -> RepeatFacts:
    """Return the last section's facts."""
    folder, records = sources.folder, sources.records
    return RepeatFacts(
        commands=tuple(_list_commands(sources)),
        versions={"Python": platform.python_version(), **_read_versions()},
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        hashes=_list_hashes(folder, records, sources.stacks),
        settings=describe_settings(records),
        times=sources.troubles.attempt(lambda: _list_times(folder, records), {}),
        manifest=folder.manifest.read_text("utf-8"),
    )


def _read_versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _list_commands(sources: Sources) -> list[str]:
    """Return the commands that make the same members and stacks, in order."""
    manifest, name = sources.manifest, sources.folder.name
    words = [["fetch", manifest.slug] if manifest.slug else ["adopt", manifest.photos, "--name", name]]
    if sources.standing.folds:
        repeats = sources.folds.repeats if sources.folds else 1
        more = ["--repeats", str(repeats)] if repeats > 1 else []
        words.append(["folds", "--folds", str(sources.standing.folds), *more])
    words += [command for _, command in group_training_commands(sources.folder, sources.records)]
    for stack in reversed(sources.stacks):
        members = ",".join(member.name for member in stack.members)
        extra = ["--refit"] if stack.refit else []
        words.append(["stack", "--members", members, "--name", stack.name, "--meta", stack.meta or "dense", *extra])
    return [shlex.join(["ensembler", *one]) for one in words]


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


def _list_times(folder: CompetitionFolder, records: Mapping[str, MemberRecord]) -> dict[str, dict[str, Any]]:
    times: dict[str, dict[str, Any]] = {}
    for name, record in records.items():
        done = load_finished_folds(folder, record, range(record.folds_count))
        if done:
            seconds = round(sum(fold.seconds for fold in done), 1)
            times[name] = {"seconds": seconds, "finished": max(fold.finished for fold in done)}
    return times
