"""Answer a code competition: write the notebook of a stack, and have Kaggle run, score and remember it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...competition.metrics.metrics import METRICS
from ...competition.samples import samples_fingerprint
from ...competition.tables import Tables
from ...errors import BadChoice, KaggleError
from ...paths import HERE, CompetitionFolder, Workspace
from ...progress import SILENT, Progress
from ...serialization import read_json
from ...storage import file_digest
from ...submission.kaggle.errors import HOW_TO_SIGN_IN, SITE
from ...submission.kaggle.facts import Submission
from ...submission.kaggle.preflight import look_ahead
from ...submission.kaggle.submissions import Kaggle, refuse_unscored
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Answer, MemberUsed
from ...submission.notebook.code_competition import CodeCompetition
from ...submission.notebook.dataset import PrivateDataset
from ...submission.notebook.folder import SOMEBODY, NotebookFolder, chosen_stack, write_notebook
from ...submission.notebook.waits import USUAL, Waits
from ..competition import open_competition
from ..fetch.answers import metric_is_kaggles
from .uploads import upload


@dataclass(frozen=True)
class NotebookResult:
    """A notebook, and how far it got on Kaggle; ``version`` and ``submission`` are None where it did not get there."""

    folder: NotebookFolder
    version: int | None = None
    submission: Submission | None = None

    @property
    def page(self) -> str:
        """Where the notebook is, or would be, on Kaggle."""
        return f"{SITE}/code/{self.folder.reference}"

    def fields(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        told = self.submission
        return {
            "dataset": str(self.folder.dataset),
            "notebook": str(self.folder.notebook),
            "page": self.page if self.version else None,
            "version": self.version,
            "ref": told.ref if told else None,
            "status": told.status if told else None,
            "public": told.public if told else None,
            "private": told.private if told else None,
        }

    def lines(self) -> list[str]:
        """Everything, for a person to read."""
        if self.version is None:
            return [
                f"dataset    {self.folder.dataset}",
                f"notebook   {self.folder.notebook}",
                f"Push them with --push, or put your name for {SOMEBODY} in their metadata and use the kaggle tool.",
            ]
        told = [f"notebook   {self.page} (version {self.version} has run)"]
        if self.submission is None:
            return [*told, "Submit it with --submit."]
        if self.submission.public is None:
            return [*told, f"submission {self.submission.ref}, not scored yet: look with `ensembler submissions`."]
        return [*told, f"Public score: {self.submission.public}"]


def waits_of(minutes: float) -> Waits:
    """Return the usual waits, but for the longest.

    Raises
    ------
    BadChoice
        If it is not above zero.
    """
    if not minutes > 0:
        raise BadChoice(f"--timeout takes minutes above zero. Received: {minutes:g}")
    return replace(USUAL, longest=minutes * 60)


def notebook(
    stack: str | None = None,
    *,
    push: bool = False,
    submit: bool = False,
    wait: bool = True,
    gpu: bool = True,
    output: Path | None = None,
    message: str = "",
    competition: str | None = None,
    waits: Waits = USUAL,
    workspace: Workspace = HERE,
    progress: Progress = SILENT,
) -> NotebookResult:
    """Write a notebook that repeats a stack's answer without the internet; push it, have it run, submit it.

    A second call goes on where an earlier one was interrupted: what Kaggle has already is not sent again.

    Parameters
    ----------
    stack
        Name of a finished stack; None is the one built last.
    push
        Upload the dataset and the notebook, both private, and wait until it has run.
    submit
        Submit what it wrote; pushes it first.
    wait
        Wait for the score, which takes Kaggle hours: it runs the notebook again on hidden photos.
    gpu
        Whether the notebook asks for a GPU.
    output
        Folder to write; None is ``notebook`` in the stack's own.
    message
        Description of the submission; the notebook's name and version follow it.
    competition
        Its name; None is the one last brought in.
    waits
        How long to wait for Kaggle.

    Raises
    ------
    BadChoice, Mismatch
        If there is no such stack, it is for other classes, or the competition is not on Kaggle.
    KaggleError
        If Kaggle or the network refuses, no submission is left for today, the notebook fails, or it takes too long.
    """
    folder, tables = open_competition(competition, workspace, progress)
    name = chosen_stack(folder, stack)
    place = output or folder.stack(name) / "notebook"
    if not (push or submit):
        return NotebookResult(write_notebook(folder, tables, name, place, owner=SOMEBODY, gpu=gpu))
    if folder.solution.is_file():
        raise BadChoice(f"{folder.name} is not on Kaggle, so nothing can be pushed: leave out --push and --submit.")
    kaggle = Kaggle.connect(progress=progress)
    if not kaggle.username:
        raise KaggleError(f"Your credentials do not tell your name on Kaggle: {HOW_TO_SIGN_IN}.")
    written = write_notebook(folder, tables, name, place, owner=kaggle.username, gpu=gpu)
    way = CodeCompetition(kaggle, written, tables.manifest.slug, progress, waits)
    if submit and way.submitted_as_it_is() is None:
        # Before hours are spent on its run.
        look_ahead(kaggle, way.competition, progress, notebook=True)
    PrivateDataset(kaggle, written, progress, waits).upload()
    version = way.push()
    way.watch(version, folder.logs / f"notebook-{name}.log")
    if not submit:
        return NotebookResult(written, version)
    ledger = Ledger(workspace.submissions)
    ref = way.submitted(version)
    if ref is None:
        answer, description = _answer(folder, tables, name, written), way.description(version, message)
        ref = upload(ledger, answer, description, lambda: way.submit(version, description), progress, again=True)
    return NotebookResult(written, version, _score(way, ref, ledger) if wait else Submission(ref, "PENDING"))


def _score(way: CodeCompetition, ref: int, ledger: Ledger) -> Submission:
    scored = way.wait_for_score(ref)
    if scored.when is not None:
        ledger.merge(way.competition, [scored])
    refuse_unscored(way.competition, scored)
    return scored


def _answer(folder: CompetitionFolder, tables: Tables, stack: str, written: NotebookFolder) -> Answer:
    """Tell the ledger what the notebook is and what it rests on."""
    figures: dict[str, Any] = read_json(folder.stack(stack) / "stack.json")
    manifest, metric = tables.manifest, figures.get("metric", "log loss")
    return Answer(
        competition=folder.name,
        slug=manifest.slug,
        path=written.code.absolute(),
        sha256=file_digest(written.code),
        total_bytes=written.code.stat().st_size,
        kind="notebook",
        stack=stack,
        members=tuple(MemberUsed(member["name"], member["fingerprint"]) for member in figures["members"]),
        # A stack that was built before these were written down rests on what there is, as far as anybody knows.
        folds=figures.get("folds") or file_digest(folder.folds),
        samples=figures.get("samples") or samples_fingerprint(folder, manifest),
        metric=metric,
        larger_is_better=METRICS[metric].larger_is_better if metric_is_kaggles(folder) else None,
        own=figures.get("score", figures["log_loss"]),
        own_error=figures.get("standard_error"),
        own_log_loss=figures["log_loss"],
    )
