from __future__ import annotations

import pickle
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from plait.errors import SpecError
from plait.operators import When, functions
from plait.record import TEXT
from plait.running import Context

FRAME = pl.DataFrame(
    {
        "timestamp": [datetime(2010, 8, 1, hour, tzinfo=UTC) for hour in range(4)],
        "source": ["sf", "seattle", None, "sf"],
        "celsius": [31.25, 12.0, 33.0, None],
    }
)
HOT = {"celsius": {">": 30}}


def run(event: When, frame: pl.DataFrame = FRAME, **more: Any) -> tuple[list[pl.DataFrame], Context, list[str]]:
    lines: list[str] = []
    context = Context(stage="heat", say=lines.append, **more)
    running = event.open(context)
    frames = [*running.on_frame(frame), *running.on_end()]
    running.close()
    return frames, context, lines


@pytest.fixture
def alerts(tmp_path: Path) -> Any:
    """A folder with the module `alerts_for_test`, forgotten again after the test."""
    (tmp_path / "alerts_for_test.py").write_text(
        "rows = []\n"
        "def notify(row):\n    rows.append(row)\n"
        "def explode(row):\n    rows.append(row)\n    raise ValueError('bad ' + str(row['source']))\n"
        "number = 3\n"
        "class Office:\n    @staticmethod\n    def notify(row):\n        rows.append('office')\n"
    )
    (tmp_path / "broken_for_test.py").write_text("1 / 0\n")
    yield tmp_path
    sys.modules.pop("alerts_for_test", None)


def test_the_events_are_the_rows_that_match() -> None:
    (events,), _, lines = run(When(condition=HOT))
    assert events["celsius"].to_list() == [31.25, 33.0]
    assert lines == []
    assert run(When(condition={"celsius": {">": 99}}))[0] == []


def test_prints_a_line_for_each_event_and_null_without_crashing() -> None:
    _, _, lines = run(When(condition={"source": "sf"}, print="{timestamp} {source}: {celsius:.1f} C"))
    assert lines == ["2010-08-01T00:00:00Z sf: 31.2 C", "2010-08-01T03:00:00Z sf: null C"]


def test_a_value_that_its_format_does_not_fit_is_counted_and_stops_nothing(caplog: Any) -> None:
    frame = pl.DataFrame({"a": ["x", "y"]})
    (events,), context, lines = run(When(condition={}, print="{a:.1f}"), frame)
    assert (events.height, lines, context.counts["print errors"]) == (2, [], 2)
    assert list(context.notes) == ["heat: print raised ValueError: a: 'x' cannot be printed as '.1f'"]


def test_a_column_that_is_not_there_prints_null() -> None:
    _, _, lines = run(When(condition={"source": "seattle"}, print="{source} {gone}"))
    assert lines == ["seattle null"]


def test_calls_a_function_beside_the_pipeline_with_dicts(alerts: Path) -> None:
    before = list(sys.path)
    run(When(condition=HOT, call="alerts_for_test:notify"), imports=alerts)
    assert sys.path == before
    assert sys.modules["alerts_for_test"].rows == [
        {"timestamp": datetime(2010, 8, 1, 0, tzinfo=UTC), "source": "sf", "celsius": 31.25},
        {"timestamp": datetime(2010, 8, 1, 2, tzinfo=UTC), "source": None, "celsius": 33.0},
    ]
    run(When(condition=HOT, call="alerts_for_test:Office.notify"), imports=alerts)
    assert sys.modules["alerts_for_test"].rows[2:] == ["office", "office"]


def test_the_text_of_the_row_is_not_the_users_business() -> None:
    rows: list[Any] = []
    (events,), _, _ = run(When(condition={}, call=rows.append), pl.DataFrame({"a": [1], TEXT: ["1"]}))
    assert rows == [{"a": 1}]
    assert events.columns == ["a", TEXT]


def test_a_function_that_raises_is_counted_named_and_stops_nothing(alerts: Path, caplog: Any) -> None:
    (events,), context, _ = run(When(condition={}, call="alerts_for_test:explode"), imports=alerts)
    assert events.height == 4
    assert len(sys.modules["alerts_for_test"].rows) == 4
    assert context.counts["callback errors"] == 4
    (note,) = context.notes
    assert note.startswith("heat: explode (")
    assert "alerts_for_test.py:4) raised ValueError: bad sf" in note


def test_prints_and_calls_row_by_row() -> None:
    order: list[str] = []
    context = Context(say=order.append)
    running = When(condition=HOT, print="line", call=lambda row: order.append("call")).open(context)
    list(running.on_frame(FRAME))
    assert order == ["line", "call", "line", "call"]


class Office:
    """Something that can be called, though it is no function."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def __call__(self, row: Any) -> None:
        self.rows.append(row)

    @classmethod
    def opened(cls, row: Any) -> None:
        LATEST.append((cls, row))


class _Static(Office):
    __call__ = staticmethod(lambda row: LATEST.append((_Static, row)))  # type: ignore[assignment]


class _Kept:
    def __init__(self, row: Any) -> None:
        LATEST.append((_Kept, row))


LATEST: list[Any] = []


def test_calls_an_object_by_what_its_class_says_not_by_what_was_put_on_it() -> None:
    office = Office()
    office.__dict__["__call__"] = pytest.fail
    run(When(condition=HOT, call=office))
    assert office.rows == FRAME.filter(pl.col("celsius") > 30).to_dicts()


@pytest.mark.parametrize(("called", "says"), [(Office.opened, Office), (_Static(), _Static), (_Kept, _Kept)])
def test_calls_methods_of_classes_and_classes(called: Any, says: type) -> None:
    LATEST.clear()
    _, context, _ = run(When(condition=HOT, call=called))
    assert [(says, row) for row in FRAME.filter(pl.col("celsius") > 30).to_dicts()] == LATEST
    assert not context.counts


def test_an_object_that_raises_is_named_by_its_class() -> None:
    class Broken:
        def __call__(self, row: Any) -> None:
            raise ValueError("no")

    _, context, _ = run(When(condition=HOT, call=Broken()))
    assert context.counts == {"callback errors": 2}
    (note,) = context.notes
    assert ".Broken (" in note
    assert note.endswith("raised ValueError: no")


@pytest.mark.parametrize(
    ("call", "message", "suggestion"),
    [
        ("alerts_for_tests:notify", "there is no module 'alerts_for_tests'", "alerts_for_test"),
        ("alerts_for_test:notfy", "the module 'alerts_for_test' has no function 'notfy'", "notify"),
        ("alerts_for_test:number", "is no function", None),
        ("broken_for_test:notify", "ZeroDivisionError: division by zero; cannot import 'broken_for_test'", None),
    ],
)
def test_what_cannot_be_called_is_said_when_opened(
    alerts: Path, call: str, message: str, suggestion: str | None
) -> None:
    with pytest.raises(SpecError) as caught:
        When(condition={}, call=call).open(Context(imports=alerts))
    assert message in str(caught.value)
    assert caught.value.option == "call"
    assert caught.value.suggestion == suggestion


def test_a_namesake_that_is_loaded_already_is_not_called_instead(alerts: Path, tmp_path: Path) -> None:
    When(condition={}, call="alerts_for_test:notify").open(Context(imports=alerts))
    other = tmp_path / "other"
    other.mkdir()
    (other / "alerts_for_test.py").write_text("def notify(row): pass\n")
    with pytest.raises(SpecError, match="another module 'alerts_for_test' is loaded already"):
        When(condition={}, call="alerts_for_test:notify").open(Context(imports=other))


def test_the_same_module_by_another_path_is_no_namesake(alerts: Path, tmp_path: Path) -> None:
    When(condition={}, call="alerts_for_test:notify").open(Context(imports=alerts))
    link = tmp_path / "link"
    link.symlink_to(alerts)
    When(condition={}, call="alerts_for_test:notify").open(Context(imports=link))


def test_what_is_wrong_is_said_at_construction() -> None:
    for wrong in ({"print": "{a"}, {"print": "{}"}, {"call": "notify"}, {"call": "a:b:c"}, {"background": True}):
        with pytest.raises(SpecError):
            When(condition={}, **wrong)  # type: ignore[arg-type]


def test_unknown_columns_are_an_error_at_check() -> None:
    columns = dict(FRAME.schema)
    assert When(condition=HOT, print="{source}").columns(columns) == columns
    with pytest.raises(SpecError, match="did you mean 'celsius'"):
        When(condition={"celcius": 1}).columns(columns)
    with pytest.raises(SpecError, match="print: there is no column 'sorce'; did you mean 'source'"):
        When(condition=HOT, print="{sorce}").columns(columns)


def test_in_the_background_all_rows_are_given_before_the_end() -> None:
    rows: list[Any] = []
    threads: set[str] = set()

    def notify(row: Any) -> None:
        threads.add(threading.current_thread().name)
        rows.append(row["celsius"])

    run(When(condition=HOT, call=notify, background=True))
    assert rows == [31.25, 33.0]
    assert threads != {threading.current_thread().name}


def test_one_that_hangs_in_the_background_loses_its_rows_and_stops_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(functions, "_ROWS_WAITING", 2)
    monkeypatch.setattr(functions, "_SECONDS_STUCK", 0.01)
    monkeypatch.setattr(functions, "_SECONDS_AT_THE_END", 0.01)
    released, entered = threading.Event(), threading.Event()

    def hang(row: Any) -> None:
        entered.set()
        released.wait(20)

    try:
        context = Context(stage="heat")
        running = When(condition={}, call=hang, background=True).open(context)
        list(running.on_frame(FRAME[:1]))
        assert entered.wait(20)
        (events,) = running.on_frame(FRAME)
        assert events.height == 4
        running.close()
    finally:
        released.set()
    for thread in threading.enumerate():
        if ".hang (" in thread.name:
            thread.join(20)
            assert not thread.is_alive()
    assert context.counts["callbacks dropped"] == 2
    assert context.counts["callbacks left over"] == 3
    assert any("hang (" in note for note in context.notes)


def test_pickles() -> None:
    event = When(condition=HOT, print="{source}", call="alerts:notify", background=True)
    assert pickle.loads(pickle.dumps(event)) == event
