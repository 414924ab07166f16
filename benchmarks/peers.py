"""Time from a competition's zip to a submission, compared with other methods.

All methods use the same machine, photos and weights, in one run, one after the other in separate processes:

- floor: each photo is decoded once, and passes once through each bare network;
- ``fetch``, ``train-members`` (frozen, ``--preset quick``) and ``stack`` in an empty workspace;
- plain Keras script: ``image_dataset_from_directory``, a frozen base, and a head trained by ``fit`` on four fifths;
- the articles' method with today's Keras: photos are read one by one in Python at 224 x 224 pixels and divided by 255.
  Every member is fine-tuned completely with Adam at 1e-4 and batches of 32. Then the members are frozen and joined
  below dense layers of 32, 8 and 1 units, which are trained for as many epochs. Because this takes most of an hour,
  some steps of each kind are timed and the total is extrapolated.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

BUILDERS = {"mobilenetv2": "MobileNetV2", "mobilenet": "MobileNet"}
BATCH, SIZE, EPOCHS, STEPS = 32, 224, 5, 4


def photos_of(data: Path, name: str | None = None) -> tuple[list[Path], np.ndarray, list[Path]]:
    """Return paths and labels of the labelled photos, and paths of the photos to predict."""
    from ensembler.competition.tables import load_tables
    from ensembler.paths import Workspace

    folder = name or next(data.glob("*/competition.toml")).parent.name
    tables = load_tables(Workspace(data, data / "submissions").competition(folder))
    return tables.train_paths, tables.targets[:, 0], tables.test_paths


def enlarged(archive: Path, copies: int, work: Path) -> Path:
    """Make a zip with several copies of each photo, which are cropped and brightened differently."""
    from PIL import Image, ImageEnhance

    from ensembler.paths import Workspace
    from ensembler.workflows.fetch.fetch import fetch

    once = Workspace(work / "once", work / "once-submissions")
    fetch(archive.stem, archive=archive, workspace=once)
    root = once.competition(archive.stem).extracted
    train, _, test = photos_of(work / "once", archive.stem)
    made = work / f"{archive.stem}.zip"
    rows, names = [], []
    with zipfile.ZipFile(made, "w") as together:
        for number, path in enumerate(train + test):
            for copy in range(copies):
                photo = Image.open(path).convert("RGB")
                width, height = photo.size
                photo = photo.crop((copy, copy, width - 3 * copy, height - 2 * copy))
                photo = ImageEnhance.Brightness(photo).enhance(1 + 0.04 * copy)
                content = io.BytesIO()
                photo.save(content, "JPEG", quality=90)
                labelled = number < len(train)
                kind = "train/" + path.name.split(".")[0] + "." if labelled else "test/"
                rows.append(f"{kind}{number * copies + copy}.jpg")
                together.writestr(rows[-1], content.getvalue())
                if not labelled:
                    names.append(str(number * copies + copy))
        header = next(root.rglob("sample_submission.csv")).read_text().splitlines()[0]
        together.writestr("sample_submission.csv", "\n".join([header, *(f"{name},0.5" for name in names)]) + "\n")
    return made


def one_by_one(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE)), np.float32) / 255


def base(name: str, weights: Path) -> Any:
    import keras

    build = getattr(keras.applications, BUILDERS[name])
    return build(input_shape=(SIZE, SIZE, 3), include_top=False, weights=str(weights / f"{name}.weights.h5"))


def floor(work: Path, weights: Path, names: list[str]) -> dict[str, Any]:
    """Return the seconds of decoding all photos, and of the bare networks."""
    from ensembler.images.batches import iterate_pixel_batches
    from ensembler.images.photo_source import FilePhotos

    train, _, test = photos_of(work / "data")
    paths = train + test
    began = time.perf_counter()
    batches = list(iterate_pixel_batches(FilePhotos(paths, SIZE), BATCH))
    told: dict[str, Any] = {"decode": time.perf_counter() - began}
    for name in names:
        network = base(name, weights)
        network.predict_on_batch(batches[0])
        began = time.perf_counter()
        for batch in batches[:-1]:
            network.predict_on_batch(batch)
        told[name] = (time.perf_counter() - began) * len(paths) / (BATCH * (len(batches) - 1))
    return told


def articles(work: Path, weights: Path, names: list[str]) -> dict[str, Any]:
    """Return the seconds of the articles' method, extrapolated from some steps of each kind."""
    import keras

    train, labels, test = photos_of(work / "data")
    learned = len(train) * 4 // 5
    each, held_out = math.ceil(learned / BATCH), math.ceil((len(train) - learned) / BATCH)
    began = time.perf_counter()
    photos = np.stack([one_by_one(path) for path in train[: 4 * BATCH]])
    reading = (time.perf_counter() - began) / (4 * BATCH) * (len(train) + len(test))
    members, told = [], {"reading": reading}
    for name in names:
        head = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([base(name, weights), keras.layers.GlobalAveragePooling2D(), head])
        model.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy", metrics=["accuracy"])
        step = _seconds(lambda model=model: model.train_on_batch(photos[:BATCH], labels[:BATCH]))
        look = _seconds(lambda model=model: model.predict_on_batch(photos[:BATCH]))
        told[name] = EPOCHS * (each * step + held_out * look)
        model.trainable = False
        members.append(model)
    inputs = [keras.Input((SIZE, SIZE, 3)) for _ in members]
    flow = keras.layers.Concatenate()([member(one) for member, one in zip(members, inputs, strict=True)])
    for units in (32, 8):
        flow = keras.layers.Dense(units, activation="relu")(flow)
    ensemble = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(flow))
    ensemble.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    copies = [photos[:BATCH]] * len(members)
    step = _seconds(lambda: ensemble.train_on_batch(copies, labels[:BATCH]))
    look = _seconds(lambda: ensemble.predict_on_batch(copies))
    told["ensemble"] = EPOCHS * (each * step + held_out * look) + math.ceil(len(test) / BATCH) * look
    return told


def _seconds(step: Any) -> float:
    step()
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    return (time.perf_counter() - began) / STEPS


def plain(work: Path, weights: Path, names: list[str]) -> dict[str, Any]:
    """Return the seconds of a plain Keras script for each network, and its log loss on a fifth of the photos."""
    import keras

    train, labels, test = photos_of(work / "data")
    root = work / "by-class"
    for path, label in zip(train, labels, strict=True):
        place = root / str(int(label))
        place.mkdir(parents=True, exist_ok=True)
        if not (place / path.name).exists():
            (place / path.name).symlink_to(path.absolute())
    told: dict[str, Any] = {}
    answers = []
    for name in names:
        began = time.perf_counter()
        parts = [
            keras.utils.image_dataset_from_directory(
                root,
                image_size=(SIZE, SIZE),
                validation_split=0.2,
                subset=part,
                seed=0,
                label_mode="binary",
                verbose=False,
            )
            for part in ("training", "validation")
        ]
        network = base(name, weights)
        network.trainable = False
        pixels = keras.Input((SIZE, SIZE, 3))
        flow = network(keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels), training=False)
        flow = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(flow))
        model = keras.Model(pixels, keras.layers.Dense(1, activation="sigmoid")(flow))
        model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
        fitted = model.fit(parts[0], validation_data=parts[1], epochs=EPOCHS, verbose=0)
        read = np.stack([one_by_one(path) * 255 for path in test])
        answers.append(model.predict(read, verbose=0))
        told[name] = time.perf_counter() - began
        told[f"{name} log loss"] = min(fitted.history["val_loss"])
    np.savetxt(work / "plain.csv", np.mean(answers, axis=0))
    return told


def ours(work: Path, archive: Path, weights: Path, names: list[str]) -> dict[str, Any]:
    """Return the seconds of each command, and the stack's log loss."""
    start = [
        sys.executable,
        "-m",
        "ensembler",
        "--data",
        str(work / "data"),
        "--submissions",
        str(work / "submissions"),
    ]
    members = ["--members", ",".join(names)]
    commands = {
        "fetch": ["fetch", archive.stem, "--archive", str(archive)],
        "train-members": ["train-members", *members, "--weights", str(weights), "--preset", "quick"],
        "stack": ["stack", "--json"],
    }
    told: dict[str, Any] = {}
    for name, words in commands.items():
        began = time.perf_counter()
        done = subprocess.run([*start, *words], check=True, capture_output=True, text=True)
        told[name] = time.perf_counter() - began
    figures = json.loads(done.stdout)
    told["log loss"], told["error"] = figures["log_loss"], figures["log_loss_error"]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="zip of a binary competition, named after its slug")
    parser.add_argument("weights", type=Path, help="folder of NAME.weights.h5")
    parser.add_argument("--work", type=Path, required=True, help="new folder")
    parser.add_argument("--members", default=",".join(BUILDERS))
    parser.add_argument("--copies", type=int, default=1, help="copies of each photo, for a larger competition")
    parser.add_argument("--against", default="floor,plain,articles", help="methods to compare with")
    parser.add_argument("--part", choices=["floor", "plain", "articles"], help=argparse.SUPPRESS)
    told = parser.parse_args()
    names = told.members.split(",")
    if told.part:
        parts = {"floor": floor, "plain": plain, "articles": articles}
        print(json.dumps(parts[told.part](told.work, told.weights, names)))
        return
    archive = told.archive if told.copies == 1 else enlarged(told.archive, told.copies, told.work)
    own = ours(told.work, archive, told.weights, names)
    found: dict[str, dict[str, Any]] = {}
    places = [str(told.archive), str(told.weights), "--work", str(told.work)]
    for part in told.against.split(","):
        # oneDNN is enabled for all, as in this package.
        done = subprocess.run(
            [sys.executable, __file__, *places, "--part", part, "--members", told.members],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        found[part] = json.loads(done.stdout.splitlines()[-1])
    _show(names, own, found)


def _show(names: list[str], own: dict[str, Any], found: dict[str, Any]) -> None:
    bottom = sum(found["floor"][name] for name in names)
    total = own["fetch"] + own["train-members"] + own["stack"]
    lines = [
        (f"floor: bare passes of {' and '.join(names)}", bottom, ""),
        ("decoding alone, in threads", found["floor"]["decode"], ""),
        *((f"`{command}`", own[command], "") for command in ("fetch", "train-members", "stack")),
        ("**fetch to CSV**", total, f"{own['log loss']:.4f} ± {own['error']:.4f} out of fold"),
    ]
    if "plain" in found:
        scripts = ", ".join(f"{found['plain'][f'{name} log loss']:.4f}" for name in names)
        by_script = sum(found["plain"][name] for name in names)
        lines.append((f"plain Keras script, {EPOCHS} epochs", by_script, f"{scripts}, each network on a fifth"))
    if "articles" in found:
        by_articles = sum(found["articles"].values())
        lines.append((f"articles' method, {EPOCHS} epochs, extrapolated", by_articles, "not measured"))
    print("| | seconds | times the floor | log loss |")
    print("|---|---:|---:|---|")
    for name, seconds, loss in lines:
        print(f"| {name} | {seconds:.1f} | {seconds / bottom:.2f} | {loss} |")


if __name__ == "__main__":
    main()
