"""Writes photos turned upright, as a stack of an orientation task predicts."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack, cast

from ..errors import BadChoice, format_count, format_first
from ..images.turning.tags import disagrees_with_pixels
from ..images.turning.turned_files import CannotTurn, read_photo_tag, turn_photo
from ..machine_limits import count_usable_processors
from ..options.arguments import Count, Paths, check_arguments
from ..options.declared import EngineOptions
from ..options.kinds import declare
from ..options.reading import ENGINE, read_options, show_options
from ..paths import DEFAULT_WORKSPACE, CompetitionLike, PathLike, Workspace, WorkspaceLike
from ..progress import SILENT, Progress
from ..serialization import compute_fingerprint, read_record, write_record
from ..stacking.card import read_card
from ..storage import compute_file_digest, write_bytes, write_file_atomically
from ..tables import Shown, Table
from .predict import Predictions, list_photo_files, locate_stack_file, predict

# Least probability at which a photo is turned.
DEFAULT_CONFIDENCE = 0.5
# Files of a run beside its photos.
CSV_FILE, RUN_FILE = "orientation.csv", "orientation.json"

Outcome = Literal["upright", "turned", "tag set", "unsure", "not turned"]
Confidence = Annotated[float, declare("PROBABILITY", ge=0, le=1)]


@dataclass(frozen=True)
class TurnedPhoto:
    """A photo and what was found of its orientation.

    Attributes
    ----------
    photo, turned
        Path of the photo, and of the file that was written.
    angle
        Degrees counter-clockwise by which the photo is rotated, as a viewer that follows EXIF shows it.
    confidence
        Probability of this angle.
    exif
        Orientation tag of the photo, from 1 to 8. None without one.
    disagrees
        Whether the stored pixels are upright, and only the tag turns them.
    outcome
        ``turned``, ``tag set``, or why the file is an exact copy: ``upright``, ``unsure``, or ``not turned``.
    reason
        Why the photo was not turned.
    """

    photo: Path
    turned: Path
    angle: int
    confidence: float
    exif: int | None
    disagrees: bool
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, repr=False)
class TurnedPhotos(Shown):
    """Photos that were turned upright.

    Attributes
    ----------
    stack
        Name of the stack.
    output
        Folder of the turned photos.
    photos
        Result for each photo.
    unreadable
        Paths of the photos that could not be decoded, and were not written.
    """

    stack: str
    output: Path
    photos: tuple[TurnedPhoto, ...]
    unreadable: tuple[Path, ...]

    def build_table(self) -> Table:
        """Return the number of photos of each outcome, with those that need a look below."""
        counts = Counter(photo.outcome for photo in self.photos)
        rows = [[outcome, f"{count}"] for outcome, count in counts.most_common()]
        return Table(["outcome", "photos"], rows, notes=list(self._list_notes()))

    def _list_notes(self) -> Iterator[str]:
        unsure = [str(photo.photo) for photo in self.photos if photo.outcome == "unsure"]
        if unsure:
            yield f"unsure, copied as they are: {format_first(unsure)}"
        for photo in self.photos:
            if photo.outcome == "not turned":
                yield f"not turned: {photo.photo}: {photo.reason}"
        disagreeing = [f"{photo.photo} (tag {photo.exif})" for photo in self.photos if photo.disagrees]
        if disagreeing:
            yield (
                f"the EXIF tag of {format_count(disagreeing, 'photo')} disagrees with upright pixels: "
                f"{format_first(disagreeing)}"
            )
        yield from (f"unreadable: {path}" for path in self.unreadable)
        yield f"angles and confidences: {self.output / CSV_FILE}"

    def to_csv(self) -> str:
        """Return a CSV with a row for each photo."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["photo", "turned", "angle", "confidence", "exif", "disagrees", "outcome", "reason"])
        for photo in self.photos:
            cells = asdict(photo) | {
                "confidence": f"{photo.confidence:.6f}",
                "exif": "" if photo.exif is None else photo.exif,
                "disagrees": "yes" if photo.disagrees else "",
            }
            writer.writerow(cells.values())
        return buffer.getvalue()

    def to_json(self) -> dict[str, Any]:
        """Return the results as plain data for JSON."""
        photos = [asdict(each) | {"photo": str(each.photo), "turned": str(each.turned)} for each in self.photos]
        return {
            "stack": self.stack,
            "output": str(self.output),
            "photos": photos,
            "unreadable": [str(path) for path in self.unreadable],
        }


@dataclass(frozen=True)
class _Run:
    """Everything that the files of a run depend on, as a hash. A run of the same hash continues it."""

    fingerprint: str = ""


@show_options(ENGINE)
@check_arguments
def turn_photos(
    photos: Paths,
    output: PathLike,
    *,
    stack: PathLike | None = None,
    exif: bool = False,
    confidence: Confidence = DEFAULT_CONFIDENCE,
    competition: CompetitionLike | None = None,
    batch_size: Count = 32,
    workspace: WorkspaceLike = DEFAULT_WORKSPACE,
    progress: Progress = SILENT,
    **options: Unpack[EngineOptions],
) -> TurnedPhotos:
    """Write photos turned upright into another folder. The originals stay as they are.

    A JPEG is encoded again with its own quantization tables, and other formats without loss. A photo that is upright,
    or of which the stack is unsure, is copied byte by byte. An interrupted call can be repeated.

    Parameters
    ----------
    photos
        Files, and folders whose photos at any depth are turned. The structure of a folder is kept.
    output
        Folder to write to. It may contain only what the same call wrote before. ``orientation.csv`` in it lists the
        photos, with angle, confidence and EXIF tag.
    stack
        Name of a stack of an orientation task, or path of its ``stack.keras``. None uses the stack built last.
    exif
        Whether to turn JPEGs by their EXIF tag alone, without loss.
    confidence
        Least probability at which a photo is turned, from 0 to 1.
    competition
        Name of the competition of the stack. None uses the one last fetched or adopted. A path ignores it.
    batch_size
        Number of photos in a batch.
    **options
        Options of the engine (:class:`ensembler.EngineOptions`).

    Raises
    ------
    BadChoice
        If the stack or a photo does not exist, the stack does not predict orientations, the folder contains other
        files, or two photos would have the same name in it.
    BadData, Mismatch
        As for :func:`ensembler.predict`.
    StorageError
        If the folder cannot be written to.

    Examples
    --------
    >>> found = ensembler.turn_photos("scans", "upright", stack="orientation/stack.keras")  # doctest: +SKIP
    >>> found.photos[0].angle, found.photos[0].outcome  # doctest: +SKIP
    (90, 'turned')
    """
    engine_options = cast(EngineOptions, read_options(options, known=ENGINE))
    model = locate_stack_file(stack, competition, Workspace.read(workspace))
    _require_orientation(model)
    named = [Path(path) for path in ([photos] if isinstance(photos, str | os.PathLike) else photos)]
    folder = Path(output)
    _refuse_inside(folder, named)
    # A photo that is named twice is written once.
    files = list(dict.fromkeys(list_photo_files(named)))
    places = _place_photos(files, named, folder)
    _claim_folder(folder, places, [compute_file_digest(model), exif, confidence])
    predicted = predict(
        files, stack=model, batch_size=batch_size, workspace=workspace, progress=progress, **engine_options
    )
    found = _turn_all(predicted, places, progress, by_tag=exif, least=confidence)
    result = TurnedPhotos(predicted.stack, folder, found, predicted.unreadable)
    # File names may contain bytes that are not valid UTF-8.
    write_bytes(folder / CSV_FILE, result.to_csv().encode("utf-8", "surrogateescape"))
    return result


def _require_orientation(model: Path) -> None:
    card = read_card(model)
    if not card.is_orientation:
        raise BadChoice(
            f"{model} predicts {format_first(card.classes)}, not orientations: pass the stack of a competition made by "
            "`ensembler adopt FOLDER --task orientation`."
        )


def _refuse_inside(folder: Path, named: Sequence[Path]) -> None:
    for path in named:
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise BadChoice(f"{folder} is inside {path}, whose photos are turned: choose a folder elsewhere.")


def _place_photos(photos: Sequence[Path], named: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return the file to write for each photo. Several named folders keep their own names."""
    folders = [path for path in named if path.is_dir()]
    places: dict[Path, Path] = {}
    owners: dict[Path, Path] = {}
    for photo in dict.fromkeys(photos):
        base = next((path for path in folders if photo.is_relative_to(path)), None)
        below = photo.name if base is None else photo.relative_to(base)
        place = folder / base.resolve().name / below if base and len(folders) > 1 else folder / below
        if place in owners:
            raise BadChoice(f"{owners[place]} and {photo} would both be written as {place}: turn them one by one.")
        owners[place] = photo
        places[photo] = place
    return places


def _claim_folder(folder: Path, places: dict[Path, Path], settings: list[Any]) -> None:
    """Record the run in its folder.

    Raises
    ------
    BadChoice
        If files exist that another run wrote, or no run.
    """
    sources = [[ascii(str(path.absolute())), path.stat().st_size, path.stat().st_mtime_ns] for path in places]
    run, record = _Run(compute_fingerprint([*settings, sources])), folder / RUN_FILE
    before = read_record(record, _Run) if record.is_file() else _Run()
    existing = [str(path) for path in (*places.values(), folder / CSV_FILE, record) if path.exists()]
    # The record alone is left by a call that ended before it wrote a photo.
    if existing and before != run and list(folder.iterdir()) != [record]:
        raise BadChoice(
            f"{folder} contains {format_first(existing)}, which this call did not write: choose another folder, or "
            "move the files away."
        )
    write_record(record, run)


def _turn_all(
    predicted: Predictions, places: dict[Path, Path], progress: Progress, *, by_tag: bool, least: float
) -> tuple[TurnedPhoto, ...]:
    """Write all photos on all processors."""
    turn = partial(_turn, by_tag=by_tag, least=least)
    targets = [places[photo] for photo in predicted.photos]
    angles = [int(predicted.outputs[place]) for place in predicted.probabilities.argmax(axis=1)]
    with ThreadPoolExecutor(count_usable_processors()) as pool:
        turned = pool.map(turn, predicted.photos, targets, angles, predicted.probabilities.max(axis=1).tolist())
        try:
            return tuple(progress.track(turned, "turn photos", len(targets), "photos"))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _turn(path: Path, to: Path, angle: int, probability: float, *, by_tag: bool, least: float) -> TurnedPhoto:
    """Write one photo."""
    tag = read_photo_tag(path)
    is_sure = probability >= least
    outcome: Outcome = "upright" if angle == 0 else "turned"
    reason = ""
    if not is_sure:
        outcome = "unsure"
    elif angle:
        try:
            outcome = "tag set" if turn_photo(path, to, angle, by_tag=by_tag) else "turned"
        except CannotTurn as error:
            outcome, reason = "not turned", str(error)
    if outcome not in ("turned", "tag set"):
        with write_file_atomically(to) as temporary:
            shutil.copyfile(path, temporary)
    disagrees = is_sure and disagrees_with_pixels(tag, angle)
    return TurnedPhoto(path, to, angle, round(probability, 6), tag, disagrees, outcome, reason)
