"""Detection of a competition's layout, the same for an unpacked archive and a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ...competition.csv_tables import read_table, write_table
from ...competition.duplicates import group_copies
from ...competition.layout.evidence import Evidence
from ...competition.layout.findings import add_findings
from ...competition.layout.hints import Hints
from ...competition.layout.layout import describe_metric_source, find_layout
from ...competition.layout.local import choose_test_photos, find_hidden_labels, find_local_layout
from ...competition.manifest import Manifest
from ...competition.orientation.layout import check_task, find_orientation_layout
from ...competition.orientation.rotations import name_rotations, rotate_rows
from ...competition.photo_files import PhotoFiles
from ...competition.sample_submission import find_sample
from ...competition.tables import find_test_paths
from ...errors import BadChoice, format_first
from ...paths import CompetitionFolder
from ...progress import Progress
from ...storage import remove_file
from .answers import KaggleFacts, back_up_edited_manifest, save_manifest
from .tables import DuplicateScan, scan_duplicates

TEST_SIZE = 0.2


def detect_layout(
    folder: CompetitionFolder,
    root: Path,
    slug: str,
    photos_at: str,
    hints: Hints,
    progress: Progress,
    *,
    facts: KaggleFacts | None = None,
    test_size: float = TEST_SIZE,
    seed: int = 0,
) -> tuple[Manifest, DuplicateScan | None]:
    """Detect the layout of the files in ``root``, and write the manifest.

    Without a sample submission, photos are held out, or those of a test folder are predicted, and a sample submission
    is written. Files that were downloaded from Kaggle (``facts``) must contain a sample submission.

    Returns
    -------
    tuple
        The manifest, and the scan of the photos if it was needed.
    """
    evidence, scan, hidden = Evidence(), None, pd.DataFrame()
    metric = facts.metric if facts else ""
    is_orientation = check_task(hints)
    if is_orientation and facts is not None:
        raise BadChoice(f"{folder.name} is a competition of Kaggle: adopt a folder of photos for `--task orientation`.")
    sample = None if is_orientation else find_sample(root, hints.sample, evidence.doubt)
    if sample is not None or facts is not None:
        manifest = find_layout(root, folder.name, slug, hints, photos_at, metric, evidence, sample)
        manifest = replace(manifest, code_only=manifest.code_only or bool(facts and facts.code_only))
        if sample is not None and not slug:
            hidden = _read_hidden_labels(manifest, root, sample.ids, evidence)
    else:
        files = PhotoFiles.list_below(root)
        if is_orientation:
            manifest = find_orientation_layout(files, folder.name, hints, folder.sample, evidence)
        else:
            manifest = find_local_layout(files, folder.name, hints, folder.sample, evidence, slug)
        manifest = replace(manifest, photos=photos_at)
        hidden, scan = hold_out_photos(manifest, files, test_size, seed, progress)
        has_test_folder = manifest.test.folder != manifest.train.folder
        if has_test_folder and not is_orientation:
            _report_hidden_labels(manifest, hidden["id"], len(read_table(folder.sample)), evidence)
        if slug:
            predicted = "the photos of the test folder" if has_test_folder else "part of the labelled photos"
            evidence.doubt(
                f"{folder.name} contains no file with the name of a sample submission, so the photos to predict are "
                f"{predicted}, and the CSV has the columns id and {format_first(manifest.answer.columns)}: if a file "
                "is the sample submission, name it with --sample FILE."
            )
    add_findings(manifest, evidence, describe_metric_source(slug, hints, metric))
    remove_file(folder.solution)
    if not hidden.empty:
        write_table(folder.solution, hidden)
    back_up_edited_manifest(folder, progress)
    save_manifest(folder, manifest, hints, evidence, progress)
    return manifest, scan


def _read_hidden_labels(manifest: Manifest, root: Path, ids: Sequence[str], evidence: Evidence) -> pd.DataFrame:
    """Return the table of hidden labels (id, label) of the photos that the sample submission of a folder asks for."""
    files = PhotoFiles.list_below(root).leave_out(manifest.leave_out)
    labels = find_hidden_labels(manifest, files)
    if not labels:
        return pd.DataFrame()
    asked = pd.DataFrame({"id": ids, "path": find_test_paths(manifest, files, ids)})
    hidden = asked[asked["path"].isin(labels)]
    _report_hidden_labels(manifest, hidden["path"], len(ids), evidence)
    return pd.DataFrame({"id": hidden["id"], "label": hidden["path"].map(labels)})


def _report_hidden_labels(manifest: Manifest, paths: pd.Series, count: int, evidence: Evidence) -> None:
    """Record that folders or names of classes give labels of the photos to predict."""
    if paths.empty:
        return
    folders = [folder for folder in manifest.test.folders if paths.str.startswith(folder + "/").any()]
    where = ", ".join(folders)
    rule = "their folders or names are those of classes; `ensembler score` uses them"
    evidence.add_finding("hidden labels", f"{len(paths)} of {count} photos to predict", where, rule)
    if len(paths) < count:
        evidence.doubt(
            f"Only {len(paths)} of the {count} photos to predict have hidden labels, those whose folders or names "
            f"are those of classes ({where}): `ensembler score` uses these."
        )


def hold_out_photos(
    manifest: Manifest, files: PhotoFiles, test_size: float, seed: int, progress: Progress
) -> tuple[pd.DataFrame, DuplicateScan]:
    """Choose the photos to predict, write a sample submission for them, and return their hidden labels."""
    train, test = manifest.train, manifest.test
    files = files.leave_out(manifest.leave_out).select_inside_any([*train.folders, *test.folders])
    inside = files.select_inside_any(test.folders).paths if test.folder != train.folder else ()
    scan = scan_duplicates(files.root, files.paths, frozenset(inside), progress, manifest.pixels)
    copies = group_copies(scan.photo_scan.digests, scan.pairs)
    ids, hidden = choose_test_photos(manifest, files, copies, test_size, seed)
    if manifest.is_orientation:
        ids, hidden = [row for photo in ids for row in name_rotations(photo)], rotate_rows(hidden)[["id", "label"]]
    answer = manifest.answer
    cell = 1 / len(manifest.classes) if answer.kind == "probabilities" else manifest.classes[0]
    cells = dict.fromkeys(answer.columns, cell)
    write_table(files.root / answer.sample, pd.DataFrame({answer.id_column: ids, **cells}))
    return hidden, scan


def are_photos_chosen(folder: CompetitionFolder) -> bool:
    """Return whether the manifest's sample submission exists. A manifest written by hand may lack one."""
    manifest = Manifest.load(folder.manifest)
    return (folder.root / manifest.photos / manifest.answer.sample).is_file()


def choose_photos(folder: CompetitionFolder, test_size: float, seed: int, progress: Progress) -> DuplicateScan:
    """Choose the photos to predict for a manifest written by hand, and write its sample submission."""
    manifest = Manifest.load(folder.manifest)
    files = PhotoFiles.list_below(folder.root / manifest.photos)
    hidden, scan = hold_out_photos(manifest, files, test_size, seed, progress)
    if not hidden.empty:
        write_table(folder.solution, hidden)
    return scan
