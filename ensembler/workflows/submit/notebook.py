"""The stage ``notebook``: write the notebook of a stack for a code competition, and have Kaggle run and score it."""

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
from ...options.arguments import check_arguments
from ...paths import DEFAULT_WORKSPACE, CompetitionFolder, CompetitionLike, PathLike, Workspace, WorkspaceLike
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
    """A notebook and its state on Kaggle. ``version`` and ``submission`` are None before these steps."""

    folder: NotebookFolder
    version: int | None = None
    submission: Submission | None = None

    @property
    def page(self) -> str:
        """Address of the notebook on Kaggle, also before it is pushed."""
        return f"{SITE}/code/{self.folder.reference}"

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain data for JSON."""
        scores = {name: getattr(self.submission, name, None) for name in ("ref", "status", "public", "private")}
        return {
            "dataset": str(self.folder.dataset),
            "notebook": str(self.folder.notebook),
            "page": self.page if self.version else None,
            "version": self.version,
            **scores,
        }

    def build_table(self) -> Table:
        """Return the state of the notebook in sentences."""
        lines = [f"notebook   {self.page} (version {self.version} has run)"]
        if self.version is None:
            lines = [
                f"dataset    {self.folder.dataset}",
                f"notebook   {self.folder.notebook}",
                f"Push them with --push, or replace {PLACEHOLDER_OWNER} in their metadata with your name and push them "
                "with the kaggle tool.",
            ]
        elif self.submission is None:
            lines.append("Submit it with --submit.")
        elif self.submission.public is None:
            lines.append(f"submission {self.submission.ref}, not scored yet: see `ensembler submissions`.")
        else:
            lines.append(f"Public score: {self.submission.public}")
        return Table(notes=list(map(address_caller, lines)))


def make_polling_policy(minutes: float) -> PollingPolicy:
    """Return the default polling with another time limit.

    Raises
    ------
    BadChoice
        If the limit is not positive.
    """
    if not minutes > 0:
        raise BadChoice(f"--timeout must be a positive number of minutes. Received: {minutes:g}")
    return replace(DEFAULT_POLLING, timeout=minutes * 60)


@check_arguments
def notebook(
    stack: str | None = None,
    *,
    push: bool = False,
    submit: bool = False,
    wait: bool = True,
    gpu: bool = True,
    output: PathLike | None = None,
    message: str = "",
    competition: CompetitionLike | None = None,
    waits: PollingPolicy = DEFAULT_POLLING,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
) -> NotebookResult:
    """Write a notebook that makes a stack's submission without internet, and optionally push and submit it.

    A second call resumes an interrupted one. Files that Kaggle already has are not uploaded again.

    Parameters
    ----------
    stack
        Name of a finished stack. None selects the newest.
    push
        Whether to upload the dataset and the notebook, both private, and wait until the notebook has run.
    submit
        Whether to push the notebook and submit its output.
    wait
        Whether to wait for the score. Kaggle takes hours, because it runs the notebook again on hidden photos.
    gpu
        Whether the notebook requests a GPU.
    output
        Folder to write. None selects ``notebook`` in the folder of the stack.
    message
        Description of the submission, followed by the notebook's name and version.
    competition
        Name of the competition. None selects the one last fetched or adopted.
    waits
        Intervals and time limit of waits for Kaggle.

    Raises
    ------
    BadChoice, Mismatch
        If the stack does not exist or has other classes, or the competition is not on Kaggle.
    KaggleError
        If Kaggle or the network refuses a request, no submission is left for today, or the notebook fails or takes too
        long.

    Examples
    --------
    >>> result = ensembler.notebook(output="notebook", competition="dogs-vs-cats-redux-kernels-edition")
    >>> result.folder.notebook
    PosixPath('notebook/notebook')
    """
    folder, tables = open_competition(competition, Workspace.read(workspace))
    name = choose_stack(folder, stack)
    output_folder = Path(output) if output is not None else folder.stack(name) / "notebook"
    if not (push or submit):
        return NotebookResult(write_notebook(folder, tables, name, output_folder, owner=PLACEHOLDER_OWNER, gpu=gpu))
    if folder.solution.is_file():
        raise BadChoice(f"{folder.name} is not on Kaggle, so nothing can be pushed: omit --push and --submit.")
    kaggle = Kaggle.connect(progress=progress)
    if not kaggle.username:
        raise KaggleError(f"Your credentials do not contain your Kaggle username: {HOW_TO_SIGN_IN}.")
    notebook_folder = write_notebook(folder, tables, name, output_folder, owner=kaggle.username, gpu=gpu)
    code_competition = CodeCompetition(kaggle, notebook_folder, tables.manifest.slug, progress, waits)
    if submit and code_competition.find_current_submission() is None:
        # Check before the run, which takes hours.
        run_preflight(kaggle, code_competition.competition, progress, notebook=True)
    PrivateDataset(kaggle, notebook_folder, progress, waits).upload()
    version = code_competition.push()
    code_competition.wait_for_run(version, folder.logs / f"notebook-{name}.log")
    if not submit:
        return NotebookResult(notebook_folder, version)
    ledger = Ledger(folder.workspace.submissions)
    ref = code_competition.find_submission(version)
    if ref is None:
        answer = _build_answer(folder, tables, name, notebook_folder)
        description = code_competition.describe_submission(version, message)
        ref = upload(
            ledger, answer, description, lambda: code_competition.submit(version, description), progress, again=True
        )
    submission = code_competition.wait_for_score(ref) if wait else Submission(ref, "PENDING")
    if submission.when is not None:
        ledger.merge(code_competition.competition, [submission])
    refuse_unscored(code_competition.competition, submission)
    return NotebookResult(notebook_folder, version, submission)


def _build_answer(folder: CompetitionFolder, tables: Tables, stack: str, notebook_folder: NotebookFolder) -> Answer:
    """Describe the notebook and its stack for the ledger."""
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
        # Stacks of earlier versions lack these fields. The present files are assumed.
        folds=summary.folds or compute_file_digest(folder.folds),
        samples=summary.samples or compute_samples_fingerprint(folder, manifest),
        metric=metric,
        larger_is_better=METRICS[metric].larger_is_better if has_kaggle_metric(folder) else None,
        own=summary.log_loss if metric == "log loss" else summary.score,
        own_error=summary.standard_error,
        own_log_loss=summary.log_loss,
        own_corrected=summary.corrected_score,
    )
