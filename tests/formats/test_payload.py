"""What the bytes of one message mean, and why some mean nothing."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plait.formats.payload import PAYLOADS, UnreadableError, make_payload

OPTIONS = {"csv": {"columns": ["a", "b"]}}


def read(name, data, **options):
    return make_payload(name, **options).decode(data)


def reason(name, data, **options):
    with pytest.raises(UnreadableError) as caught:
        read(name, data, **options)
    return str(caught.value)


def test_json_object_is_a_record_with_its_nested_values():
    assert read("json", b'{"a": 1, "b": {"c": [true, null, "x"]}}') == {"a": 1, "b": {"c": [True, None, "x"]}}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[1, 2]", "not an object but array"),
        (b"17", "not an object but int"),
        (b'"text"', "not an object but str"),
        (b"null", "not an object but null"),
        (b"", "empty message"),
        (b"{}", "without any field"),
        (b'{"a": 1', "truncated"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\x00"}', "not JSON"),
        (b'{"a": "\\ud800"}', "not JSON"),
        (b"\x00\x01\x02garbage", "not JSON"),
        (b'{"a":' * 5000, "nested too deeply"),
        (pickle.dumps({"a": 1}), "pickle, which is never opened"),
    ],
)
def test_what_is_no_json_object_is_unreadable_and_says_why(data, says):
    assert says in reason("json", data)


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"1577836800,2", "not JSON as a whole; expected an object such as {\"temp\": 1.5}, not '1577836800,2'"),
        (b"time,temp", "expected an object such as {\"temp\": 1.5}, not 'time,temp'"),
        (b"17", "JSON that is not an object but int; expected an object such as {\"temp\": 1.5}, not '17'"),
        (b"[" + b"1," * 99 + b"1]", "not '[1,1,1"),
    ],
)
def test_what_is_no_json_object_is_shown_with_what_was_expected(data, says):
    assert says in reason("json", data)
    assert len(reason("json", data)) < 200


@pytest.mark.parametrize("name", ["json", "text", "csv"])
def test_pickle_is_never_opened(tmp_path, name):
    sprung = tmp_path / "sprung"
    with pytest.raises(UnreadableError):
        read(name, pickle.dumps(Trap(str(sprung))), **OPTIONS.get(name, {}))
    assert not sprung.exists()


def test_text_is_one_field_and_may_hold_nul():
    assert read("text", "dôme \0 open".encode()) == {"text": "dôme \0 open"}


def test_text_that_is_not_utf_8_names_the_byte():
    assert reason("text", b"ab\xffc") == "not UTF-8: byte 0xff at 2"


def test_groups_of_a_pattern_are_the_fields_and_what_matches_nothing_is_null():
    pattern = r"(?P<time>\S+) (?P<level>[A-Z]+)?(?P<text>.*)"
    assert read("text", b"12:00 ", pattern=pattern) == {"time": "12:00", "level": None, "text": None}
    assert reason("text", b"nothing", pattern=pattern) == f"does not match the pattern {pattern}"


def test_raw_bytes_are_kept_as_they_are():
    assert read("raw", b"\x00\xff") == {"payload": b"\x00\xff"}


def test_csv_row_has_the_given_columns_and_empty_fields_are_null():
    assert read("csv", b'"a,""b""",,3\r\n', columns=["x", "y", "z"]) == {"x": 'a,"b"', "y": None, "z": "3"}
    assert read("csv", b"1;2", columns=["x", "y"], delimiter=";") == {"x": "1", "y": "2"}


def test_csv_field_of_empty_quotes_is_the_empty_text():
    row = read("csv", b'"",,"a""b","",""""\r\n', columns=["a", "b", "c", "d", "e"])
    assert row == {"a": "", "b": None, "c": 'a"b', "d": "", "e": '"'}
    assert read("csv", b'|""|"|"', columns=["x", "y", "z"], delimiter="|") == {"x": None, "y": "", "z": "|"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"1,2", "2 fields, not the 3 of columns=[x y z]"),
        (b"1,2,3,4", "4 fields, not the 3"),
        (b'1,"2,3', "not CSV"),
        (b'1,"2"3,4', "not CSV"),
        (b"1,\x00,3", "not CSV"),
        (b"1,2,\xff", "not UTF-8"),
        (b"", "empty message"),
    ],
)
def test_what_is_no_row_of_csv_is_unreadable_and_says_why(data, says):
    assert says in reason("csv", data, columns=["x", "y", "z"])


@pytest.mark.parametrize("name", sorted(PAYLOADS))
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_record_or_unreadable(name, data):
    try:
        record = read(name, data, **OPTIONS.get(name, {}))
    except UnreadableError:
        return
    assert record
    assert all(isinstance(key, str) for key in record)


@pytest.mark.parametrize("name", sorted(PAYLOADS))
@pytest.mark.parametrize(("option", "value"), [("columns", ["a", "b"]), ("delimiter", ";"), ("pattern", "(?P<a>.)")])
def test_options_that_do_not_belong_are_refused(name, option, value):
    owner = {"columns": "csv", "delimiter": "csv", "pattern": "text"}[option]
    options = {**OPTIONS.get(name, {}), option: value}
    if name == owner:
        assert make_payload(name, **options).textual
    else:
        with pytest.raises(TypeError, match="argument"):
            make_payload(name, **options)
