from __future__ import annotations

import pytest

from ensembler.progress import Progress, Task


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
