"""Answer a code competition: write the notebook of a stack, and have Kaggle run, score and remember it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...callers import address_caller
from ...competition.metrics.metrics import METRICS
from ...competition.samples import compute_samples_fingerprint
from ...competition.tables import Tables
from ...errors import BadChoice, KaggleError
from ...members.stack_record import load_stack_record
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, Workspace
from ...progress import SILENT, Progress
from ...storage import compute_file_digest
from ...submission.kaggle.errors import HOW_TO_SIGN_IN, SITE
from ...submission.kaggle.facts import Submission
from ...submission.kaggle.polling import DEFAULT_POLLING, PollingPolicy
from ...submission.kaggle.preflight import run_preflight
from ...submission.kaggle.submissions import Kaggle, refuse_unscored
from ...submission.ledger.ledger import Ledger
from ...submission.ledger.rows import Answer
from ...submission.notebook.code_competition import CodeCompetition
from ...submission.notebook.dataset import PrivateDataset
from ...submission.notebook.folder import PLACEHOLDER_OWNER, NotebookFolder, choose_stack, write_notebook
from ...tables import Shown, Table
from ..competition import open_competition
from ..fetch.answers import has_kaggle_metric
from .uploads import upload


@dataclass(frozen=True, repr=False)
class NotebookResult(Shown):
    """A notebook, and how far it got on Kaggle; ``version`` and ``submission`` are None where it did not get there."""

    folder: NotebookFolder
    version: int | None = None
    submission: Submission | None = None

    @property
    def page(self) -> str:
        """Where the notebook is, or would be, on Kaggle."""
        return f"{SITE}/code/{self.folder.reference}"

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        submission = self.submission
        return {
            "dataset": str(self.folder.dataset),
            "notebook": str(self.folder.notebook),
            "page": self.page if self.version else None,
            "version": self.version,
            "ref": submission.ref if submission else None,
            "status": submission.status if submission else None,
            "public": submission.public if submission else None,
            "private": submission.private if submission else None,
        }

    def build_table(self) -> Table:
        """Tell how far the notebook got."""
        return Table(notes=list(map(address_caller, self._describe())))

    def _describe(self) -> list[str]:
        if self.version is None:
            return [
                f"dataset    {self.folder.dataset}",
                f"notebook   {self.folder.notebook}",
                f"Push them with --push, or put your name for {PLACEHOLDER_OWNER} in their metadata and use the "
                "kaggle tool.",
            ]
        lines = [f"notebook   {self.page} (version {self.version} has run)"]
        if self.submission is None:
            return [*lines, "Submit it with --submit."]
        if self.submission.public is None:
            return [*lines, f"submission {self.submission.ref}, not scored yet: look with `ensembler submissions`."]
        return [*lines, f"Public score: {self.submission.public}"]


def make_polling_policy(minutes: float) -> PollingPolicy:
    """Return the usual waits, but for the longest.

    Raises
    ------
    BadChoice
        If it is not above zero.
    """
    if not minutes > 0:
        raise BadChoice(f"--timeout takes minutes above zero. Received: {minutes:g}")
    return replace(DEFAULT_POLLING, timeout=minutes * 60)


def notebook(
    stack: str | None = None,
    *,
    push: bool = False,
    submit: bool = False,
    wait: bool = True,
    gpu: bool = True,
    output: Path | None = None,
    message: str = "",
    competition: CompetitionLike | None = None,
    waits: PollingPolicy = DEFAULT_POLLING,
    workspace: Workspace = DEFAULT_WORKSPACE,
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

    Examples
    --------
    >>> result = ensembler.notebook(output=Path("notebook"), competition="dogs-vs-cats-redux-kernels-edition")
    >>> result.folder.notebook
    PosixPath('notebook/notebook')
    """
    folder, tables = open_competition(competition, workspace)
    name = choose_stack(folder, stack)
    output_folder = output or folder.stack(name) / "notebook"
    if not (push or submit):
        return NotebookResult(write_notebook(folder, tables, name, output_folder, owner=PLACEHOLDER_OWNER, gpu=gpu))
    if folder.solution.is_file():
        raise BadChoice(f"{folder.name} is not on Kaggle, so nothing can be pushed: leave out --push and --submit.")
    kaggle = Kaggle.connect(progress=progress)
    if not kaggle.username:
        raise KaggleError(f"Your credentials do not tell your name on Kaggle: {HOW_TO_SIGN_IN}.")
    notebook_folder = write_notebook(folder, tables, name, output_folder, owner=kaggle.username, gpu=gpu)
    code_competition = CodeCompetition(kaggle, notebook_folder, tables.manifest.slug, progress, waits)
    if submit and code_competition.find_current_submission() is None:
        # Before hours are spent on its run.
        run_preflight(kaggle, code_competition.competition, progress, notebook=True)
    PrivateDataset(kaggle, notebook_folder, progress, waits).upload()
    version = code_competition.push()
    code_competition.wait_for_run(version, folder.logs / f"notebook-{name}.log")
    if not submit:
        return NotebookResult(notebook_folder, version)
    ledger = Ledger(folder.workspace.submissions)
    ref = code_competition.find_submission(version)
    if ref is None:
        answer, description = (
            _build_answer(folder, tables, name, notebook_folder),
            code_competition.describe_submission(version, message),
        )
        ref = upload(
            ledger, answer, description, lambda: code_competition.submit(version, description), progress, again=True
        )
    return NotebookResult(
        notebook_folder, version, _wait_for_score(code_competition, ref, ledger) if wait else Submission(ref, "PENDING")
    )


def _wait_for_score(code_competition: CodeCompetition, ref: int, ledger: Ledger) -> Submission:
    scored = code_competition.wait_for_score(ref)
    if scored.when is not None:
        ledger.merge(code_competition.competition, [scored])
    refuse_unscored(code_competition.competition, scored)
    return scored


def _build_answer(folder: CompetitionFolder, tables: Tables, stack: str, notebook_folder: NotebookFolder) -> Answer:
    """Tell the ledger what the notebook is and what it rests on."""
    summary = load_stack_record(folder, stack)
    manifest, metric = tables.manifest, summary.metric
    return Answer(
        competition=folder.name,
        slug=manifest.slug,
        path=notebook_folder.code.absolute(),
        sha256=compute_file_digest(notebook_folder.code),
        total_bytes=notebook_folder.code.stat().st_size,
        kind="notebook",
        stack=stack,
        members=summary.members,
        # A stack that was built before these were written down rests on what there is, as far as anybody knows.
        folds=summary.folds or compute_file_digest(folder.folds),
        samples=summary.samples or compute_samples_fingerprint(folder, manifest),
        metric=metric,
        larger_is_better=METRICS[metric].larger_is_better if has_kaggle_metric(folder) else None,
        own=summary.log_loss if metric == "log loss" else summary.score,
        own_error=summary.standard_error,
        own_log_loss=summary.log_loss,
    )
