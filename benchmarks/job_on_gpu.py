"""The parts of ``gpu_job.py``, each a command or a process, and the results that are kept."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from gpu import child
from gpu_job_events import Line, find_settings, list_job_members, read_lines, sum_compile_seconds, summarize
from gpu_job_photos import GROUP_COLUMN, GROUPS, make_photos
from gpu_samples import sample_gpu
from paired_results import Results
from timed_work import Clock, run_in_time

MEMBERS = "b0,mobilenetv2,convnextt,v2s"
NAME = "gpu-job"
# Network on photos in the device's memory: epochs, the first of which compiles, and the most steps of an epoch.
RESIDENT_EPOCHS, RESIDENT_STEPS = 4, 200
HERE = Path(__file__).parent
# Less time than any part needs.
SECONDS_OF_A_PART = 30.0


class JobOnGpu:
    """A job in a folder, done in parts by :meth:`run`.

    Parameters
    ----------
    arguments, options
        Options of the script, and those that are passed to train-members.
    environment
        Environment of the processes.
    """

    def __init__(
        self, arguments: argparse.Namespace, options: Sequence[str], clock: Clock, environment: Mapping[str, str]
    ) -> None:
        self.arguments = arguments
        self.options = list(options)
        self.clock = clock
        self.work: Path = arguments.work.absolute()
        # One device, also where there are several: the figures are those of one.
        self.device = environment.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
        self.environment = {**environment, "CUDA_VISIBLE_DEVICES": self.device, "JAX_LOG_COMPILES": "1"}
        self.results = Results(self.work / "results.jsonl")
        self.members: list[str] = arguments.members.split(",")
        self.kinds = [
            (augmentation, source)
            for source in sorted(arguments.sources.split(","))
            for augmentation in arguments.augmentations.split(",")
        ]
        self._check_folder()

    @cached_property
    def facts(self) -> dict[str, str]:
        """Device, backend and versions."""
        log = self.work / "logs" / "device.log"
        *lines, end = child(None, log, self.environment)
        if not lines:
            sys.exit(f"Keras did not start (exit code {end['code']}):\n{log.read_text('utf-8')[-2000:]}")
        return dict(lines[0])

    @property
    def competition(self) -> Path:
        """Folder of the competition."""
        return self.work / "data" / NAME

    def _check_folder(self) -> None:
        """Refuse a folder of other photos or options, whose results would be mixed in."""
        names = ("photos", "members", "epochs", "precision", "weights")
        asked = {**{name: str(getattr(self.arguments, name)) for name in names}, "options": self.options}
        path = self.work / "asked.json"
        if path.is_file() and (before := json.loads(path.read_text("utf-8"))) != asked:
            changed = [name for name in asked if asked[name] != before.get(name)]
            sys.exit(f"{self.work} has results of another {changed[0]}: pass a new folder as --work.")
        self.work.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asked), "utf-8")

    def run(self) -> None:
        """Do all parts that have no result yet.

        Raises
        ------
        OutOfTime
            If the time of this call is up.
        """
        print(f"{self.facts['device']}; Keras on {self.facts['backend']}; {self.facts['versions']}", file=sys.stderr)
        for number, (augmentation, source) in enumerate(self.kinds):
            for weights, members in self._group_by_weights().items():
                if wanted := [name for name in members if not self._has("training", augmentation, source, name)]:
                    self._prepare()
                    self._train(augmentation, source, weights, members, wanted)
            if number == 0:
                for name in self.members:
                    self._train_resident(name)
        if not self._has("stack"):
            self._prepare()
            self._stack()

    def list_lines(self) -> list[Line]:
        """Return all results on this device with these versions."""
        suffix = self._key()
        return [line for key, line in self.results.by_key.items() if key.endswith(suffix)]

    def describe_rest(self) -> str:
        """Return what is left in words."""
        trainings = [name for kind in self.kinds for name in self.members if not self._has("training", *kind, name)]
        resident = [name for name in self.members if not self._has("resident", name)]
        return f"{len(trainings)} trainings, {len(resident)} networks on the device's memory and the stack are left"

    def _key(self, *parts: str) -> str:
        return "; ".join([*parts, *self.facts.values()])

    def _has(self, *parts: str) -> bool:
        return self._key(*parts) in self.results.by_key

    def _keep(self, *parts: str, **figures: object) -> None:
        self.results.append({"key": self._key(*parts), "kind": parts[0], **self.facts, **figures})

    def _require_time(self) -> None:
        self.clock.require(SECONDS_OF_A_PART)

    def _call(self, *words: str, events: Path | None = None) -> str:
        """Run a command of the package and return its output."""
        folders = ["--data", str(self.work / "data"), "--submissions", str(self.work / "submissions")]
        told = ["--events", str(events)] if events else []
        command = [sys.executable, "-m", "ensembler", *folders, *told, *words]
        print(f"ensembler {' '.join(words)}", file=sys.stderr)
        return run_in_time(command, self.work / "logs" / f"{words[0]}.log", self.clock, self.environment)

    def _run_script(self, script: str, *words: str, text: str = "") -> Line:
        """Run a script beside this one, and return its line of JSON."""
        print(f"{script} {' '.join(words)}", file=sys.stderr)
        log = self.work / "logs" / f"{script}.log"
        command = [sys.executable, str(HERE / script), *words]
        return dict(json.loads(run_in_time(command, log, self.clock, self.environment, text)))

    def _prepare(self) -> None:
        """Make photos and a competition of them, if they are not there."""
        if (self.competition / "tables.json").is_file():
            return
        self._require_time()
        print(f"{self.arguments.photos} photos from {self.arguments.archive}", file=sys.stderr)
        root = make_photos(self.arguments.archive, self.work, self.arguments.photos, self.clock)
        self._call("adopt", str(root), "--name", NAME, "--groups", f"{GROUPS}:{GROUP_COLUMN}")

    def _group_by_weights(self) -> dict[str, list[str]]:
        """Return the members by their source of weights: a folder without those of a member leaves them random."""
        given = str(self.arguments.weights)
        if given in ("none", "imagenet"):
            return {given: self.members}
        from ensembler.backbones.registry import find_backbone
        from ensembler.backbones.weights import find_local_weights

        folder, groups = Path(given).absolute(), {}
        for name in self.members:
            backbone = find_backbone(name)
            found = find_local_weights(folder, backbone, backbone.image_size)
            groups.setdefault(str(folder) if found else "none", []).append(name)
        return groups

    def _train(
        self, augmentation: str, source: str, weights: str, members: Sequence[str], wanted: Sequence[str]
    ) -> None:
        """Train members by the real command, and keep the figures of each."""
        self._require_time()
        label, place = f"{augmentation}-{source}", self.work / "runs" / f"{augmentation}-{source}"
        events = place / "events.jsonl"
        if source == "store":
            self._fill_store()
        try:
            with sample_gpu(place / "gpu.jsonl", self.device):
                self._call(
                    *["train-members", "--members", ",".join(f"{name}@{label}" for name in members)],
                    *["--unfreeze", "all", "--folds", "1", "--weights", weights, "--json", "-c", NAME],
                    *["--augmentation", augmentation, "--precision", self.arguments.precision],
                    *["--epochs", str(self.arguments.epochs)],
                    *["--cache-limit", "0" if source == "files" else "10TB", *self.options],
                    events=events,
                )
        finally:
            self._keep_compile_seconds(place)
        told, samples = read_lines(events), read_lines(place / "gpu.jsonl")
        for name in wanted:
            figures = summarize(f"{name}@{label}", told, samples, read_lines(place / "compiled.jsonl"))
            if figures is None:
                # Interruptions left no whole epoch beside the first ones of each process.
                figures = {"failed": "no epoch without compilation: pass more --epochs or --minutes"}
            drawn = {"member": name, "augmentation": augmentation, "source": source, "weights": weights}
            self._keep("training", augmentation, source, name, **drawn, **figures)

    def _keep_compile_seconds(self, place: Path) -> None:
        """Append the seconds of compilation of the last call's jobs, whose logs the next call would replace."""
        events = read_lines(place / "events.jsonl")
        if not events:
            return
        with (place / "compiled.jsonl").open("a", encoding="utf-8") as file:
            for job, member in list_job_members(events, events[-1]["run"]).items():
                log = self.competition / "logs" / f"{job}.log"
                seconds = sum_compile_seconds(log.read_text("utf-8", "replace")) if log.is_file() else None
                file.write(json.dumps({"member": member, "seconds": seconds}) + "\n")

    def _list_planned_settings(self) -> dict[str, Line]:
        """Return the settings of each backbone, with which some training was planned."""
        events = [line for path in sorted(self.work.glob("runs/*/events.jsonl")) for line in read_lines(path)]
        found = {}
        for name in self.members:
            planned = [find_settings(events, f"{name}@{augmentation}-{source}") for augmentation, source in self.kinds]
            if known := [settings for settings in planned if settings]:
                found[name] = known[0]
        return found

    def _fill_store(self) -> None:
        """Decode all photos into the store, at the sizes of all members."""
        sizes = sorted({settings["image_size"] for settings in self._list_planned_settings().values()})
        if not sizes:
            return
        filled = self._run_script("fill_store.py", str(self.competition), *map(str, sizes))
        if photos := max(filled["missing"].values()):
            self._keep("store", photos=photos, sizes=sizes, seconds=filled["seconds"])

    def _train_resident(self, name: str) -> None:
        """Train a member's network on photos in the device's memory, with the settings of its training."""
        settings = self._list_planned_settings().get(name)
        if self._has("resident", name) or settings is None:
            return
        self._prepare()
        self._require_time()
        trained = self.results.by_key[self._key("training", *self.kinds[0], name)]
        photos = min(trained.get("photos", self.arguments.photos), RESIDENT_STEPS * settings["batch_size"])
        asked = {"settings": settings, "photos": photos, "competition": str(self.competition)}
        text = json.dumps({**asked, "epochs": RESIDENT_EPOCHS}) + "\n"
        _, *seconds = self._run_script("resident_epochs.py", text=text)["seconds"]
        taken = statistics.median(seconds)
        figures = {"photos": photos, "epoch_seconds": taken, "photos_a_second": photos / taken}
        kinds = {"batch_size": settings["batch_size"], "image_size": settings["image_size"]}
        self._keep("resident", name, member=name, precision=settings["precision"], **kinds, **figures)

    def _stack(self) -> None:
        """Stack the members of the last kind, and check ``stack.keras`` in a process with Keras alone."""
        self._require_time()
        augmentation, source = self.kinds[-1]
        members = ",".join(f"{name}@{augmentation}-{source}" for name in self.members)
        stacked = json.loads(self._call("stack", "--members", members, "--name", NAME, "--json", "-c", NAME))
        photos = str(self.work / "photos")
        checked = self._run_script("plain_keras.py", stacked["model"], stacked["submission"], photos)
        scores = {"metric": stacked["metric"], "score": stacked["score"], "error": stacked["standard_error"]}
        single = {member["name"]: member["score"] for member in stacked["members"]}
        self._keep("stack", augmentation=augmentation, source=source, **scores, members=single, checked=checked)
