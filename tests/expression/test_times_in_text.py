"""A text is a time to expressions exactly if it is one to readers and conditions, and then the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plait.event.values import iso_time
from plait.expression import ExpressionError, evaluate, parse, to_polars
from plait.formats.timestamps import EventTimes

CAST = parse("CAST(s AS timestamp)")
ONE = datetime(2010, 1, 31, 13, tzinfo=UTC)
SPELLINGS = {
    "20100131T130000Z": ONE,
    "20100131T1300": ONE,
    "2010-01-31T13": ONE,
    "2010-01-31t13:00z": ONE,
    "2010-01-31 13:00:00 UTC": ONE,
    "2010-01-31T14:00+01": ONE,
    "2010-01-31T14:00:00.000000999 +0100": ONE,
    "2010-01-31T13:00:00,5": ONE.replace(microsecond=500_000),
    "2010-01-31": ONE.replace(hour=0),
    "20100131": None,
    "2010-01-31T24:00": None,
    "2010-02-30": None,
    " 2010-01-31": None,
    "2010-01-31\n": None,
    "0001-01-01T00:00+01:00": None,
    "0000-01-01": None,
    "1264942800": None,
    "now": None,
    "": None,
}


def cast_columns(texts: list[str]) -> list[Any]:
    frame = pl.DataFrame({"s": texts}, schema={"s": pl.String()})
    return frame.select(to_polars(CAST, frame.schema).alias("at"))["at"].to_list()


@pytest.mark.parametrize(("text", "time"), SPELLINGS.items())
def test_spellings(text: str, time: datetime | None) -> None:
    assert evaluate(CAST, {"s": text}, {"s": pl.String()}) == time
    assert cast_columns([text]) == [time]
    if time is None:
        with pytest.raises(ExpressionError, match="ISO 8601"):
            parse(f"TIMESTAMP '{text}'")
    else:
        assert evaluate(parse(f"TIMESTAMP '{text}'"), {}, {}) == time


DAY, CLOCK = "[0-9]{4}-?[01][0-9]-?[0-3][0-9]", "[Tt ][0-2][0-9](:?[0-6][0-9](:?[0-6][0-9]([.,][0-9]{1,8})?)?)?"
TEXTS = st.from_regex(f"{DAY}({CLOCK})?( ?(Z|z|UTC|[+-][0-2][0-9](:?[0-5][0-9])?))?", fullmatch=True)


@given(st.lists(TEXTS | st.sampled_from(list(SPELLINGS)) | st.text("0123-:TZ +.", max_size=20), max_size=12))
@example(list(SPELLINGS))
def test_expressions_take_the_times_that_readers_and_conditions_take(texts: list[str]) -> None:
    read = EventTimes().read(pl.Series(texts, dtype=pl.String)).values.to_list()
    assert cast_columns(texts) == read
    assert [evaluate(CAST, {"s": text}, {"s": pl.String()}) for text in texts] == read
    assert [iso_time(text) for text in texts] == read


def test_null_is_no_time_in_either_way() -> None:
    assert cast_columns([None, "2010-01-31T13"]) == [None, ONE]  # type: ignore[list-item]
    assert cast_columns([]) == []
