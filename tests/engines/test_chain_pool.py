"""Chains that share a few threads: none waits behind another, none reads on without being asked, all come to an end."""

import sys
import threading
import weakref
from dataclasses import dataclass
from typing import ClassVar

import polars as pl
import pytest
from plait.engines.chain_pool import ChainPool, PooledInlet
from plait.engines.inlets import Bell
from plait.engines.run import run_plan
from plait.operators.sorted_merge import SortedMerge
from plait.pipeline import PipelineSpec, Stage, checked_plan
from plait.readers.base import Reader
from plait.readers.csv_reader import CSVReader
from plait.record import END
from plait.running import Context


class Counting:
    """A chain that puts so many numbers, one a step."""

    def __init__(self, name, count):
        self.name, self.count, self.put, self.threads = name, count, 0, set()

    def steps(self):
        for number in range(self.count):
            self.threads.add(threading.current_thread().name)
            self.put += 1
            self.taker.put(number)
            yield
        self.taker.put(END)


def joined(chains, size):
    bell = Bell()
    pool = ChainPool(size, bell)
    inlets = []
    for chain in chains:
        inlet = PooledInlet(chain.name, pool, bell=bell)
        chain.taker, inlet.feeder = inlet, pool.add(chain, inlet)
        inlets.append(inlet)
    for inlet in inlets:
        inlet.start()
    return bell, pool, inlets


def taken(bell, inlet):
    with bell.changed:
        assert bell.changed.wait_for(lambda: inlet.ready, timeout=30)
    return inlet.take()


def all_of(bell, inlet):
    return list(iter(lambda: taken(bell, inlet), END))


@pytest.mark.parametrize("size", [1, 2, 16])
def test_each_chain_is_read_to_its_end_in_order_by_no_more_threads_than_there_are(size):
    chains = [Counting(f"c{number}", 20 + number) for number in range(6)]
    bell, pool, inlets = joined(chains, size)
    for chain, inlet in reversed(list(zip(chains, inlets, strict=True))):
        assert all_of(bell, inlet) == list(range(chain.count))
    pool.close()
    assert len(set().union(*(chain.threads for chain in chains))) <= size
    assert {len(chain.threads) for chain in chains} == {1}  # as its components are promised


def test_chains_that_nobody_takes_from_stop_after_a_few_items_and_hold_no_other_back():
    chains = [Counting(f"c{number}", 1000) for number in range(4)]
    bell, pool, inlets = joined(chains, 2)
    assert len(all_of(bell, inlets[3])) == 1000
    assert [chain.put for chain in chains[:3]] == [2, 2, 2]
    for inlet in inlets:
        inlet.close()
    pool.close()
    assert [chain.put for chain in chains] == [1000] * 4  # what is closed is let come to its end


def test_a_reader_that_waits_to_be_asked_holds_nothing_that_it_has_given(tmp_path):
    (tmp_path / "a.csv").write_text("timestamp,x\n" + "".join(f"2024-01-01T00:{m:02},{m}\n" for m in range(60)))
    batches = CSVReader(path=str(tmp_path / "a.csv"), block=500).open(Context())
    frames = [weakref.ref(next(batches).frame) for _ in range(2)]
    assert [frame() for frame in frames] == [None, None]
    assert sum(batch.frame.height for batch in batches) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuittingReader(Reader):
    variant: ClassVar[str] = "quitting"
    native: ClassVar[bool] = True

    def columns(self, context):
        return {"timestamp": pl.Datetime("us", "UTC")}

    def open(self, context):
        yield from ()
        sys.exit("enough")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuittingInAWorker(QuittingReader):
    variant: ClassVar[str] = "quitting_in_a_worker"
    native: ClassVar[bool] = False


@pytest.mark.timeout(60)
@pytest.mark.parametrize("reader", [QuittingReader, QuittingInAWorker])
@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_reader_that_ends_its_thread_does_not_pass_for_one_that_has_ended(engine, reader, tmp_path):
    readers = (Stage("a", reader()), Stage("b", reader()))
    plan = checked_plan(PipelineSpec("p", (*readers, Stage("m", SortedMerge(), ("a", "b")))), tmp_path)
    with pytest.raises(SystemExit, match="enough"):
        run_plan(plan, engine)
