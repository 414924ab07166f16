"""Datasets and notebooks on the small Kaggle of this machine, as far as a code competition needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from helpers.kaggle_server import SIGNATURE, STORAGE, Answer, KaggleServer, Request, refusal

DENIED = refusal(403, "Permission 'datasets.get' was denied")


@dataclass
class Dataset:
    """Each version's files; the newest is seen after so many more looks at its status."""

    description: dict[str, Any]
    versions: list[dict[str, bytes]] = field(default_factory=list)
    looks: int = 0


@dataclass
class Kernel:
    """What was pushed, version by version, and how far the newest has run."""

    pushed: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0


class KaggleCodeServer(KaggleServer):
    """Keeps datasets and notebooks by ``owner/slug``.

    A dataset's version is being made for ``processing`` looks; a run goes on for ``running`` looks, then gets
    ``ending``. ``save_reply`` overrides what is answered to a push.
    """

    def __init__(self, competitions: dict[str, bytes] | None = None) -> None:
        super().__init__(competitions)
        self.datasets: dict[str, Dataset] = {}
        self.kernels: dict[str, Kernel] = {}
        self.blobs: dict[str, str] = {}
        self.processing, self.running = 2, 2
        self.dataset_states = ("BLOBS_RECEIVED", "READY")
        self.ending: dict[str, Any] = {"status": "COMPLETE"}
        self.save_reply: dict[str, Any] = {}
        self.log = ""

    def methods(self) -> dict[str, Callable[[dict[str, Any]], Answer]]:
        return super().methods() | {
            "StartBlobUpload": self._start_blob_upload,
            "CreateDataset": self._create_dataset,
            "CreateDatasetVersion": self._create_dataset_version,
            "GetDatasetStatus": self._get_dataset_status,
            "ListDatasetFiles": self._list_dataset_files,
            "SaveKernel": self._save_kernel,
            "GetKernel": self._get_kernel,
            "GetKernelSessionStatus": self._get_kernel_session_status,
            "ListKernelSessionOutput": self._list_kernel_session_output,
            "CreateCodeSubmission": self._create_code_submission,
        }

    def _start_blob_upload(self, body: dict[str, Any]) -> Answer:
        token = f"blob-{len(self.blobs)}"
        self.blobs[token] = body["name"]
        return Answer(content={"token": token, "createUrl": f"{STORAGE}/blobs/{token}?{SIGNATURE}"})

    def _files(self, listed: list[dict[str, Any]]) -> dict[str, bytes]:
        return {self.blobs[file["token"]]: self.uploads[file["token"]] for file in listed}

    def _create_dataset(self, body: dict[str, Any]) -> Answer:
        reference = f"{body['ownerSlug']}/{body['slug']}"
        if reference in self.datasets:
            return Answer(content={"status": "error", "error": f"The title {body['title']!r} is already in use."})
        self.datasets[reference] = Dataset(body, [self._files(body.get("files", []))], self.processing)
        return Answer(content={"ref": reference, "url": f"/datasets/{reference}", "status": "ok", "error": ""})

    def _create_dataset_version(self, body: dict[str, Any]) -> Answer:
        reference = f"{body['ownerSlug']}/{body['datasetSlug']}"
        dataset = self.datasets[reference]
        if dataset.looks:
            return refusal(403, "The version before is not ready")
        dataset.versions.append(self._files(body["body"].get("files", [])))
        dataset.looks = self.processing
        return Answer(content={"ref": reference, "url": f"/datasets/{reference}", "status": "ok", "error": ""})

    def _get_dataset_status(self, body: dict[str, Any]) -> Answer:
        dataset = self.datasets.get(f"{body['ownerSlug']}/{body['datasetSlug']}")
        if dataset is None:
            return DENIED
        making, made = self.dataset_states
        dataset.looks = max(0, dataset.looks - 1)
        return Answer(content={"status": making if dataset.looks else made})

    def _list_dataset_files(self, body: dict[str, Any]) -> Answer:
        dataset = self.datasets[f"{body['ownerSlug']}/{body['datasetSlug']}"]
        shown = dataset.versions[: -1 if dataset.looks else None] or [{}]
        files = [{"name": name, "totalBytes": len(content)} for name, content in sorted(shown[-1].items())]
        begin = int(body.get("pageToken") or 0)
        end = begin + min(body.get("pageSize", 20), 3)
        token = str(end) if end < len(files) else ""
        return Answer(content={"datasetFiles": files[begin:end], "nextPageToken": token})

    def _save_kernel(self, body: dict[str, Any]) -> Answer:
        if "error" in self.save_reply:
            return Answer(content=self.save_reply)
        kernel = self.kernels.setdefault(body["slug"], Kernel())
        kernel.pushed.append(body)
        kernel.looks = self.running
        reply = {"ref": body["slug"], "url": f"/code/{body['slug']}", "versionNumber": len(kernel.pushed)}
        return Answer(content=reply | self.save_reply)

    def _get_kernel(self, body: dict[str, Any]) -> Answer:
        reference = f"{body['userName']}/{body['kernelSlug']}"
        if reference not in self.kernels:
            return refusal(403, "Permission 'kernels.get' was denied")
        pushed = self.kernels[reference].pushed
        # What surrounds the cells is not kept as it was sent.
        source = json.loads(pushed[-1]["text"]) | {"metadata": {"kaggle": {"accelerator": "none"}}}
        blob = {"source": json.dumps(source), "language": "python", "kernelType": "notebook", "slug": reference}
        return Answer(content={"metadata": {"ref": reference, "currentVersionNumber": len(pushed)}, "blob": blob})

    def _get_kernel_session_status(self, body: dict[str, Any]) -> Answer:
        kernel = self.kernels[f"{body['userName']}/{body['kernelSlug']}"]
        kernel.looks = max(0, kernel.looks - 1)
        return Answer(content={"status": "RUNNING"} if kernel.looks else self.ending)

    def _list_kernel_session_output(self, body: dict[str, Any]) -> Answer:
        return Answer(content={"files": [], "log": self.log, "nextPageToken": ""})

    def _create_code_submission(self, body: dict[str, Any]) -> Answer:
        kernel = self.kernels.get(f"{body['kernelOwner']}/{body['kernelSlug']}")
        if kernel is None or body.get("kernelVersion") != len(kernel.pushed) or kernel.looks:
            return refusal(400, "Cannot submit that notebook version")
        ref = 5001 + len(self.submissions)
        submission = {
            "ref": ref,
            "date": "2026-01-01T00:00:00Z",
            "description": body.get("submissionDescription", ""),
            "fileName": body["fileName"],
            "totalBytes": 0,
            "status": "PENDING",
            "publicScore": "",
            "privateScore": "",
        }
        self.submissions.insert(0, submission)
        return Answer(content={"message": "Successfully submitted", "ref": ref})

    def lose_upload(self, name: str) -> None:
        """Have the storage refuse one file, as often as it is sent."""
        self.fail("PUT", lambda request: Answer(400, "") if self._is(request, name) else self.answer(request))

    def _is(self, request: Request, name: str) -> bool:
        return self.blobs[request.path.rsplit("/", 1)[-1]] == name
