"""A file appears when it is complete, or grows for who follows it; what goes wrong leaves nothing behind."""

from __future__ import annotations

import fcntl
import gzip
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from plait.errors import SinkError
from plait.writers import OutputFile

FULL = Path("/dev/full")
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path):
    file = OutputFile(tmp_path / "a" / "b" / "x.txt")
    file.write(b"one\n")
    file.flush()
    assert names(tmp_path / "a" / "b") == [f".x.txt.part-{os.getpid()}"]
    file.write(b"two\n")
    file.close()
    assert names(tmp_path / "a" / "b") == ["x.txt"]
    assert (tmp_path / "a" / "b" / "x.txt").read_bytes() == b"one\ntwo\n"


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")
    file = OutputFile(path)
    file.write(b"new")
    assert path.read_bytes() == b"old"
    file.close()
    assert path.read_bytes() == b"new"


def test_abort_leaves_nothing_that_looks_complete(tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"old")
    file = OutputFile(path)
    file.write(b"new")
    file.abort()
    file.abort()
    assert names(tmp_path) == ["x.txt"]
    assert path.read_bytes() == b"old"


def test_a_followed_file_grows_with_every_write_and_stays_after_abort(tmp_path):
    path = tmp_path / "x.txt"
    file = OutputFile(path, follow=True)
    for number in range(3):
        file.write(b"%d\n" % number)
        assert path.read_bytes().endswith(b"%d\n" % number)
    file.abort()
    assert path.read_bytes() == b"0\n1\n2\n"
    OutputFile(path, follow=True).close()
    assert path.read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd")
def test_a_pipe_without_a_name_is_written_as_dev_stdout_is():
    receiver, sender = os.pipe()
    file = OutputFile(Path(f"/dev/fd/{sender}"))
    file.write(b"one\n")
    file.close()
    os.close(sender)
    with os.fdopen(receiver, "rb") as arrived:
        assert arrived.read() == b"one\n"


@pytest.mark.processes
def test_what_a_killed_run_has_left_is_removed_and_what_another_run_writes_is_not(tmp_path):
    script = "import os, sys; from pathlib import Path; from plait.writers.output_file import OutputFile;"
    script += "OutputFile(Path('x[1].txt')).write(b'half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=60, check=False)
    (killed,) = tmp_path.iterdir()
    running = tmp_path / ".x[1].txt.part-1"
    with running.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        mine = OutputFile(tmp_path / "x[1].txt")
        assert running.exists()
        assert not killed.exists()
        mine.write(b"whole\n")
        mine.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [running.name, "x[1].txt"]


def test_append_writes_behind_what_is_there(tmp_path):
    path = tmp_path / "x.txt"
    first = OutputFile(path, follow=True, append=True)
    assert first.is_new
    first.write(b"one\n")
    first.close()
    second = OutputFile(path, follow=True, append=True)
    assert not second.is_new
    second.write(b"two\n")
    second.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_gz_is_packed_and_the_same_bytes_in_give_the_same_bytes_out(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        file = OutputFile(tmp_path / name)
        file.write(b"one\n" * 1000)
        file.write(b"two\n")
        file.close()
    packed = (tmp_path / "a.csv.gz").read_bytes()
    assert gzip.decompress(packed) == b"one\n" * 1000 + b"two\n"
    assert packed == (tmp_path / "b.csv.gz").read_bytes()


def test_what_was_flushed_to_a_followed_gz_can_be_read(tmp_path):
    file = OutputFile(tmp_path / "x.gz", follow=True)
    file.write(b"one\n")
    file.flush()
    with gzip.open(tmp_path / "x.gz") as reader:
        assert reader.read(4) == b"one\n"
    file.close()


def test_a_link_stays_and_the_file_that_it_names_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "x.txt")
    file = OutputFile(tmp_path / "link.txt")
    file.write(b"new")
    file.close()
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "x.txt").read_bytes() == b"new"


def test_the_file_has_the_rights_of_the_umask_or_of_the_file_before(tmp_path):
    before = os.umask(0o027)
    try:
        OutputFile(tmp_path / "new.txt").close()
        (tmp_path / "private.txt").touch(mode=0o600)
        OutputFile(tmp_path / "private.txt").close()
    finally:
        os.umask(before)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "private.txt").stat().st_mode & 0o777 == 0o600


def test_a_device_is_written_to_and_never_replaced():
    file = OutputFile(Path(os.devnull))
    file.write(b"gone")
    file.close()
    assert Path(os.devnull).is_char_device()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(SinkError, match=rf"{tmp_path}: cannot be written: it is a folder"):
        OutputFile(tmp_path)
    with pytest.raises(SinkError, match="it is a folder"):
        OutputFile(tmp_path, follow=True)


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(SinkError, match=r"x/y\.txt: cannot be written"):
        OutputFile(tmp_path / "x" / "y.txt")


@contextmanager
def without_privileges() -> Iterator[None]:
    """Do as a user who is not root, so that permissions mean something."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if user == 0:
            os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter and write to (pytest's own are private to one)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_missing_rights_are_named(open_folder):
    closed = open_folder / "closed"
    closed.mkdir(mode=0o555)
    read_only = open_folder / "read_only.txt"
    read_only.touch()
    read_only.chmod(0o444)
    with without_privileges():
        OutputFile(open_folder / "fine.txt").close()
        for path in (closed / "x.txt", closed / "new" / "x.txt", read_only):
            with pytest.raises(SinkError, match=rf"{path}: cannot be written: .*(denied|may not be written)"):
                OutputFile(path)
    assert names(open_folder) == ["closed", "fine.txt", "read_only.txt"]


@needs_full_device
@pytest.mark.parametrize("name", ["x.txt", "x.gz"])
def test_a_full_device_is_named_with_path_and_reason(tmp_path, name):
    (tmp_path / name).symlink_to(FULL)
    file = OutputFile(tmp_path / name)
    file.write(b"small")
    with pytest.raises(SinkError, match=rf"{name}: cannot be written: No space left"):
        file.close()
    file.abort()
    assert FULL.is_char_device()


@pytest.fixture
def no_file_above_64_kib() -> Iterator[None]:
    """The nearest that any user can come to a disk that fills up half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_much(file: OutputFile) -> None:
    for _ in range(100):
        file.write(os.urandom(10_000))


@pytest.mark.usefixtures("no_file_above_64_kib")
@pytest.mark.parametrize("name", ["x.txt", "x.gz"])
def test_a_file_that_cannot_grow_leaves_no_part_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    file = OutputFile(tmp_path / name)
    with pytest.raises(SinkError, match=rf"{name}: cannot be written: File too large"):
        write_much(file)
    assert names(tmp_path) == [name]
    file.abort()
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.usefixtures("no_file_above_64_kib")
def test_a_followed_file_that_cannot_grow_keeps_what_it_has(tmp_path):
    file = OutputFile(tmp_path / "x.txt", follow=True)
    with pytest.raises(SinkError, match="File too large"):
        write_much(file)
    assert (tmp_path / "x.txt").stat().st_size == 65536
