from __future__ import annotations

import pytest

from ensembler.competition.archives.limit import UnpackLimit
from ensembler.errors import BadData

GB = 10**9


@pytest.fixture
def archive(tmp_path):
    """A file of any size that takes no room."""

    def made(size, name="pets.zip"):
        with (tmp_path / name).open("wb") as stream:
            stream.truncate(size)
        return tmp_path / name

    return made


@pytest.mark.parametrize(
    ("packed", "most_bytes", "allowed", "refused"),
    [
        (GB, None, 50 * GB, 50 * GB + 1),
        (20 * GB, None, 200 * GB, 200 * GB + 1),
        (10**6, None, GB, GB + 1),
        (10**7, None, 2 * GB, 2 * GB + 1),
        (GB, 3 * GB, 3 * GB, 3 * GB + 1),
        (10**6, 3 * GB, 3 * GB, 3 * GB + 1),
        (10**6, 0, 10**18, None),
    ],
)
@pytest.mark.parametrize("claimed", [False, True])
def test_how_much_may_be_written(archive, packed, most_bytes, allowed, refused, claimed):
    def write(size):
        limit = UnpackLimit(path, most_bytes)
        limit.begin(path, size if claimed else 0, "pets.zip")
        for part in (size - size // 2, size // 2):
            limit.count(part)

    path = archive(packed)
    write(allowed)
    if refused is not None:
        with pytest.raises(
            BadData,
            match=r"pets\.zip may be a zip bomb, because it unpacks to more than .*unpack_limit; 0 sets no limit",
        ):
            write(refused)


def test_each_archive_is_measured_by_its_own_size(archive):
    limit = UnpackLimit(archive(GB), None)
    for name in ("a.zip", "b.zip", "c.zip"):
        limit.begin(archive(10**6, name), 0, name)
        limit.count(GB)
    limit.begin(archive(10**6, "d.zip"), 0, "d.zip")
    with pytest.raises(BadData, match=r"d\.zip may be a zip bomb, because it unpacks to more than 200 times its size"):
        limit.count(GB + 1)
