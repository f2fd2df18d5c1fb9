"""Whatever several writers do, nothing is lost, nothing comes twice, and the order of each is kept."""

import queue
from collections import Counter

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plait.queue import END, Queue
from plait.util import MultiProcessing

pytestmark = pytest.mark.processes

SIZES = st.lists(st.one_of(st.just(0), st.integers(1, 60), st.integers(-60, -1)), max_size=12)
"""What a writer does: 0 puts one item, n puts a list of n, -n a frame of n rows."""


@pytest.fixture(scope="module")
def pool():
    pool = MultiProcessing().ProcessPool(3)
    yield pool
    pool.terminate()
    pool.join()


def write(q, name, sizes):
    """Put numbered rows in pieces of the sizes given, then END."""
    number = 0
    for size in sizes:
        rows = [{"name": name, "n": number + step} for step in range(max(1, abs(size)))]
        number += len(rows)
        if size == 0:
            q.put(rows[0])
        else:
            q.put_block(rows if size > 0 else pl.DataFrame(rows))
    q.put(END)
    return number


def read(q, writers, by_block):
    """Return all rows up to the last END."""
    rows, ends = [], 0
    while ends < writers:
        got = q.get_block() if by_block else q.get()
        got = got.to_dicts() if isinstance(got, pl.DataFrame) else got if isinstance(got, list) else [got]
        ends += got.count(END)
        rows += [item for item in got if item is not END]
    return rows


def check(rows, totals):
    assert Counter(row["name"] for row in rows) == Counter({k: n for k, n in enumerate(totals) if n})
    for name, total in enumerate(totals):
        assert [row["n"] for row in rows if row["name"] == name] == list(range(total))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(SIZES, min_size=1, max_size=3), maxsize=st.sampled_from([0, 1, 7, 100]), by_block=st.booleans())
def test_several_writers_one_reader(pool, plans, maxsize, by_block):
    q = Queue(maxsize)
    tasks = [pool.submit(write, q, name, sizes) for name, sizes in enumerate(plans)]
    rows = read(q, len(plans), by_block)
    check(rows, [task.result() for task in tasks])
    assert q.empty()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(SIZES, min_size=1, max_size=2), maxsize=st.sampled_from([0, 3]), by_block=st.booleans())
def test_the_reader_may_be_elsewhere(pool, plans, maxsize, by_block):
    q = Queue(maxsize)
    reader = pool.submit(read, q, len(plans), by_block)
    tasks = [pool.submit(write, q, name, sizes) for name, sizes in enumerate(plans)]
    check(reader.result(), [task.result() for task in tasks])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["put", "put_block", "get", "get_block"]), max_size=60), st.sampled_from([0, 1, 3]))
def test_one_process_behaves_like_a_list(steps, maxsize):
    q, model, number = Queue(maxsize), [], 0
    for step in steps:
        try:
            if step == "put":
                q.put_nowait(number)
                model.append(number)
                number += 1
            elif step == "put_block":
                q.put_block([number, number + 1], block=False)
                model += [number, number + 1]
                number += 2
            elif step == "get":
                assert q.get_nowait() == model.pop(0)
            else:
                block = q.get_block(block=False)
                assert block == model[: len(block)]
                del model[: len(block)]
        except queue.Full:
            assert maxsize
            assert model
            assert len(model) + (1 if step == "put" else 2) > maxsize
        except (queue.Empty, IndexError):
            assert not model
        assert q.qsize() == len(model)
