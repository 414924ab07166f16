from __future__ import annotations

import pytest

from ensembler.events import WorkAhead
from ensembler.progress import Progress, ProgressGroup, Task


class Counting(Progress):
    def __init__(self):
        self.started, self.steps, self.finished = [], 0, 0

    def start(self, label, total):
        self.started.append((label, total))
        counter = self

        class Counted(Task):
            def advance(self, steps=1):
                counter.steps += steps

            def finish(self):
                counter.finished += 1

        return Counted()


def test_items_pass_through_and_are_counted():
    progress = Counting()
    assert list(progress.track(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    assert (progress.started, progress.steps, progress.finished) == ([("letters", 3)], 3, 1)


def test_an_item_counts_once_it_is_worked_on():
    progress = Counting()
    steps = [progress.steps for _ in progress.track("abc", "letters", 3)]
    assert steps == [0, 1, 2]


def test_bytes_that_were_there_before_are_counted():
    progress = Counting()
    progress.start_bytes("download", 10, done=4)
    assert (progress.started, progress.steps) == ([("download", 10)], 4)


def test_work_that_fails_is_finished_too():
    progress = Counting()
    with pytest.raises(ZeroDivisionError):
        list(progress.track((1 / number for number in (1, 0, 1)), "divisions", 3))
    assert (progress.steps, progress.finished) == (1, 1)


def test_the_base_is_silent(capfd):
    progress = Progress()
    progress.note("a")
    progress.warn("b")
    task = progress.start("c", 2)
    task.advance()
    task.finish()
    assert list(progress.track([1, 2], "d", 2)) == [1, 2]
    assert capfd.readouterr() == ("", "")


def test_photos_are_steps_where_nobody_counts_photos():
    progress = Counting()
    progress.start_photos("b0: frozen features", 3, photos=32, work=2.5).advance()
    assert (progress.started, progress.steps) == ([("b0: frozen features", 3)], 1)


class Following(Counting):
    def __init__(self):
        super().__init__()
        self.heard, self.open = [], None

    def __enter__(self):
        self.open = True
        return self

    def __exit__(self, *error):
        self.open = False

    def tell(self, event):
        self.heard.append(event)

    def note(self, text):
        self.heard.append(text)

    def warn(self, text):
        self.heard.append(f"Warning: {text}")

    def make_job_progress(self, name):
        self.heard.append(f"job {name}")
        return self


def test_several_hear_the_same():
    parts = [Following(), Following()]
    with ProgressGroup(parts) as progress:
        assert [part.open for part in parts] == [True, True]
        job = progress.make_job_progress("b0")
        job.tell(WorkAhead(3))
        job.note("a")
        progress.warn("b")
        for task in (job.start("c", 1), job.start_bytes("d", 4, 2), job.start_photos("e", 1, photos=2)):
            task.advance()
            task.finish()
    for part in parts:
        assert part.heard == ["job b0", WorkAhead(3), "a", "Warning: b"]
        assert part.started == [("c", 1), ("d", 4), ("e", 1)]
        assert (part.steps, part.finished, part.open) == (5, 3, False)


def test_several_are_left_when_work_fails():
    part = Following()
    with pytest.raises(ZeroDivisionError), ProgressGroup([part]):
        raise ZeroDivisionError
    assert part.open is False
