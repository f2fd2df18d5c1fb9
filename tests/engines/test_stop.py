"""The request to stop can be waited for, is seen by all, and outlives nobody."""

from multiprocessing import connection
from pathlib import Path

import pytest
from plait import Pipeline
from plait.engines import Control
from plait.engines.stop import Stop


def test_everybody_sees_the_request_and_it_stays(tmp_path: Path):
    maker = Stop(tmp_path / "stop", make=True)
    others = [Stop(tmp_path / "stop") for _ in range(2)]
    assert not any(stop.requested for stop in (maker, *others))
    maker.request()
    maker.request()
    for stop in (maker, *others):
        assert stop.requested
        assert connection.wait([stop], timeout=5) == [stop]
    for stop in (maker, *others):
        stop.close()


def test_the_death_of_the_maker_is_a_request(tmp_path: Path):
    maker = Stop(tmp_path / "stop", make=True)
    other = Stop(tmp_path / "stop")
    maker.close()
    assert other.requested
    other.close()


@pytest.mark.processes
@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_run_that_is_stopped_works_off_what_was_read_and_its_ledger_balances(tmp_path, engine):
    for name in "ab":
        seconds = ((n, n - 60 * (n % 100 == 99)) for n in range(86_400))  # some are late
        times = (f"2010-01-01T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z,{n}\n" for n, s in seconds)
        (tmp_path / f"{name}.csv").write_text("timestamp,n\n" + "".join(times))
    control = Control()
    p = Pipeline("p", base=tmp_path)
    m = p.merge("sorted", inputs=[p.reader("csv", name=name, path=f"{name}.csv", block=10_000) for name in "ab"])
    m.event("when", condition={"n": 1000}, call=lambda row: control.stop())
    m.writer("csv", name="out", path="out.csv")
    p["a"].late(name="late").writer("csv", name="log", path="late.csv")
    report = p.run(engine, control=control)
    assert (report.exit_code, report.imbalances) == (130, ())
    assert 2000 < report["out"].counts.delivered < 2 * 86_400
    assert report["log"].counts.delivered == report["a"].counts.late > 10
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == ["a.csv", "b.csv"]
