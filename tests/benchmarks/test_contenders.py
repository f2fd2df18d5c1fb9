"""The contenders that need nothing but plait's own packages say the same on small data."""

import sys
from pathlib import Path

import pytest
from harness.homes import Home
from harness.jobs import JOBS, Contender, Job
from harness.rounds import run_job

HERE = {"plait": Home(Path(sys.prefix)), "apart": Home(Path(sys.prefix))}
ROWS = 2_000


def troubles(name, work, contenders=("plain Python", "plait", "Polars"), rows=ROWS, runs=0):
    """Run some contenders of a job, and return what is wrong with each of them, and all that was measured."""
    job = next(job for job in JOBS if job.name == name)
    chosen = [one for one in job.contenders if one.name in contenders]
    assert len(chosen) == len(contenders)
    said = []
    results = run_job(job, chosen, HERE, work, rows, runs, said.append)
    return {result.contender: result.trouble for result in results}, results


@pytest.mark.processes
@pytest.mark.parametrize("job", ["merge", "derive", "rules", "rules10", "calls"])
def test_all_put_out_the_same(job, tmp_path):
    found, _ = troubles(job, tmp_path)
    assert found == {"plain Python": "", "plait": "", "Polars": ""}


@pytest.mark.processes
def test_rows_as_read_are_those_of_heapq_merge(tmp_path):
    found, results = troubles("as_read", tmp_path, contenders=("heapq.merge", "plait"), runs=1)
    assert found == {"heapq.merge": "", "plait": ""}
    for result in results:
        assert result.rows == ROWS
        assert len(result.runs) == 1  # the warm-up does not count
        assert result.median("cpu_s") > 0
        assert result.as_json()["runs"] == 1


@pytest.mark.processes
@pytest.mark.parametrize("job", ["hop", "idle"])
def test_rows_hop_from_one_process_to_another(job, tmp_path):
    found, results = troubles(job, tmp_path, contenders=("plait",), rows=50, runs=1)
    assert found == {"plait": ""}
    assert results[0].median("seconds" if job == "hop" else "p99_us") > 0


@pytest.mark.processes
def test_messages_are_under_way_from_a_socket_to_a_callback(tmp_path):
    found, _ = troubles("latency1000", tmp_path, contenders=("plait",), rows=1_050)
    assert found == {"plait": ""}


@pytest.mark.processes
def test_events_trigger_the_same_rules_with_the_index_and_with_lambdas(tmp_path):
    found, _ = troubles("events", tmp_path, contenders=("lambdas, 100 mixed rules", "plait, 100 mixed rules"), rows=500)
    assert set(found.values()) == {""}


@pytest.mark.processes
def test_a_contender_that_fails_is_named_with_its_last_words(tmp_path):
    fails = Contender(name="x", command=("{python}", "-c", "raise ValueError('no such file: /a/place/in0.csv')"))
    job = Job(name="x", title="X", what="", rows=1, quick_rows=1, contenders=(fails,), data=False)
    said = []
    (result,) = run_job(job, [fails], HERE, tmp_path, rows=1, runs=3, say=said.append)
    assert result.trouble == "failed with 1: ValueError: no such file: in0.csv"
    assert result.runs == []
    assert len(said) == 1  # it is not tried again


@pytest.mark.processes
def test_a_contender_that_could_not_be_installed_is_named_with_the_reason(tmp_path):
    absent = Contender(name="x", command=("{python}",), package="x")
    job = Job(name="x", title="X", what="", rows=1, quick_rows=1, contenders=(absent,), data=False)
    home = Home(Path(sys.prefix), missing={"x": "no wheel for this Python"})
    (result,) = run_job(job, [absent], {"plait": home}, tmp_path, rows=1, runs=3, say=print)
    assert result.trouble == "could not be installed: no wheel for this Python"
