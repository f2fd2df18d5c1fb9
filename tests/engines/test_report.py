"""The ledger says where every row went, and where one is missing."""

import pytest
from plait.engines.report import Counts, RunReport, StageReport


def stage(name, family="filter", inputs=(), letters=0, **counts):
    return StageReport(name, family, "x", tuple(inputs), Counts(**counts), letters=letters)


def report(*stages, **more):
    return RunReport("p", "serial", stages, 1.0, **more)


def test_a_ledger_in_which_every_row_is_somewhere_balances():
    run = report(
        stage("a", "reader", received=10, delivered=7, dead=2, late=1, letters=3),
        stage("b", inputs=["a"], received=7, delivered=4, filtered=3),
        stage("c", "writer", inputs=["b"], received=4, delivered=4),
    )
    assert run.imbalances == ()
    assert (run.rows_in, run.rows_out, run.diverted) == (10, 4, 3)
    assert run.exit_code == 3


def test_rows_lost_inside_a_stage_are_named():
    run = report(stage("a", "reader", received=10, delivered=8))
    assert run.imbalances == ("a: 2 of 10 rows are unaccounted for",)
    assert run.exit_code == 1


def test_rows_lost_between_two_stages_are_named():
    run = report(
        stage("a", "reader", received=10, delivered=10),
        stage("b", "writer", inputs=["a"], received=9, delivered=9),
    )
    assert run.imbalances == ("a sent 10 rows, b got 9",)


@pytest.mark.parametrize(
    ("more", "code"), [({}, 0), ({"error": ValueError("x")}, 1), ({"interrupted": 2}, 130), ({"interrupted": 15}, 143)]
)
def test_the_exit_code_follows_the_outcome(more, code):
    assert report(stage("a", "reader", received=1, delivered=1), **more).exit_code == code


def test_rows_dropped_by_policy_are_counted_but_no_reason_to_fail():
    run = report(stage("a", "reader", received=3, delivered=2, late=1))
    assert run.imbalances == ()
    assert run.exit_code == 0
