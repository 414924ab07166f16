"""The folder of a notebook that predicts on Kaggle without internet, and of its private dataset."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ...competition.tables import Tables
from ...errors import BadChoice, BadData, Mismatch
from ...keras_backend import DEFAULT_BACKEND, find_backend_if_any
from ...members.corrected_data import load_stack_data
from ...members.stack_record import StackRecord, list_stacks, load_stack_record
from ...paths import CompetitionFolder
from ...serialization import compute_fingerprint, read_arrays, read_record, write_json
from ...storage import compute_file_digest, write_folder_atomically
from .bundle import MANIFEST_FILE, MODEL_FILE, Bundle, is_list_name
from .cells import build_notebook
from .wheels import read_installed_version, write_wheel

# Packages that Kaggle's image lacks or may have too old: an older Keras cannot read files of a newer one.
SHIPPED = ("ensembler", "keras", "tomli-w")
PLACEHOLDER_OWNER = "YOUR-USERNAME"
CODE_FILE = "submission.ipynb"
_DATASET_METADATA = "dataset-metadata.json"
_NOTEBOOK_METADATA = "kernel-metadata.json"
# Files that systems and editors create.
_SYSTEM_FILES = {".DS_Store", ".ipynb_checkpoints", "Thumbs.db"}
_MAX_SLUG_LENGTH = 50
_HASH_DIGITS = 8


@dataclass(frozen=True)
class NotebookFolder:
    """The folders ``dataset``, to upload, and ``notebook``, to push, which have one name on Kaggle."""

    root: Path
    owner: str
    slug: str

    @property
    def dataset(self) -> Path:
        """Folder of the dataset's files and metadata."""
        return self.root / "dataset"

    @property
    def notebook(self) -> Path:
        """Folder of the notebook and its metadata."""
        return self.root / "notebook"

    @property
    def code(self) -> Path:
        """Path of the notebook."""
        return self.notebook / CODE_FILE

    @property
    def reference(self) -> str:
        """Name of dataset and notebook on Kaggle."""
        return f"{self.owner}/{self.slug}"


def make_notebook_slug(competition: str, stack: str) -> str:
    """Return a name of dataset and notebook that Kaggle accepts: 6 to 50 lower-case letters, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"ensembler {competition} {stack}".lower()).strip("-")
    if len(slug) <= _MAX_SLUG_LENGTH:
        return slug
    digest = compute_fingerprint([competition, stack])[:_HASH_DIGITS]
    return f"{slug[: _MAX_SLUG_LENGTH - _HASH_DIGITS - 1].rstrip('-')}-{digest}"


def make_title(slug: str) -> str:
    """Return the title that Kaggle turns into ``slug``, the address of the notebook."""
    return slug.replace("-", " ")


def choose_stack(folder: CompetitionFolder, named: str | None) -> str:
    """Return the stack ``named``, or the one built last."""
    finished = list_stacks(folder)
    if not finished:
        raise BadChoice(f"{folder.name} has no stack yet: build one with `ensembler stack`.")
    if named is None:
        return finished[0]
    if named not in finished:
        raise BadChoice.from_unknown_name("stack", named, finished)
    return named


def write_notebook(
    folder: CompetitionFolder,
    tables: Tables,
    stack: str,
    output: Path,
    *,
    owner: str = PLACEHOLDER_OWNER,
    gpu: bool = True,
) -> NotebookFolder:
    """Write dataset and notebook of a finished stack to ``output``, and replace an earlier notebook.

    ``owner`` is the user on Kaggle. The dataset contains only the counts of labels from ``tables``.

    Raises
    ------
    BadChoice
        If the competition is not on Kaggle, or ``output`` contains other files.
    Mismatch
        If the stack was built for other classes.
    """
    slug, sample = tables.manifest.slug, tables.manifest.answer.sample
    if not slug:
        raise BadChoice(
            f"{folder.name} is not on Kaggle, so no notebook can run for it: choose a competition from "
            "`ensembler fetch SLUG`."
        )
    if Path(sample).is_absolute():
        raise BadChoice(
            f"{sample} is not a file of {slug}, so a notebook cannot read it: name the competition's own with "
            "--sample FILE."
        )
    if output.exists() and (foreign := _find_foreign_path(output)):
        raise BadChoice(f"{foreign} is not part of an earlier notebook: choose another folder with --output.")
    stack_folder = folder.stack(stack)
    if tuple(read_arrays(stack_folder / "predictions.npz")["classes"].tolist()) != tables.manifest.outputs:
        raise Mismatch(
            f"{stack_folder} was built for other classes than competition.toml names: build it again with "
            "`ensembler stack`."
        )
    written = NotebookFolder(output, owner, make_notebook_slug(slug, stack))
    with write_folder_atomically(output) as temporary:
        fresh = replace(written, root=temporary)
        # Their labels are the prior of unreadable photos.
        learned = load_stack_data(folder, tables, stack).kept_tables
        bundle = _write_dataset(fresh, learned, stack, stack_folder / MODEL_FILE)
        _write_code(fresh, bundle, load_stack_record(folder, stack), gpu=gpu)
    return written


def _find_foreign_path(output: Path) -> Path | None:
    """Return the first path that this module did not write, or ``output`` itself if it is not a complete notebook."""
    if output.is_dir() and not any(output.iterdir()):
        return None
    written = NotebookFolder(output, PLACEHOLDER_OWNER, "")
    lists = [path for path in written.dataset.glob("*.json") if is_list_name(path.name)]
    if len(lists) != 1 or not written.code.is_file():
        return output
    try:
        listed = read_record(lists[0], Bundle).files
    except BadData:
        return lists[0]
    ours = {
        output: {written.dataset.name, written.notebook.name},
        written.dataset: {*listed, lists[0].name, _DATASET_METADATA},
        written.notebook: {CODE_FILE, _NOTEBOOK_METADATA},
    }
    paths = (path for folder, names in ours.items() for path in sorted(folder.iterdir()) if path.name not in names)
    return next((path for path in paths if path.name not in _SYSTEM_FILES), None)


def _write_dataset(target: NotebookFolder, tables: Tables, stack: str, model: Path) -> Bundle:
    target.dataset.mkdir()
    _link_or_copy(model, target.dataset / MODEL_FILE)
    # The local path of the photos stays private.
    replace(tables.manifest, photos=".").save(target.dataset / MANIFEST_FILE)
    for name in SHIPPED:
        write_wheel(target.dataset, name)
    bundle = Bundle(
        competition=tables.manifest.slug,
        stack=stack,
        outputs=tables.manifest.outputs,
        labels={str(label): int(count) for label, count in sorted(tables.train["label"].value_counts().items())},
        files={path.name: compute_file_digest(path) for path in sorted(target.dataset.iterdir())},
    )
    bundle.save(target.dataset)
    write_json(
        target.dataset / _DATASET_METADATA,
        {
            "title": make_title(target.slug),
            "id": target.reference,
            "licenses": [{"name": "other"}],
            "description": f"The stack {stack} for {bundle.competition}, and the packages that its notebook installs.",
        },
    )
    return bundle


def _link_or_copy(source: Path, target: Path) -> None:
    """Link a file to save space, or copy it. Finished files are replaced, never modified, so a link is safe."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _write_code(target: NotebookFolder, bundle: Bundle, summary: StackRecord, *, gpu: bool) -> None:
    target.notebook.mkdir()
    first, *others = SHIPPED
    requirements = [
        f"{first}=={read_installed_version(first)}",
        *(f"{name}>={read_installed_version(name)}" for name in others),
    ]
    backend = find_backend_if_any() or DEFAULT_BACKEND
    write_json(target.code, build_notebook(bundle, target.reference, requirements, summary, backend, gpu=gpu))
    write_json(
        target.notebook / _NOTEBOOK_METADATA,
        {
            "id": target.reference,
            "title": make_title(target.slug),
            "code_file": CODE_FILE,
            "language": "python",
            "kernel_type": "notebook",
            "is_private": True,
            "enable_gpu": gpu,
            "enable_tpu": False,
            "enable_internet": False,
            "dataset_sources": [target.reference],
            "competition_sources": [bundle.competition],
            "kernel_sources": [],
            "model_sources": [],
        },
    )
