"""Which files a path means, and what is said if it means none."""

import gzip
from pathlib import Path

import pytest
from plait.errors import SourceError
from plait.formats.files import FoundFile, find_files, open_bytes


def message(pattern, base):
    with pytest.raises(SourceError) as caught:
        find_files(pattern, base)
    return str(caught.value)


def test_glob_means_its_files_in_the_order_of_their_names_without_folders(tmp_path):
    for name in ("b.log", "a.log", "a10.log", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.log").mkdir()
    assert [file.name for file in find_files("*.log", tmp_path)] == ["a.log", "a10.log", "b.log"]
    absolute = [str(tmp_path / name) for name in ("a.log", "b.log")]
    assert [file.name for file in find_files(str(tmp_path / "[ab].log"), Path("/"))] == absolute


def test_glob_characters_of_the_base_folder_mean_themselves(tmp_path):
    base = tmp_path / "run[1]"
    base.mkdir()
    (base / "a.log").touch()
    assert [file.name for file in find_files("*.log", base)] == ["a.log"]


def test_file_whose_name_looks_like_a_glob_is_found(tmp_path):
    (tmp_path / "log[1].txt").touch()
    assert [file.name for file in find_files("log[1].txt", tmp_path)] == ["log[1].txt"]


def test_missing_file_is_named_with_its_folder_and_the_nearest_name(tmp_path):
    (tmp_path / "log.txt").touch()
    assert message("lgo.txt", tmp_path) == f"there is no file 'lgo.txt' in {tmp_path}; did you mean 'log.txt'?"


def test_missing_folder_is_named_with_the_nearest_name(tmp_path):
    (tmp_path / "data").mkdir()
    assert message("dta/deep/x.csv", tmp_path) == f"there is no folder 'dta' in {tmp_path}; did you mean 'data'?"
    (tmp_path / "x.csv").touch()
    assert (
        message("x.csv/y", tmp_path) == f"there is no file 'y' in {tmp_path / 'x.csv'}: that is a file, and no folder"
    )


@pytest.mark.parametrize(("name", "reason"), [("a\0", "null byte"), ("1" * 300, "too long"), ("\ud800", "surrogates")])
def test_what_cannot_be_a_name_says_why(tmp_path, name, reason):
    assert f"{name!r} cannot be the name of a file: " in message(name, tmp_path)
    assert reason in message(name, tmp_path)


def test_folder_is_no_file(tmp_path):
    (tmp_path / "data").mkdir()
    assert message("data", tmp_path) == "'data' is a folder; name a file in it, or all with \"data/*\""


def test_glob_without_a_match_says_so(tmp_path):
    assert message("*.csv", tmp_path) == f"no file matches '*.csv' in {tmp_path}"
    assert message("*/x.csv", tmp_path) == f"no file matches '{tmp_path}/*/x.csv'"


def test_gzip_is_recognized_by_how_it_begins(tmp_path):
    path = tmp_path / "plain-name"
    path.write_bytes(gzip.compress(b"hello"))
    with open_bytes(FoundFile(path, "x")) as stream:
        assert stream.read() == b"hello"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: data[:-20], "cut short"),
        (lambda data: data[:15] + b"\xff\xff\xff" + data[18:], "damaged"),
        (lambda data: data[:-8] + b"\0" * 8, "damaged"),
    ],
)
def test_damaged_gzip_is_named(tmp_path, damage, says):
    path = tmp_path / "x.gz"
    path.write_bytes(damage(gzip.compress(bytes(range(256)) * 40)))
    with pytest.raises(SourceError, match=f"x.gz: .*{says}"), open_bytes(FoundFile(path, "x.gz")) as stream:
        stream.read()


def test_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # a chmod does not keep root out
    with pytest.raises(SourceError, match=r"x\.log: no permission"), open_bytes(FoundFile(tmp_path, "x.log")):
        pass
