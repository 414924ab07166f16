"""Evidence for a detected layout: what was found, where, by which rule, and which files were not used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# Subject of the finding about a table that spells the classes like the sample submission.
SPELLING = "spelling"


@dataclass(frozen=True)
class Finding:
    """A detected property of a competition.

    Attributes
    ----------
    subject
        Property, such as ``labels`` or ``sample submission``.
    value
        Value of the property in words.
    source
        File or folder that shows it, relative to the competition's folder. Empty if it has no single source.
    rule
        Reason for the value, as a phrase.
    examples
        Up to three examples, such as rows with their photos.
    """

    subject: str
    value: str
    source: str = ""
    rule: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnusedFile:
    """A file or folder that might have mattered but is not used, and the reason."""

    path: str
    reason: str


@dataclass
class Evidence:
    """Collector of findings, unused files and doubts while a layout is detected.

    A doubt is a full sentence about a guess or about something that was left out. ``fetch`` and ``adopt`` print doubts
    as warnings, and unused files as notes.
    """

    findings: list[Finding] = field(default_factory=list)
    unused: list[UnusedFile] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def add_finding(
        self, subject: str, value: str, source: str = "", rule: str = "", examples: Sequence[str] = ()
    ) -> None:
        """Record a detected property. A later finding of the same subject replaces an earlier one."""
        self.remove_finding(subject)
        self.findings.append(Finding(subject, value, source, rule, tuple(examples[:3])))

    def remove_finding(self, subject: str) -> None:
        """Remove the finding of a subject."""
        self.findings = [finding for finding in self.findings if finding.subject != subject]

    def leave_out(self, path: str, reason: str) -> None:
        """Record that a file or folder is not used. Repeated records count once."""
        if (file := UnusedFile(path, reason)) not in self.unused:
            self.unused.append(file)

    def doubt(self, sentence: str) -> None:
        """Record a guess, or something that was left out, as a full sentence."""
        if sentence not in self.doubts:
            self.doubts.append(sentence)
