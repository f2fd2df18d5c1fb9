"""The page and its picture are made from the record alone."""

from xml.etree import ElementTree

import pytest
from harness.jobs import JOBS, Shows
from harness.page import page
from harness.picture import picture
from harness.record import Record
from harness.targets import TARGETS, targets_table

MACHINE = {"cores": 2, "memory_gib": 24, "processor": "X", "system": "Linux 6.1", "python": "3.11.7"}


def row(contender, rows=1_000_000, wall=1.0, trouble="", **more):
    numbers = {} if trouble else {"wall_s": wall, "cpu_s": wall, "peak_kib": 102_400, **more}
    return {"contender": contender, "rows": rows, "trouble": trouble, **numbers}


def record(**changed):
    """Return a record in which every contender took one second, but for the results given by job."""
    jobs = {}
    for job in JOBS:
        waits = {"p50_us": 100.0, "p99_us": 200.0} if job.shows is Shows.WAIT else {}
        results = changed.get(job.name, [row(one.name, **waits) for one in job.contenders])
        jobs[job.name] = {"date": "2026-02-03", "rows": 1_000_000, "runs": 3, "results": results}
    return Record({"machine": MACHINE, "versions": {"plait": "0.1.0", "polars": "2.1.0"}, "jobs": jobs})


def test_the_page_shows_every_job_the_machine_and_what_was_learnt():
    text = page(record(), "## What was learnt\n\n* much\n")
    assert "Measured 2026-02-03 on 2 cores (X), 24 GiB of memory, Linux 6.1, Python 3.11.7; plait 0.1.0" in text
    assert all(f"### {job.title}\n" in text for job in JOBS)
    assert "Everything ran, and all outputs were equal." in text
    assert text.endswith("## What was learnt\n\n* much\n")


def test_rates_and_ratios_are_those_of_the_numbers():
    text = page(record(merge=[row("plait", wall=0.5), row("Polars", wall=1.0), row("csp", wall=5.0)]), "")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert ["plait", "0.50", "2,000,000", "0.50", "100", ""] in table
    assert ["Polars", "1.00", "1,000,000", "1.00", "100", "2.00 times as fast"] in table
    assert ["csp", "5.00", "200,000", "5.00", "100", "10.00 times as fast"] in table


def test_events_are_compared_with_plait_with_the_same_rules():
    rows = [row("lambdas, 10 rules", wall=4.0), row("plait, 10 rules", wall=2.0), row("plait, 1 rule", wall=1.0)]
    assert "2.00 times as fast" in page(record(events=rows), "")


def test_who_was_wrong_has_no_number_and_the_reason():
    text = page(record(merge=[row("plait"), row("csp", trouble="wrong: its output differs")]), "")
    assert "* Merge, typed, csp: wrong: its output differs" in text
    assert "not measured times csp" not in text


def test_who_was_left_out_is_named_and_nothing_is_said_of_it_elsewhere():
    """A session of some contenders overwrites a job; those it left out must not vanish from the page."""
    text = page(record(merge=[row("plait"), row("Polars")], scl=[]), "")
    assert "* Merge, typed: plain Python, csp, bytewax, pathway, DuckDB\n" in text
    assert "* Reading SCL: plait, plait, nodes with places, json.loads\n" in text
    assert "What ran, ran through, and all outputs were equal." in text
    assert "Everything ran" not in text
    assert "csv.DictReader" not in text


def test_what_was_not_measured_is_neither_reached_nor_missed():
    _, rows = targets_table(Record({"machine": {}, "versions": {}, "jobs": {}}))
    assert {cells[-1] for cells in rows} == {"?"}
    assert len(rows) == len(TARGETS)


@pytest.mark.parametrize(("wall", "reached"), [(0.1, "aim"), (0.125, "aim"), (0.2, "no"), (0.4, "no")])
def test_a_target_is_reached_when_all_its_parts_are(wall, reached):
    merge = [row("plait", wall=wall), row("Polars", wall=0.2), row("csp"), row("plain Python")]
    _, rows = targets_table(record(merge=merge))
    assert rows[0][0] == "merge, typed"
    assert rows[0][-1] == reached
    _, some = targets_table(record(merge=merge[:2]))
    assert some[0][-1] == ("no" if wall > 0.2 else "?")


def test_the_least_can_be_reached_without_the_aim():
    merge = [row("plait", wall=0.1), row("Polars", wall=0.11), row("csp"), row("plain Python")]
    _, rows = targets_table(record(merge=merge))
    assert rows[0][-1] == "yes"


def test_the_picture_is_xml_with_plait_in_every_panel():
    drawing = ElementTree.fromstring(picture(record()))
    classes = [element.get("class") for element in drawing.iter() if element.tag.endswith("rect")]
    titles = [element.text for element in drawing.iter() if element.get("class") == "title"]
    assert classes.count("bar plait") == len(titles) == 6


def test_a_record_is_read_back_as_it_was_saved(tmp_path):
    record().save(tmp_path / "results.json")
    assert Record.load(tmp_path / "results.json").content == record().content
    assert not Record.load(tmp_path / "none.json").jobs
