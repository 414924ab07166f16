"""Process in which ``gpu_job.py`` decodes all photos of a competition into the store that ``train-members`` reads."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from ensembler.competition.samples import compute_samples_fingerprint
from ensembler.competition.tables import load_tables
from ensembler.images.photo_store import PhotoStore
from ensembler.images.row_photos import RowPhotos
from ensembler.paths import CompetitionFolder
from ensembler.progress import SILENT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("competition", type=Path, help="folder of the competition")
    parser.add_argument("sizes", type=int, nargs="+", help="heights and widths in pixels")
    arguments = parser.parse_args()
    folder = CompetitionFolder(arguments.competition)
    tables = load_tables(folder)
    photos = RowPhotos.list_all(tables)
    samples = compute_samples_fingerprint(folder, tables.manifest)
    store = PhotoStore(folder.pixels / samples, photos.files, tables.manifest.pixels)
    missing = {size: store.count_missing(size) for size in arguments.sizes}
    began = time.monotonic()
    store.fill(arguments.sizes, SILENT)
    print(json.dumps({"missing": missing, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
