"""Verdicts on inputs as people have them: generators of files, each fetched or adopted, compared with what is right.

The generators are scripts in a folder of their own, called as ``GENERATOR.py FOLDER KIND...``. Each writes
``FOLDER/files`` and ``FOLDER/input.zip``. The class of each photo shows in its colours, so that wrong labels are found.
Pixels, weights and classes by the thousand need trainings and are measured elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import runpy
import shutil
import sys
import tempfile
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from PIL import Image

from ensembler.cli.main import main as run_ensembler

HUES = np.array(
    [(200, 60, 50), (50, 90, 200), (60, 180, 70), (200, 180, 40), (160, 60, 190), (40, 180, 190), (120, 120, 120)]
)


@dataclass(frozen=True)
class Expected:
    """What is right for a kind: numbers of photos, classes, and words that the output must contain.

    ``refused`` is the pattern of the only right error. ``train`` and ``test`` of -1 are not compared.
    """

    train: int = -1
    test: int = -1
    missing: int = 0
    classes: tuple[str, ...] = ()
    task: str = ""
    says: tuple[str, ...] = ()
    refused: str = ""
    options: tuple[str, ...] = ()
    adopt: bool = False
    check_colours: bool = True


@dataclass(frozen=True)
class Case:
    """One kind of a generator."""

    generator: str
    kinds: tuple[str, ...]
    expected: Expected

    @property
    def name(self) -> str:
        """Generator and kinds."""
        return " ".join((self.generator, *self.kinds))


def list_cases() -> Iterator[Case]:
    """Yield all cases with what is right."""

    def make(generator: str, kinds: str, **expected: Any) -> Iterator[Case]:
        for kind in kinds.split("/"):
            yield Case(generator, tuple(kind.split()), Expected(**expected))

    food = ("apple_pie", "bibimbap", "crème brûlée")
    tables: dict[str, Any] = {"train": 60, "test": 9, "classes": food, "task": "multiclass"}
    yield from make("csv_dialects", "semicolon/space/tab/cp1252/utf16/crlf/index/trailing", **tables)
    yield from make("csv_dialects", "samplespace/semisample/spaceboth/sampleindex/food101", **tables)
    tags = ("Atelectasis", "Effusion", "Mass", "Nodule")
    for kind in ("pipe", "comma", "commaspace", "semi", "list", "space", "spacedup"):
        for shape in ("tags", "columns"):
            common: dict[str, Any] = {"train": 72, "test": 12, "classes": tags, "task": "multilabel"}
            yield from make("multilabel", f"{kind} {shape}", **common, check_colours=False)
    yield from make(
        "alpha_png", "rgba/la/palette", adopt=True, train=58, says=("alpha|transparen",), check_colours=False
    )
    deep: dict[str, Any] = {"adopt": True, "train": 96, "check_colours": False}
    yield from make("deep_pixels", "8/16", **deep)
    yield from make("deep_pixels", "12in16", **deep, says=("4095",))
    yield from make("deep_pixels", "10in16", **deep, says=("1023",))
    yield from make("deep_pixels", "float01/int32/rgb16tiff/bands4", **deep)
    yield from make("kinds", "", adopt=True, refused="no labels|neither", check_colours=False)
    street = ("stop", "yield")
    yield from make("suffixes", "ppm/testjfif/nosuffix", train=60, test=10, classes=street)
    yield from make("suffixes", "mixed", train=50, test=10, classes=street, says=("HEIC", "10"))
    yield from make("suffixes", "heicasjpg", train=54, test=10, classes=street, says=("HEIC", "6"))
    yield from make("sets", "flowers", adopt=True, train=84, test=15, classes=("1", "2", "10"), says=("valid",))
    cars = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Ram C-V Cargo Van Minivan 2012")
    yield from make(
        "sets", "cars", adopt=True, train=60, test=18, classes=cars, says=("anno_train.csv", "anno_test.csv")
    )
    yield from make("sets", "val", adopt=True, classes=("nok", "ok"), says=("val",))
    yield from make("sets", "splits", adopt=True, train=40, test=18, classes=("sea", "street"), says=("12 of the 18",))
    yield from make("sets", "dev", adopt=True, train=52, test=10, classes=("a", "b"), says=("Validation",))
    yield from make("sets", "notrain", adopt=True, train=30, test=10, classes=("a", "b"))
    yield from make("doubled", "train/seg/fruits/images/deep", train=40, test=8, classes=("sea", "street"))
    yield from make("nested_zip", "named/bare", train=40, test=8, classes=("sea", "street"))
    yield from make("deeper_classes", "idc", adopt=True, classes=("0", "1"), task="binary")
    yield from make("deeper_classes", "some", adopt=True, classes=("cat", "dog"))
    yield from make("deeper_classes", "hier", adopt=True, classes=("Apple", "Kale", "Leek", "Pear"))
    ab: dict[str, Any] = {"train": 60, "test": 9, "classes": ("a", "b")}
    yield from make("paths", "plain/backslash/dotslash/absolute/ext/jpegjpg/padded/case/float/rel", **ab)
    yield from make("paths", "backslash plainsample/absolute plainsample/dotslash plainsample/dupname", **ab)
    yield from make("paths", "missing", refused="7777.*nearest|7777.*incomplete-photos")
    yield from make("paths", "missing ", **ab, options=("--incomplete-photos",), says=("7777",))
    yield from make("paths", "subset", refused="no label for 30")
    yield from make("paths", "subset ", train=30, test=9, options=("--incomplete-labels",))
    ids: dict[str, Any] = {"train": 40, "test": 8, "classes": ("a", "b")}
    yield from make("ids_in_folders", "one/same/nested", **ids)
    yield from make("ids_in_folders", "relfolder", train=80, test=16, classes=("a", "b"))
    yield from make("ids_in_folders", "many/channels", refused="one\\s+row per photo")
    abc: dict[str, Any] = {"test": 9, "classes": ("a", "b", "c")}
    yield from make("duplicates", "same", **abc, train=72, says=("5",))
    yield from make("duplicates", "conflict", refused="p0000.*--conflicting-labels|--conflicting-labels.*p0000")
    yield from make("duplicates", "conflict ", **abc, train=70, options=("--conflicting-labels",), says=("p0000",))
    yield from make("duplicates", "long", **abc, train=72, task="multilabel", check_colours=False, says=("rows",))
    yield from make("duplicates", "copies", **abc, train=76, check_colours=False, says=("different labels",))
    yield from make("duplicates", "sampletwice", refused="more than once")
    cook = ("crème brûlée", "häagen", "jalapeño")
    for shape in ("columns", "label"):
        forms = "/".join(f"{form} {shape}" for form in ("nfd", "nfdcsv", "cp850", "utf8noflag"))
        yield from make("names_in_zip", forms, train=60, test=9, classes=cook)
        yield from make("names_in_zip", f"gbk {shape}", train=60, test=9, classes=("楷书", "草书", "行书"))
    yield from make("label_spelling", "case", adopt=True, says=("Cat", "cat"), classes=("Cat", "cat", "dog"))
    yield from make("label_spelling", "floats", adopt=True, says=("0.0",))
    yield from make("label_spelling", "nan", adopt=True, refused="empty")
    rare = ("s000", "s001", "s002")
    yield from make(
        "rare_classes", "one", train=77, test=9, classes=(*rare, "s003", "s004"), says=("s003", "one photo")
    )
    yield from make("rare_classes", "two", train=79, test=9, classes=(*rare, "s003", "s004"))
    yield from make("rare_classes", "absent", train=75, test=9, classes=(*rare, "s900"), says=("s900",))
    yield from make("rare_classes", "extra", refused="s003")
    yield from make("rare_classes", "allone", train=135, test=9, says=("one photo",))
    gender: dict[str, Any] = {"train": 60, "classes": ("0", "1")}
    yield from make("samples", "agegender", refused="Several files may be the sample")
    yield from make("samples", "agegender ", **gender, test=12, options=("--sample", "sample_submission_gender.csv"))
    yield from make("samples", "stages", **gender, test=6, says=("stage2_sample_submission.csv", "stage1"))
    yield from make("samples", "gz/named/format", **gender, test=12)
    yield from make("samples", "subsample", **gender, test=12, says=("train_subsample.csv",))
    yield from make("samples", "stale", **gender, test=8, says=("4 ",))
    yield from make("samples", "stalemore", **gender, test=14, missing=2, says=("2 ", "missing"))
    yield from make("subsample", "", train=60, test=12, classes=("0", "1"))
    trees = ("ash", "birch", "cedar")
    yield from make("label_files", "jsonmap/tsv/jsonl/csvtxt/headerless", train=60, test=9, classes=trees)
    yield from make("label_files", "coco", train=60, test=9, classes=("0", "1", "2"))
    yield from make("label_files", "txt", refused="classes")
    yield from make("label_files", "parquet/xlsx", refused="parquet|xlsx")
    insects: dict[str, Any] = {"train": 40, "test": 6, "classes": ("ant", "bee")}
    yield from make("junk", "mac/jupyter/windows/eadir/copies/lock/emptyclass/docscsv", **insects)
    yield from make("junk", "stray", **insects, says=("overview.jpg",))
    yield from make("junk", "readme", **insects, says=("banner.png",))
    odd = ("NA", "Cat, domestic", "1e5", 'Dog "hot"')
    yield from make("odd_ids", "", train=60, test=12, classes=odd)


def judge(case: Case, cases: Path, work: Path) -> tuple[str, str]:
    """Return ``right`` or the first difference, and the output."""
    top = Path(tempfile.mkdtemp(dir=work))
    run_quietly(top, [str(top), *case.kinds], lambda: run_generator(cases / f"{case.generator}.py"))
    expected, workspace = case.expected, top / "work"
    workspace.mkdir()
    made = ["adopt", str(top / "files"), "--name", "own"]
    if not expected.adopt:
        made = ["fetch", "own", "--archive", str(top / "input.zip")]
    code, output = run_quietly(workspace, [*made, *expected.options], run_ensembler)
    verdict = compare(expected, workspace / "data" / "own", code, output)
    shutil.rmtree(top)
    return verdict, output


def run_generator(path: Path) -> None:
    """Run a generator, which imports a module beside it."""
    sys.path.insert(0, str(path.parent))
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.path.remove(str(path.parent))


def run_quietly(folder: Path, arguments: list[str], run: Callable[[], object]) -> tuple[int, str]:
    """Call a function as a command with ``arguments`` in ``folder``, and return exit code and output."""
    output, code = io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", ["ensembler", *arguments]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        try:
            run()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except Exception:  # noqa: BLE001 - a bug is one verdict of many
            code = 1
            traceback.print_exc()
    return code, output.getvalue()


def compare(expected: Expected, folder: Path, code: int, output: str) -> str:
    """Return ``right``, or the first difference between a competition and what is right."""
    flat = " ".join(output.split())
    if "Traceback" in output:
        return f"a traceback: {flat[-300:]}"
    if expected.refused:
        fits = code and re.search(expected.refused, flat)
        return "right" if fits else f"{'another refusal' if code else 'not refused'}: {flat[-400:]}"
    if code:
        return f"refused: {flat[-400:]}"
    manifest = tomllib.loads((folder / "competition.toml").read_text())
    train, test = (pd.read_csv(folder / f"{one}.csv", dtype=str, keep_default_na=False) for one in ("train", "test"))
    if (classes := set(manifest["classes"])) != set(expected.classes or classes):
        return f"classes {manifest['classes']}"
    if expected.task and manifest["task"] != expected.task:
        return f"task {manifest['task']}"
    if expected.train not in (-1, len(train)):
        return f"{len(train)} training photos instead of {expected.train}"
    if expected.test not in (-1, len(test)):
        return f"{len(test)} test photos instead of {expected.test}"
    if (missing := int((test["path"] == "").sum())) != expected.missing:
        return f"{missing} test photos are missing instead of {expected.missing}"
    root = folder / manifest["photos"]
    if expected.check_colours and (wrong := count_wrong_colours(root, train)):
        return f"{wrong} wrong labels"
    if missing := [words for words in expected.says if not re.search(words, flat)]:
        return f"does not say {missing[0]!r}: {flat[-500:]}"
    return "right"


def count_wrong_colours(root: Path, train: pd.DataFrame) -> int:
    """Count the photos whose colours differ from those of most photos with the same label."""
    hues = {}
    for path in train["path"]:
        mean = np.asarray(Image.open(root / path).convert("RGB")).mean(axis=(0, 1))
        hues[path] = int(np.abs(HUES - mean).sum(axis=1).argmin())
    wrong = 0
    for _, paths in train.groupby("label")["path"]:
        (_, most), *_ = Counter(hues[path] for path in paths).most_common(1)
        wrong += len(paths) - most
    # The random colours of a few photos lie between two classes.
    return wrong if wrong > 0.05 * len(train) else 0


def main() -> None:
    """Print a line per case, and their count by verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folder of the generators")
    parser.add_argument("generators", nargs="*", help="names of generators; all by default")
    parser.add_argument("--kind", help="only this kind")
    parser.add_argument("--verbose", action="store_true", help="print the output of each case")
    options = parser.parse_args()
    chosen = [case for case in list_cases() if not options.generators or case.generator in options.generators]
    chosen = [case for case in chosen if options.kind is None or options.kind in case.kinds]
    right = 0
    with tempfile.TemporaryDirectory() as work:
        for case in chosen:
            verdict, output = judge(case, options.cases.absolute(), Path(work))
            right += verdict == "right"
            print(f"{case.name:<34} {verdict[:600]}", flush=True)
            if options.verbose:
                print(output)
    print(f"{right} right of {len(chosen)}")


if __name__ == "__main__":
    main()
