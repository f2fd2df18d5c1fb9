"""Iteration over queues: items until END, and the error of a producer that failed."""

import queue

import pytest
from plait.queue import END, Failure, Frontier, Queue, QueueMultiplexer, SortedQueueMultiplexer
from plait.readers import CSVReader
from plait.util import IterableQueue


def fill(target, *items):
    for item in items:
        target.put(item)
    return target


@pytest.mark.parametrize("make", [Queue, lambda: IterableQueue(Queue()), lambda: IterableQueue(queue.Queue())])
def test_a_failure_is_raised_behind_the_items_before_it(make):
    items = make()
    fill(getattr(items, "source_queue", items), 1, 2, Failure(ValueError("no more")), END, 3, END)
    seen = []
    with pytest.raises(ValueError, match="no more"):
        collect(seen, items)
    assert seen == [1, 2]
    assert list(items) == []  # the END of the producer that failed
    assert list(items) == [3]


def collect(seen, items):
    for item in items:
        seen.append(item)


def test_get_returns_the_mark():
    mark = fill(Queue(), Failure(ValueError("no more"))).get()
    assert isinstance(mark, Failure)


def test_other_marks_are_items():
    assert list(fill(Queue(), Frontier(1), END)) == [Frontier(1)]


@pytest.mark.parametrize("kind", [QueueMultiplexer, lambda: SortedQueueMultiplexer("t")])
def test_what_a_multiplexer_gives_out_raises_the_failure_of_an_input(kind):
    multiplexer = kind()
    source, output = multiplexer.input_queue(), multiplexer.output_queue()
    fill(source, {"t": 1}, Failure(ValueError("no more")), END)
    multiplexer.run()
    records = iter(output)
    assert next(records) == {"t": 1}
    with pytest.raises(ValueError, match="no more"):
        next(records)


def test_a_reader_that_cannot_read_is_heard_by_who_iterates(tmp_path):
    rows = Queue()
    with pytest.raises(Exception, match="nowhere") as raised:
        CSVReader(str(tmp_path / "nowhere.csv"), rows).run()
    with pytest.raises(type(raised.value), match="nowhere"):
        list(rows)
