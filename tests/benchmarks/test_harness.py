"""The parts of the harness: data, rules, measuring, comparing."""

import itertools
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from harness import measure
from harness.compare import Order, OutOfOrderError, digest
from harness.data import data_folder, make_data
from harness.homes import HERE, ROOT, wanted_packages
from harness.jobs import JOBS, Contender, Job
from harness.rounds import Judge
from harness.rule_sets import condition, mixed_rules, python, sensor_rules, write_rules
from plait.event import Condition

ROWS = 20_000


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data"), ROWS)


def read(path):
    return pl.read_csv(path, try_parse_dates=True)


def test_the_same_number_of_rows_gives_the_same_bytes(data, tmp_path):
    make_data(tmp_path, ROWS)
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in data.glob("in*.csv"))


def test_each_file_is_in_time_order_and_all_overlap(data):
    frames = [read(path) for path in sorted(data.glob("in*.csv"))]
    assert len(frames) == 8
    assert sum(frame.height for frame in frames) == ROWS
    assert all(frame["timestamp"].is_sorted() for frame in frames)
    assert max(frame["timestamp"].min() for frame in frames) < min(frame["timestamp"].max() for frame in frames)


def test_times_are_shared_within_a_file_and_among_files(data):
    frames = [read(path) for path in sorted(data.glob("in*.csv"))]
    assert all(frame["timestamp"].n_unique() < frame.height for frame in frames)
    pairs = itertools.combinations([set(frame["timestamp"]) for frame in frames], 2)
    assert all(one & other for one, other in pairs)


def test_sensors_belong_to_a_file_and_one_row_in_ten_is_not_ok(data):
    frames = [read(path) for path in sorted(data.glob("in*.csv"))]
    assert [frame["sensor"].n_unique() for frame in frames] == [25] * 8
    everything = pl.concat(frames)
    assert everything["sensor"].n_unique() == 200
    assert everything.filter(pl.col("status") == "ok").height == pytest.approx(0.9 * ROWS, rel=0.02)


def test_numbers_are_written_with_their_decimals(data):
    line = (data / "in0.csv").read_text().splitlines()[1]
    assert re.fullmatch(r"2026-01-01T00:00:0\d\.\d{3}Z,s0\d\d,-?\d+\.\d\d,\d\d\.\d,\d+,(ok|warn|fail)", line)


# Rules.


def events(count):
    chance = random.Random(3)
    for _ in range(count):
        yield {
            "sensor": f"s{chance.randrange(200):03d}",
            "temperature": round(chance.gauss(25, 6), 2),
            "humidity": chance.randrange(200, 900) / 10,
            "co2": chance.randrange(350, 2000),
            "status": chance.choice(["ok", "fail"]),
        }


@pytest.mark.parametrize("rules", [mixed_rules(), sensor_rules(300)], ids=["mixed", "sensor"])
def test_a_rule_means_the_same_in_python_and_as_a_condition(rules):
    holds = [(eval(f"lambda row: {python(rule)}"), Condition(condition(rule))) for rule in rules]
    found = [(spoken(event), shown.matches(event)) for event in events(300) for spoken, shown in holds]
    assert all(one == other for one, other in found)
    assert any(one for one, _ in found)


def test_only_rules_of_one_shape_are_written_as_a_table(tmp_path):
    write_rules(tmp_path / "mixed", mixed_rules())
    write_rules(tmp_path / "few", sensor_rules(10))
    assert not (tmp_path / "mixed" / "rules.csv").exists()
    assert len((tmp_path / "few" / "rules.csv").read_text().splitlines()) == 11


# Measuring.

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
LEAVE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])"
CALL = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}], check=True)"


def measured(tmp_path, *command):
    record = tmp_path / "record.json"
    subprocess.run([sys.executable, measure.__file__, str(record), "60", *command], check=True)
    return json.loads(record.read_text())


@pytest.mark.processes
@pytest.mark.parametrize("parent", [CALL, LEAVE], ids=["waited for", "left behind"])
def test_the_cpu_time_of_a_grandchild_counts(parent, tmp_path):
    found = measured(tmp_path, sys.executable, "-c", parent)
    assert found["cpu_s"] >= 0.3
    assert found["exit"] == 0
    assert found["left"] == 0


@pytest.mark.processes
def test_the_status_of_the_command_is_told(tmp_path):
    assert measured(tmp_path, sys.executable, "-c", "raise SystemExit(3)")["exit"] == 3


@pytest.mark.processes
def test_descendants_and_their_memory_are_found():
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    child = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"1\n"
    found = list(measure.descendants(child.pid))
    assert len(found) == 1
    assert measure.proportional_kib(found[0]) > 1000
    assert child.pid in measure.descendants(os.getpid())
    child.communicate(b"\n")
    assert measure.proportional_kib(found[0]) == 0


# Comparing.

HEADER = "timestamp,rule\n"


def written(path, *lines):
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return path


def test_ties_may_change_places_and_other_rows_may_not(tmp_path):
    one = written(tmp_path / "one", "1,a", "1,b", "2,c")
    other = written(tmp_path / "other", "1,b", "1,a", "2,c")
    third = written(tmp_path / "third", "1,a", "1,b", "2,d")
    assert digest(one, Order.EXACT) != digest(other, Order.EXACT)
    assert digest(one, Order.TIES) == digest(other, Order.TIES)
    assert digest(one, Order.TIES) != digest(third, Order.TIES)


def test_times_that_go_back_are_an_error_unless_order_does_not_count(tmp_path):
    back = written(tmp_path / "back", "2,c", "1,a")
    with pytest.raises(OutOfOrderError, match="1 stands behind one of 2"):
        digest(back, Order.TIES)
    assert digest(back, Order.SET) == digest(written(tmp_path / "sorted", "1,a", "2,c"), Order.SET)


def test_a_row_that_comes_twice_is_another_set(tmp_path):
    assert digest(written(tmp_path / "once", "1,a"), Order.SET) != digest(
        written(tmp_path / "twice", "1,a", "1,a"), Order.SET
    )


def test_quotes_and_columns_behind_do_not_count_where_columns_are_given(tmp_path):
    quoted = tmp_path / "quoted"
    quoted.write_text('"timestamp","rule","time","diff"\n"1","a","77","1"\n')
    plain = written(tmp_path / "plain", "1,a")
    assert digest(quoted, Order.SET, columns=2) == digest(plain, Order.SET)


def test_the_first_output_is_right_and_others_must_equal_it(tmp_path):
    first, second = Contender(name="first", command=()), Contender(name="second", command=())
    job = Job(name="x", title="X", what="", rows=1, quick_rows=1, contenders=(first, second))
    judge = Judge(job, [first, second])
    assert judge.verdict(first, written(tmp_path / "a", "1,a"), None) == ""
    assert judge.verdict(second, written(tmp_path / "b", "1,a"), None) == ""
    assert judge.verdict(second, written(tmp_path / "c", "1,b"), None) == "wrong: its output differs"
    assert judge.verdict(second, tmp_path / "nothing", None).startswith("wrong: ")


# The table of jobs, and the pins.


def test_what_the_jobs_name_is_there():
    words = {word for job in JOBS for one in job.contenders for word in one.command if word.startswith("{here}/")}
    assert words
    assert [word for word in words if not Path(word.format(here=HERE)).exists()] == []


def test_names_are_used_once():
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert all(len({one.name for one in job.contenders}) == len(job.contenders) for job in JOBS)


def pins(path):
    return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE))


def test_plait_has_the_versions_that_it_is_pinned_to():
    own, there = pins(ROOT / "requirements.txt"), pins(HERE / "requirements.txt")
    assert own.items() <= there.items()


@pytest.mark.parametrize("name", ["requirements", "requirements-apart"])
def test_every_contender_is_pinned(name):
    assert set(wanted_packages(HERE / f"{name}.in")) <= set(pins(HERE / f"{name}.txt"))
