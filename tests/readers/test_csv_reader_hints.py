"""CSVReader: what it says of a file that is probably meant otherwise."""

import gzip

import pytest
from plait.errors import SourceError
from plait.readers import CSVReader
from plait.running import Context


@pytest.fixture
def notes(tmp_path):
    """Write a file, read it, and return the notes for the run's report."""

    def read(text, name="a.csv", **options):
        data = text.encode()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        context = Context(base=tmp_path)
        list(CSVReader(name, **options).open(context))
        return list(context.notes)

    return read


def numbers(*, odd, at, rows=20, header="id,temp\n"):
    """Return rows of numbers, with `odd` in the column temp of a row (0-based)."""
    return header + "".join(f"{row},{odd if row == at else row / 2}\n" for row in range(rows))


SAID = (
    "column 'temp' is text because of 'abc', although most of its values are numbers; "
    "schema=(temp=float) would divert such rows instead, null=[ ] make them null"
)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("at", [0, 7, 19])
def test_a_value_that_makes_a_column_of_numbers_text_is_named_with_its_line(notes, at, name):
    assert notes(numbers(odd="abc", at=at), name) == [f"{name}:{at + 2}: {SAID}"]


def test_lines_count_from_the_start_of_the_file(notes):
    assert notes("\n\n" + numbers(odd="abc", at=3)) == [f"a.csv:7: {SAID}"]
    assert notes(numbers(odd="abc", at=3, header=""), columns=["id", "temp"]) == [f"a.csv:4: {SAID}"]


def test_far_into_a_large_file_the_byte_is_named(notes):
    text = numbers(odd="abc", at=9_990, rows=10_000)
    assert notes(text, sample=1 << 14) == [f"a.csv, byte {text.index('9990,abc')}: {SAID}"]


def test_the_file_of_a_glob_is_named(notes, tmp_path):
    (tmp_path / "a0.csv").write_text(numbers(odd="1", at=0))
    (tmp_path / "a1.csv").write_text(numbers(odd="abc", at=5))
    context = Context(base=tmp_path)
    list(CSVReader("a*.csv").open(context))
    assert list(context.notes) == [f"a1.csv:7: {SAID}"]


def test_nothing_is_said_where_fewer_than_nine_in_ten_are_numbers(notes):
    assert notes(numbers(odd="abc", at=0, rows=10)) == [f"a.csv:2: {SAID}"]
    assert notes(numbers(odd="abc", at=0, rows=9)) == []


def test_nothing_is_said_of_a_column_whose_type_is_said(notes):
    assert notes(numbers(odd="abc", at=0), schema={"temp": "text"}) == []


def test_what_is_said_helps(notes, tmp_path):
    notes(numbers(odd="abc", at=4))
    dead = []
    rows = list(CSVReader("a.csv", schema={"temp": "float"}).records(Context(base=tmp_path, dead=dead.append)))
    assert len(rows) == 19
    assert [letter.line for letter in dead] == [6]


@pytest.mark.parametrize(
    ("header", "says"),
    [("time;temp", 'delimiter=";"'), ("time\ttemp", "delimiter=tab"), ("time|temp", 'delimiter="|"')],
)
def test_a_header_that_is_not_split_is_told_of_its_delimiter(notes, header, says):
    with pytest.raises(SourceError, match="there is no such column; the header is one column") as caught:
        notes(f"{header}\n1\n", timestamp="time")
    assert says in str(caught.value)
    assert "did you mean" not in str(caught.value)
    with pytest.raises(SourceError) as caught:
        notes(f"{header}\n1\n", schema={"temp": "float"})
    assert says in str(caught.value)
    (note,) = notes(f"{header}\n1\n")
    assert says in note


def test_a_comma_is_a_delimiter_too(notes):
    with pytest.raises(SourceError, match='say delimiter=","'):
        notes("time,temp\n1,2\n", timestamp="time", delimiter=";")


def test_decimal_commas_under_a_header_that_is_not_split(notes):
    with pytest.raises(SourceError, match='say delimiter=";"'):
        notes("time;temp\n1;2,5\n2;3,5\n")


def test_the_nearest_name_is_still_suggested(notes):
    with pytest.raises(SourceError, match="did you mean 'time'"):
        notes("time,temp\n1,2\n", timestamp="tyme")
    with pytest.raises(SourceError, match="did you mean 'time'"):
        notes("time\n1\n", timestamp="tyme")
