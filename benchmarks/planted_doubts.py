"""Planted faults in real photos, and how many of them ``ensembler check`` finds.

Photos of an archive are changed in a folder of their own, which is adopted and checked: files are cut off, replaced by
blank or tiny photos, turned, converted to other modes, and copied with changes. Labels are permuted to count false
alarms of leaks, and files of one class are compressed more to plant a leak. Prints a table for docs/checks.md::

    python benchmarks/planted_doubts.py shared/data/dogs-vs-cats-mini.zip
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ensembler.checks.association import format_area
from ensembler.checks.result import CheckResult, load_doubts
from ensembler.paths import Workspace
from ensembler.workflows.check import check
from ensembler.workflows.fetch.adopt import adopt

# Faults of each kind, spread over both classes.
FAULTS, COPIES, SEEDS = 20, 40, 20
Change = Callable[[Image.Image], Image.Image]


def compress(photo: Image.Image, quality: int = 30) -> Image.Image:
    """Return the photo after a strong compression."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def crop(photo: Image.Image, share: float) -> Image.Image:
    """Cut a share of each side off."""
    across, down = round(photo.width * share), round(photo.height * share)
    return photo.crop((across, down, photo.width - across, photo.height - down))


CHANGES: dict[str, Change] = {
    "compressed at quality 30": compress,
    "half the width and height": lambda photo: photo.resize((photo.width // 2, photo.height // 2)),
    "4 % cut from each side": lambda photo: crop(photo, 0.04),
    "mirrored": ImageOps.mirror,
    "mirrored, cut and compressed": lambda photo: compress(crop(ImageOps.mirror(photo), 0.03)),
    "brighter": lambda photo: photo.point(lambda level: min(255, round(1.1 * level + 8))),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "10 % cut from each side": lambda photo: crop(photo, 0.10),
}


def cut_off(path: Path, *, marked: bool) -> None:
    """Cut off a part of a JPEG, with or without a mark of its end."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 7 // 10] + (b"\xff\xd9" if marked else b""))


def change_file(path: Path, change: Change, **options: object) -> None:
    """Replace a photo by a changed one."""
    with Image.open(path) as photo:
        change(photo.convert("RGB")).save(path, **options)  # type: ignore[arg-type]


def turn(path: Path) -> None:
    """Store a photo turned, with the EXIF tag that turns it back."""
    exif = Image.Exif()
    exif[0x0112] = 6
    change_file(path, lambda photo: photo.rotate(90, expand=True), exif=exif)


FILES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "text in place of a JPEG": ("unreadable photo", lambda path: path.write_text("no photo")),
    "cut off": ("truncated photo", lambda path: cut_off(path, marked=False)),
    "cut off, with a marked end": ("truncated photo", lambda path: cut_off(path, marked=True)),
    "one colour": (
        "blank photo",
        lambda path: change_file(path, lambda photo: Image.new("RGB", photo.size, (12, 80, 40)), quality=80),
    ),
    "24 x 18 pixels": ("tiny photo", lambda path: change_file(path, lambda photo: photo.resize((24, 18)))),
    "four times as wide as high": ("odd size", lambda path: change_file(path, lambda photo: photo.resize((600, 100)))),
    "grey": ("odd mode", lambda path: change_file(path, lambda photo: photo.convert("L"))),
    "colours of print": ("odd mode", lambda path: change_file(path, lambda photo: photo.convert("CMYK"))),
    "turned with a tag": ("EXIF rotation", turn),
}


class Photos:
    """Photos of an archive, and of archives in it, in folders of classes."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self.folder = folder
        self._unpack(archive.read_bytes())
        self.train = sorted(folder.glob("train/*/*.jpg"))
        self.test = sorted(folder.glob("test/*.jpg"))

    def _unpack(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            for name in opened.namelist():
                if name.endswith(".zip"):
                    self._unpack(opened.read(name))
                elif name.endswith(".jpg"):
                    file = name.rpartition("/")[2]
                    label = file.partition(".")[0]
                    path = self.folder / ("test" if label.isdigit() else f"train/{label}") / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(opened.read(name))

    def examine(self, name: str, root: Path) -> tuple[CheckResult, dict[str, set[str]], float]:
        """Adopt and check the folder. Return the result, names of photos by kind of doubt, and seconds of the check."""
        workspace = Workspace(root / "data", root / "submissions")
        adopt(self.folder, name=name, workspace=workspace)
        began = time.monotonic()
        result = check(name, workspace=workspace)
        seconds = time.monotonic() - began
        kinds: dict[str, set[str]] = {}
        for doubt in load_doubts(workspace.competition(name)):
            kinds.setdefault(doubt.kind, set()).add(Path(doubt.path).name)
        return result, kinds, seconds


def tell(*cells: object) -> None:
    """Print a row of the table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def measure_files(archive: Path, root: Path) -> None:
    """Plant faults in files."""
    photos = Photos(archive, root / "files")
    _, before, seconds = photos.examine("as-is", root)
    chosen = np.random.default_rng(0).permutation(len(photos.train))
    planted = {}
    for number, (what, (_, plant)) in enumerate(FILES.items()):
        paths = [photos.train[row] for row in chosen[number * FAULTS : (number + 1) * FAULTS]]
        for path in paths:
            plant(path)
        planted[what] = {path.name for path in paths}
    _, kinds, _ = photos.examine("faults", root)
    print(f"\n{len(photos.train) + len(photos.test)} photos are checked in {seconds:.0f} s\n")
    tell("planted", "kind", "photos", "found", "false alarms")
    everything = set().union(*planted.values())
    for what, (kind, _) in FILES.items():
        found, others = kinds.get(kind, set()), before.get(kind, set())
        tell(what, kind, FAULTS, len(planted[what] & found), len(found - everything - others))


def measure_copies(archive: Path, root: Path) -> None:
    """Plant changed copies of training photos among others."""
    photos = Photos(archive, root / "copies")
    _, before, _ = photos.examine("as-is-copies", root)
    known = before.get("near-duplicates", set())
    chosen = [photos.train[row] for row in np.random.default_rng(1).permutation(len(photos.train))]
    pairs: dict[str, list[set[str]]] = {}
    for what, change in CHANGES.items():
        pairs[what] = []
        for number in range(COPIES):
            path = chosen.pop()
            other = path.with_name(f"{what.split()[0]}{len(pairs)}-{number}.jpg")
            with Image.open(path) as photo:
                change(photo.convert("RGB")).save(other, quality=90)
            pairs[what].append({path.name, other.name})
    result, kinds, _ = photos.examine("copies", root)
    found = kinds.get("near-duplicates", set()) | kinds.get("identical photos", set())
    planted = set().union(*(pair for each in pairs.values() for pair in each))
    print()
    tell("changed copies", "pairs", "found")
    for what, each in pairs.items():
        tell(what, COPIES, sum(pair <= found for pair in each))
    false = found - planted - known
    print(f"\nFalse alarms: {len(false)} of {len(found)} photos that are named as copies; {sorted(false)[:6]}")
    print(f"{result.duplicates.training} training photos show the same picture as others")


def measure_permuted(archive: Path, root: Path) -> None:
    """Permute labels, and count checks with a leak."""
    alarms, strongest = 0, []
    for seed in range(SEEDS):
        photos = Photos(archive, root / f"permuted-{seed}")
        random = np.random.default_rng(seed)
        for row, path in zip(random.permutation(len(photos.train)), photos.train, strict=True):
            name = ("cat", "dog")[int(row) % 2]
            path.rename(path.parent.parent / name / f"{row}x{seed}.jpg")
        result, _, _ = photos.examine(f"permuted-{seed}", root)
        alarms += any(finding.kind == "leak" for finding in result.findings)
        strongest.append(max(clue.area for clue in result.leaks))
        print(f"permuted {seed}: strongest AUC {strongest[-1]:.3f}", file=sys.stderr, flush=True)
    print(f"\nPermuted labels: {alarms} false alarms in {SEEDS} checks, strongest AUC {max(strongest):.3f}\n")


def scale(photo: Image.Image, share: float) -> Image.Image:
    """Return the photo with a share of its width and height."""
    return photo.resize((round(share * photo.width), round(share * photo.height)))


def measure_leaks(archive: Path, root: Path) -> None:
    """Save photos of dogs in another way than those of cats, and photos to predict darker than training photos."""
    # Quality and scale of the photos of dogs. Those of cats are saved at quality 95.
    plans = {
        "all saved at quality 95": (95, 1.0),
        "dogs saved at quality 93, cats at 95": (93, 1.0),
        "dogs scaled to 80 %": (95, 0.8),
        "dogs scaled to 60 %": (95, 0.6),
    }
    tell("planted", "strongest single clue", "AUC", "finding")
    for number, (what, (quality, share)) in enumerate(plans.items()):
        photos = Photos(archive, root / f"leak-{number}")
        for path in photos.train:
            is_dog = "dog" in path.name
            change_file(
                path,
                lambda photo, by=share if is_dog else 1.0: scale(photo, by),
                quality=quality if is_dog else 95,
            )
        result, _, _ = photos.examine(f"leak-{number}", root)
        clue = max((clue for clue in result.leaks if "all" not in clue.name), key=lambda clue: clue.area)
        tell(what, clue.name, format_area(clue), "yes" if clue.is_reported else "no")


def measure_shift(archive: Path, root: Path) -> None:
    """Save all photos again, those to predict darker."""
    tell("planted", "strongest clue", "AUC", "finding")
    for factor in (1, 0.97, 0.9, 0.8):
        photos = Photos(archive, root / f"darker-{factor}")
        for path in [*photos.train, *photos.test]:
            darker = factor if path in photos.test else 1
            change_file(path, lambda photo, by=darker: photo.point(lambda level: round(by * level)), quality=90)
        result, _, _ = photos.examine(f"darker-{factor}", root)
        clue = max(result.shift, key=lambda clue: clue.area)
        what = f"photos to predict {100 * (1 - factor):.0f} % darker"
        tell(what, clue.name, format_area(clue), "yes" if clue.is_reported else "no")


PARTS: dict[str, Callable[[Path, Path], None]] = {
    "files": measure_files,
    "copies": measure_copies,
    "permuted": measure_permuted,
    "leaks": measure_leaks,
    "shift": measure_shift,
}


def main() -> None:
    """Run all measurements, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--only", choices=list(PARTS), help="One of the measurements.")
    options = parser.parse_args()
    print(f"{os.cpu_count()} CPUs")
    for name, measure in PARTS.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as root:
                measure(options.archive, Path(root))


if __name__ == "__main__":
    main()
