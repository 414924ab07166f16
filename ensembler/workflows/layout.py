"""Shows what was detected of a competition's layout, with the evidence."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..callers import address_caller
from ..competition.layout.evidence import Evidence, Finding, UnusedFile
from ..competition.manifest import Manifest
from ..options.arguments import check_arguments
from ..paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import convert_to_plain, read_record
from ..tables import Shown, Table
from .fetch.answers import is_manifest_edited


@dataclass(frozen=True, repr=False)
class LayoutResult(Shown):
    """A competition's layout, with the evidence for it.

    Attributes
    ----------
    name
        Name of the competition.
    path
        The manifest, which can be edited.
    manifest
        The layout as the manifest has it now.
    findings
        Detected properties, each with its source, its rule and up to three examples.
    unused
        Files and folders that are not used, each with the reason.
    doubts
        Guesses, and what was left out, as sentences.
    has_evidence
        Whether the evidence was recorded. It is missing if the manifest was written by hand, or by an earlier version.
    """

    name: str
    path: Path
    manifest: Manifest
    findings: tuple[Finding, ...]
    unused: tuple[UnusedFile, ...]
    doubts: tuple[str, ...]
    has_evidence: bool

    def build_table(self) -> Table:
        """Return the findings as rows. Examples, unused files and doubts are below them."""
        rows = [[found.subject, found.value, found.source, found.rule] for found in self.findings]
        return Table(
            [self.name, "is", "file", "because"] if rows else (), rows, ["is", "file", "because"], self._list_notes()
        )

    def _list_notes(self) -> list[str]:
        if not self.has_evidence:
            return [
                address_caller(
                    f"No evidence is recorded for {self.name}: {self.path} was written by hand or by an earlier "
                    f"version. {self._name_command()} detects the layout again."
                ),
                *(f"{key} = {value}" for key, value in _list_properties(self.manifest)),
            ]
        return [
            *(
                f"{found.subject}, for example: {'; '.join(found.examples)}"
                for found in self.findings
                if found.examples
            ),
            *(f"not used: {file.path}: {file.reason}" for file in self.unused),
            *(f"doubt: {doubt}" for doubt in self.doubts),
            f"The layout is in {self.path} (edit it if anything is wrong).",
        ]

    def _name_command(self) -> str:
        folder = CompetitionFolder(self.path.parent)
        if folder / self.manifest.photos == folder.extracted:
            return f"`ensembler fetch {self.name} --force`"
        return f"`ensembler adopt {shlex.quote(self.manifest.photos)} --name {self.name} --force`"

    def to_json(self) -> dict[str, Any]:
        """Return the layout and its evidence as plain data for JSON."""
        return {
            "name": self.name,
            "manifest": convert_to_plain(self.manifest),
            "findings": convert_to_plain(list(self.findings)),
            "unused": convert_to_plain(list(self.unused)),
            "doubts": list(self.doubts),
            "has_evidence": self.has_evidence,
        }


def _list_properties(manifest: Manifest) -> list[tuple[str, str]]:
    content = convert_to_plain(manifest)
    flat = {
        f"{section}.{key}" if key else section: value
        for section, table in content.items()
        for key, value in (table.items() if isinstance(table, dict) else [("", table)])
    }
    return [(key, str(value)) for key, value in flat.items() if value not in ("", [], False)]


@check_arguments
def layout(
    competition: CompetitionLike | None = None,
    *,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> LayoutResult:
    """Show what was detected of a competition's layout: each property with the file and the rule that show it.

    Only small files are read, no photos.

    Parameters
    ----------
    competition
        Name of the competition. None selects the one last fetched or adopted.

    Raises
    ------
    BadChoice
        If the competition does not exist.
    BadData
        If the manifest or the record of the evidence is damaged.

    Examples
    --------
    >>> layout = ensembler.layout("pets")
    >>> layout.manifest.train.labels, layout.has_evidence
    ('folders', True)
    """
    folder = Workspace.read(workspace).current(competition)
    manifest = Manifest.load(folder.manifest)
    has_evidence = folder.evidence.is_file()
    evidence = read_record(folder.evidence, Evidence) if has_evidence else Evidence()
    if has_evidence and is_manifest_edited(folder):
        progress.note(f"{folder.manifest} was edited after the detection: the findings are those of the detection.")
    return LayoutResult(
        folder.name,
        folder.manifest,
        manifest,
        tuple(evidence.findings),
        tuple(evidence.unused),
        tuple(evidence.doubts),
        has_evidence,
    )
