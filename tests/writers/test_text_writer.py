"""Lines by a template, in a file."""

from __future__ import annotations

import polars as pl
import pytest
from plait.errors import SinkError, SpecError
from plait.running import Context
from plait.writers import TextWriter


def test_each_row_is_a_line(tmp_path):
    sink = TextWriter("out.txt", template="{a:.1f} {b}").open(Context(base=tmp_path))
    sink.write(pl.DataFrame({"a": [1.25, 2.0], "b": ["x", None]}))
    sink.write(pl.DataFrame())
    sink.close()
    assert (tmp_path / "out.txt").read_text() == "1.2 x\n2.0 null\n"


def test_a_template_is_checked_when_it_is_given():
    with pytest.raises(SpecError, match="does not name a column") as caught:
        TextWriter("out.txt", template="{}")
    assert caught.value.option == "template"


@pytest.mark.parametrize(("template", "message"), [("{c}", "no column 'c'"), ("{b:.1f}", "cannot be printed")])
def test_rows_that_do_not_fit_the_template_end_the_run(tmp_path, template, message):
    sink = TextWriter("out.txt", template=template).open(Context(base=tmp_path))
    with pytest.raises(SinkError, match=message):
        sink.write(pl.DataFrame({"b": ["x"]}))
    sink.abort()
    assert list(tmp_path.iterdir()) == []
