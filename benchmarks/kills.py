"""Kill ``fetch`` at random moments, many times, and check the files: ``kills.py --kills 200``.

A local server sends a competition slowly enough that kills happen in all stages: requests, download, unpacking, scan
of photos, and tables. A killed fetch is started again until it ends by itself. Then its files must equal those of an
uninterrupted fetch, and no byte may be downloaded twice, except for the cost of a kill.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers.kaggle_server import KaggleServer
from helpers.kills import Fetches, asked_again, there, tree
from helpers.photos import photo_bytes, zip_bytes

from ensembler.submission.kaggle.download import CHUNK

SLUG = "dogs-vs-cats-mini"


def competition(photos: int) -> bytes:
    names = [f"train/{'cat' if number % 2 else 'dog'}.{number}.jpg" for number in range(photos)]
    names += [f"test/{number}.jpg" for number in range(photos // 4)]
    sample = "id,label\n" + "".join(f"{number},0.5\n" for number in range(photos // 4))
    members = {name: photo_bytes(number, size=(400, 300)) for number, name in enumerate(names)}
    return zip_bytes({**members, "sample_submission.csv": sample})


def stage(data: Path) -> str:
    """Return the stage that a killed fetch had reached."""
    folder = data / SLUG
    for name, shown in (
        ("tables.json", "after the tables"),
        ("competition.toml", "scanning photos, tables"),
        ("raw/extracted", "detecting the layout"),
        (f"raw/{SLUG}.zip", "checksum, unpacking"),
        (f"raw/{SLUG}.zip.part", "downloading"),
        ("raw/kaggle.json", "listing files"),
    ):
        if (folder / name).exists():
            return shown
    return "signing in"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random.seed(asked.seed)
    content = competition(asked.photos)
    stages: dict[str, int] = {}
    fetches = wrong = again = 0
    most = 0.0
    with tempfile.TemporaryDirectory() as home, KaggleServer({SLUG: content}) as server:
        root = Path(home)
        server.piece, server.pause = 1 << 13, 0.5 / (len(content) / (1 << 13))
        environment = os.environ | server.environment() | {"HOME": home, "KAGGLE_CONFIG_DIR": f"{home}/kaggle"}
        with Fetches.started(environment) as running:
            began = time.monotonic()
            assert running.run(SLUG, root / "unbroken")
            whole = time.monotonic() - began
            right = tree(root / "unbroken" / "data" / SLUG)
            while sum(stages.values()) < asked.kills:
                fetches += 1
                place, kept, kills, done, server.sent = root / str(fetches), 0, 0, False, 0
                while not done:
                    server.requests.clear()
                    done = running.run(SLUG, place, random.uniform(0, whole))
                    again = max(again, asked_again(server.requests, kept))
                    kept = there(place / "data" / SLUG / "raw")
                    if not done:
                        kills += 1
                        seen = stage(place / "data")
                        stages[seen] = stages.get(seen, 0) + 1
                most = max(most, (server.sent - len(content)) / max(kills, 1))
                wrong += tree(place / "data" / SLUG) != right
    print(f"{len(content) / 1e6:.2f} MB, {asked.photos} training photos. An uninterrupted fetch takes {whole:.2f} s")
    print(f"{sum(stages.values())} kills of {fetches} fetches, each started again until it ended by itself")
    for name, count in sorted(stages.items(), key=lambda item: -item[1]):
        print(f"  killed while {name:<32} {count:>4}")
    print(f"kept bytes that were requested again           {again}")
    print(f"most bytes lost per kill                       {most:.0f} (size of writes: {CHUNK})")
    print(f"fetches that differ from an uninterrupted one  {wrong}")
    sys.exit(bool(wrong or again))


if __name__ == "__main__":
    main()
