"""A submission to a code competition: push the notebook, wait for its run, submit the version, wait for the score.

No state is stored. Each step first asks Kaggle whether it is already done, so an interrupted command can be run again,
and nothing is sent twice if a response is lost.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import KaggleError
from ...progress import Progress
from ...storage import write_text
from ..kaggle.errors import SITE, TransientError, UnconfirmedSubmission, build_submissions_url
from ..kaggle.facts import Submission
from ..kaggle.polling import DEFAULT_POLLING, PollingPolicy
from ..kaggle.session import build_request
from ..kaggle.submissions import Kaggle
from .asking import RERUN_HINT, NotFound, fetch_if_exists, guard_request_about
from .folder import NotebookFolder

OUTPUT_FILE = "submission.csv"
# The method of Kaggle's API that submits a version.
_SUBMIT_METHOD = "CreateCodeSubmission"
_RUNNING, _COMPLETE, _FAILED = {"QUEUED", "RUNNING"}, "COMPLETE", {"ERROR", "CANCEL_ACKNOWLEDGED"}


@dataclass(frozen=True)
class CodeCompetition:
    """The submission of a notebook to the slug ``competition``. ``kaggle`` is signed in as the notebook's owner."""

    kaggle: Kaggle
    folder: NotebookFolder
    competition: str
    progress: Progress
    polling: PollingPolicy = DEFAULT_POLLING

    @property
    def _what(self) -> str:
        return f"the notebook {self.folder.reference}"

    def push(self) -> int:
        """Push the notebook unless Kaggle has this version, wait until it runs, and return the version's number."""
        if (version := self._find_pushed_version()) and self._read_run_status()[0] not in _FAILED:
            self.progress.note(f"Version {version} of {self._what} is up to date.")
            return version
        try:
            with guard_request_about(self.kaggle, self._what):
                reply = self.kaggle.api.kernels_push(str(self.folder.notebook))
        except TransientError:
            # The response may be lost although the notebook runs.
            version = self._find_pushed_version()
            if not version:
                raise
        else:
            self._check_reply(reply)
            version = int(reply.version_number)
        self.progress.note(f"Pushed version {version} of {self._build_url()}.")
        self._wait_for_start(version)
        return version

    def _wait_for_start(self, version: int) -> None:
        """Wait until a new version runs, because until then Kaggle shows the end of the previous one.

        A run may end between two requests, so the wait is limited.
        """

        def has_started(_: float) -> bool | None:
            with contextlib.suppress(NotFound):
                return self._read_run_status()[0] in _RUNNING or version == 1 or None
            return None

        polling = replace(self.polling, timeout=min(self.polling.timeout, self.polling.settling_seconds))
        polling.poll(has_started, self.progress, f"waiting for version {version} of {self._what} to start")

    def wait_for_run(self, version: int, log: Path) -> None:
        """Wait until the notebook's version has finished. The output of a failed run is written to ``log``."""
        what, status, reason = f"version {version} of {self._what}", "", ""

        def has_ended(_: float) -> bool | None:
            nonlocal status, reason
            status, reason = self._read_run_status()
            return status == _COMPLETE or status in _FAILED or None

        if not self.polling.poll(has_ended, self.progress, f"waiting for {what}"):
            raise KaggleError(
                f"{self.polling.describe_timeout(what, status)}: see {self._build_url()}, or {RERUN_HINT}."
            )
        if status in _FAILED:
            raise KaggleError(self._describe_failure(what, status, reason, log))

    def find_submission(self, version: int) -> int | None:
        """Return the number of the version's submission, except a failed one; None if there is none."""
        for submission in self.kaggle.list_submissions(self.competition, self.progress):
            if submission.description.endswith(self._format_mark(version)) and submission.status != "ERROR":
                self.progress.note(f"Version {version} of {self._what} is already submitted.")
                return submission.ref
        return None

    def find_current_submission(self) -> int | None:
        """Return the number of the submission of the notebook in the folder; None if there is none."""
        version = self._find_pushed_version()
        return self.find_submission(version) if version else None

    def submit(self, version: int, description: str) -> int:
        """Submit the output of a version and return the submission's number.

        Raises
        ------
        UnconfirmedSubmission
            If Kaggle's response was lost. The submission may still count.
        KaggleError
            If Kaggle refuses. Nothing was submitted then.
        """
        try:
            with self.kaggle.guard_request(self.competition):
                reply = self.kaggle.api.competition_submit_code(
                    OUTPUT_FILE, description, self.competition, self.folder.reference, version, quiet=True
                )
        except TransientError as error:
            if not error.may_have_done(_SUBMIT_METHOD):
                raise KaggleError(f"Nothing was submitted. {error}") from None
            raise UnconfirmedSubmission(
                f"The submission may still count: {RERUN_HINT}, which checks that first. {error}"
            ) from None
        if not reply.ref:
            reason = self.kaggle.clean_message(reply.message) or "it gives no reason"
            raise KaggleError(
                f"Kaggle did not accept the notebook: {reason}; see {build_submissions_url(self.competition)}."
            )
        return int(reply.ref)

    def wait_for_score(self, ref: int) -> Submission:
        """Wait for the score of a submission, for which Kaggle runs the notebook on hidden photos. It takes hours."""
        polling = replace(self.polling, first_pause=self.polling.max_pause)
        return self.kaggle.wait_for_score(self.competition, ref, self.progress, polling)

    def describe_submission(self, version: int, message: str = "") -> str:
        """Return the description of a submission, with a mark that identifies the version."""
        return f"{message} {self._format_mark(version)}".strip()

    def _format_mark(self, version: int) -> str:
        return f"[{self.folder.slug} version {version}]"

    def _find_pushed_version(self) -> int | None:
        """Return the version of the notebook on Kaggle if its cells equal those in the folder, else None."""

        def ask() -> Any:
            with self.kaggle.api.build_kaggle_client() as client:
                return client.kernels.kernels_api_client.get_kernel(self._build_request("ApiGetKernelRequest"))

        kernel = fetch_if_exists(self.kaggle, self._what, ask, self.progress)
        if kernel is None or kernel.blob is None or kernel.metadata is None:
            return None
        is_same = _parse_cells(kernel.blob.source) == _parse_cells(self.folder.code.read_text("utf-8"))
        return int(kernel.metadata.current_version_number or 0) or None if is_same else None

    def _build_request(self, name: str) -> Any:
        """Return a request about the notebook."""
        return build_request(name, user_name=self.folder.owner, kernel_slug=self.folder.slug)

    def _check_reply(self, reply: Any) -> None:
        """Raise the errors in a response, which the client does not raise."""
        if reply.error:
            raise KaggleError(f"Kaggle did not accept {self._what}: {self.kaggle.clean_message(reply.error)}.")
        for what, unknown, remedy in (
            ("dataset", reply.invalid_dataset_sources, "wait a minute and run the same command again"),
            ("competition", reply.invalid_competition_sources, f"join it at {SITE}/competitions/{self.competition}"),
        ):
            if unknown:
                raise KaggleError(f"The notebook cannot use the {what} {', '.join(map(str, unknown))}: {remedy}.")
        if not reply.version_number:
            raise KaggleError(f"Kaggle returned no version of {self._what}: {RERUN_HINT}.")

    def _read_run_status(self) -> tuple[str, str]:
        """Return the status of the newest version's run, and the reason of a failure."""
        # The client's own method turns a refusal into a ValueError without a reason.
        with guard_request_about(self.kaggle, self._what), self.kaggle.api.build_kaggle_client() as client:
            request = self._build_request("ApiGetKernelSessionStatusRequest")
            session = client.kernels.kernels_api_client.get_kernel_session_status(request)
            return str(session.status.name), self.kaggle.clean_message(session.failure_message)

    def _describe_failure(self, what: str, status: str, reason: str, log: Path) -> str:
        if status != "ERROR":
            return f"The run of {what} was cancelled: run the same command again to push it again."
        log_text = ""
        with contextlib.suppress(KaggleError), guard_request_about(self.kaggle, self._what):
            log_text = _parse_log(self.kaggle.api.kernels_logs(self.folder.reference))
        if log_text:
            write_text(log, log_text)
        last = self.kaggle.clean_message(log_text.strip().splitlines()[-1]) if log_text.strip() else ""
        explanation = reason or last or "it gives no reason"
        where = f"{log} and {self._build_url()}" if log_text else self._build_url()
        return f"The run of {what} failed: {explanation}; see {where}."

    def _build_url(self) -> str:
        return f"{SITE}/code/{self.folder.reference}"


def _parse_cells(notebook: str) -> list[str]:
    """Return the sources of a notebook's cells, the only part that Kaggle keeps unchanged; none for other files."""
    try:
        return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]
    except (ValueError, KeyError, TypeError):
        return []


def _parse_log(log: str) -> str:
    """Return the printed text of a run's log, which is a JSON list of pieces."""
    try:
        return "".join(str(piece["data"]) for piece in json.loads(log))
    except (ValueError, KeyError, TypeError):
        return log
