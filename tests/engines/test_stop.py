"""The request to stop can be waited for, is seen by all, and outlives nobody."""

from multiprocessing import connection
from pathlib import Path

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
