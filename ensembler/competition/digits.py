"""The embedded demo: scikit-learn's handwritten digits, written as a competition in Kaggle's layout."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..storage import write_file_atomically
from .archives.pixel_tables import encode_png

NAME = "digits"
TEST_SHARE = 0.2


def write_digits(archive: Path, seed: int = 0) -> pd.DataFrame:
    """Write ``archive``, a zip in Kaggle's layout: ``train/`` and ``test/`` with PNG photos, and tables.

    The 1,797 photos of 8x8 pixels come from the UCI Optical Recognition of Handwritten Digits (E. Alpaydin and
    C. Kaynak, 1998) and are part of scikit-learn.

    Returns
    -------
    DataFrame
        Hidden labels of the test photos, with the columns id and label.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits: Any = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    rows = np.arange(len(pixels))
    train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=seed, stratify=digits.target)
    table = pd.DataFrame({"id": [f"{row:04d}" for row in rows], "label": digits.target.astype(str)})
    sample = table.loc[test, ["id"]].assign(**{str(digit): 0.1 for digit in range(10)})
    with write_file_atomically(archive) as temporary, zipfile.ZipFile(temporary, "w") as opened:
        opened.writestr("labels.csv", table.loc[train].to_csv(index=False))
        opened.writestr("sample_submission.csv", sample.to_csv(index=False))
        for folder, members in (("train", train), ("test", test)):
            for row in members:
                opened.writestr(f"{folder}/{table.loc[row, 'id']}.png", encode_png(pixels[row]))
    hidden: pd.DataFrame = table.loc[test].reset_index(drop=True)
    return hidden
