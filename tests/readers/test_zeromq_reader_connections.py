"""What a ZeroMQ reader does while nobody speaks, when the other end dies, and whom it will not speak with."""

import json
import logging
import os
import re
import signal
import socket as sockets
import subprocess
import sys
import threading

import pytest
import zmq
import zmq.auth
from plait.errors import SourceError, SpecError
from plait.readers import ZeroMQReader
from plait.record import Idle
from plait.running import Batch, Context


@pytest.fixture
def stop():
    """What the engine makes readable when a run is to stop, and the call that does."""
    reading, writing = sockets.socketpair()
    with reading, writing:
        yield reading, lambda: writing.send(b"x")


@pytest.fixture
def publisher():
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        socket.bind("tcp://127.0.0.1:*")
        yield socket


def address(socket):
    return socket.last_endpoint.decode()


def rows(items):
    return [row for item in items if isinstance(item, Batch) for row in item.frame.to_dicts()]


# Silence


def test_publisher_that_never_comes_is_idle_once_and_the_run_can_stop(stop):
    stopping, do_stop = stop
    items = ZeroMQReader(connect="tcp://127.0.0.1:1", idle="20ms").open(Context(stopping=stopping, clock=lambda: 7.0))
    assert next(items) == Idle(7.0)
    do_stop()
    assert list(items) == []


def test_publisher_that_comes_late_is_heard_and_silence_is_told_again(stop, tmp_path):
    stopping, do_stop = stop
    endpoint = f"ipc://{os.path.relpath(tmp_path)}/late"
    items = ZeroMQReader(connect=endpoint, idle="20ms").open(Context(stopping=stopping))
    assert isinstance(next(items), Idle)
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        socket.bind(endpoint)
        socket.recv()  # the subscription: the reader's end works without the reader
        socket.send(b'{"x": 1}')
        assert rows([next(items)]) == [{"x": 1}]
        assert isinstance(next(items), Idle)
        do_stop()
        assert list(items) == []


def test_without_idle_silence_is_not_told(stop):
    stopping, do_stop = stop
    do_stop()
    reader = ZeroMQReader(connect="tcp://127.0.0.1:1", idle=None)
    assert list(reader.open(Context(stopping=stopping))) == []


def test_stopping_delivers_what_has_arrived(stop, publisher):
    stopping, do_stop = stop
    items = ZeroMQReader(connect=address(publisher), high_water_mark=100).open(Context(stopping=stopping))

    def serve():
        publisher.recv()
        for n in range(50):
            publisher.send(json.dumps({"n": n}).encode())
        do_stop()

    thread = threading.Thread(target=serve)
    thread.start()
    delivered = rows(items)
    thread.join()
    assert [row["n"] for row in delivered] == list(range(len(delivered)))


def test_stopping_is_seen_while_messages_keep_coming(stop, publisher):
    stopping, do_stop = stop
    over = threading.Event()

    def serve():
        publisher.recv()
        while not over.is_set():
            publisher.send(b'{"x": 1}')

    thread = threading.Thread(target=serve)
    thread.start()
    items = ZeroMQReader(connect=address(publisher)).open(Context(stopping=stopping))
    assert rows([next(items)])
    do_stop()
    assert all(isinstance(item, Batch) for item in items)
    over.set()
    thread.join()


def test_reader_that_is_closed_in_the_middle_lets_go_of_its_address(publisher):
    for _ in range(2):
        items = ZeroMQReader(bind="tcp://127.0.0.1:*", idle=0).open(Context())
        assert isinstance(next(items), Idle)
        items.close()


# Death

PUBLISHER = """
import zmq
socket = zmq.Context().socket(zmq.XPUB)
socket.bind("tcp://127.0.0.1:*")
print(socket.last_endpoint.decode(), flush=True)
socket.recv()
socket.send(b'{"x": 1}')
socket.recv()
"""


@pytest.mark.processes
def test_publisher_that_is_killed_is_named_and_waited_for(stop):
    stopping, do_stop = stop
    with subprocess.Popen([sys.executable, "-c", PUBLISHER], stdout=subprocess.PIPE, text=True) as process:
        endpoint = process.stdout.readline().strip()
        context = Context(stopping=stopping)
        items = ZeroMQReader(connect=endpoint, idle="1s").open(context)
        assert rows([next(items)]) == [{"x": 1}]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert isinstance(next(items), Idle)
    assert context.counts["connections lost"] == 1
    assert f"{endpoint}: the other end has gone away" in context.notes
    do_stop()
    assert list(items) == []


# CURVE


class Keys:
    """Key pairs of a server and of a client, as files."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("server", "client", "other"):
            zmq.auth.create_certificates(folder, name)
        self.server_public, self.server_secret = zmq.auth.load_certificate(folder / "server.key_secret")


@pytest.fixture
def keys(tmp_path):
    return Keys(tmp_path)


@pytest.fixture
def curve_publisher(keys):
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = keys.server_public, keys.server_secret
        socket.bind("tcp://127.0.0.1:*")
        yield socket


def serve_one(publisher):
    while not publisher.recv().startswith(b"\x01"):
        pass  # the reader before this one has gone away: that unsubscribes
    publisher.send(b'{"x": 1}')


def read_one(publisher, context, **options):
    thread = threading.Thread(target=serve_one, args=[publisher])
    thread.start()
    items = list(ZeroMQReader(connect=address(publisher), count=1, idle=None, **options).open(context))
    thread.join()
    return rows(items)


@pytest.mark.parametrize("own", [None, "client.key_secret", "env:PLAIT_TEST_KEY", "alone"])
def test_curve_reader_with_the_servers_key_is_served(keys, curve_publisher, monkeypatch, own):
    secret = zmq.auth.load_certificate(keys.folder / "client.key_secret")[1].decode()
    monkeypatch.setenv("PLAIT_TEST_KEY", secret)
    (keys.folder / "alone").write_text(secret + "\n")
    for server_key in ("server.key", keys.server_public.decode()):
        options = {"server_key": server_key} | ({"secret_key": own} if own else {})
        assert read_one(curve_publisher, Context(base=keys.folder), **options) == [{"x": 1}]


def test_curve_reader_that_binds_is_the_server(keys):
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.linger = 0
        push.curve_serverkey = keys.server_public
        push.curve_publickey, push.curve_secretkey = zmq.curve_keypair()
        endpoint = f"ipc://{os.path.relpath(keys.folder)}/curve"
        push.connect(endpoint)
        push.send(b'{"x": 1}')
        reader = ZeroMQReader(bind=endpoint, socket="pull", count=1, secret_key="server.key_secret")
        assert rows(reader.open(Context(base=keys.folder))) == [{"x": 1}]


def test_wrong_server_key_is_an_error_instead_of_silence(keys, curve_publisher):
    reader = ZeroMQReader(connect=address(curve_publisher), idle=None, server_key="other.key")
    with pytest.raises(SourceError, match=f"{address(curve_publisher)}: .*server_key"):
        list(reader.open(Context(base=keys.folder)))


def test_curve_on_one_side_only_is_an_error_instead_of_silence(keys, curve_publisher, publisher):
    with pytest.raises(SourceError, match="CURVE on one side only"):
        list(ZeroMQReader(connect=address(curve_publisher), idle=None).open(Context()))
    with pytest.raises(SourceError, match="CURVE"):  # told by the protocol, or by a line that breaks off
        list(
            ZeroMQReader(connect=address(publisher), idle=None, server_key=keys.server_public.decode()).open(Context())
        )


@pytest.mark.parametrize(
    ("secret_key", "says"),
    [
        ("nothing", "'.*nothing' cannot be read"),
        ("client.key", "holds no secret"),
        ("env:PLAIT_TEST_NONE", "PLAIT_TEST_NONE"),
        ("garbage", "holds no secret"),
    ],
)
def test_key_that_is_not_there_is_named(keys, secret_key, says):
    (keys.folder / "garbage").write_bytes(b"nothing here")
    reader = ZeroMQReader(connect="tcp://127.0.0.1:1", server_key="server.key", secret_key=secret_key)
    with pytest.raises(SourceError, match=says):
        list(reader.open(Context(base=keys.folder)))


def test_secret_is_never_shown(keys, caplog):
    caplog.set_level(logging.DEBUG)
    secret = keys.server_secret.decode()
    with pytest.raises(SpecError) as caught:
        ZeroMQReader(bind="tcp://127.0.0.1:*", secret_key=secret)
    assert secret not in str(caught.value)
    reader = ZeroMQReader(bind="tcp://127.0.0.1:*", secret_key="server.key_secret", idle=0)
    items = reader.open(Context(base=keys.folder))
    next(items)
    items.close()
    assert secret not in repr(reader)
    assert secret not in caplog.text


# Addresses that cannot be


@pytest.mark.parametrize(
    ("endpoint", "says"),
    [
        ({"connect": "tcp://127.0.0.1:99999"}, "there is no port 99999; ports are 1 to 65535"),
        ({"connect": "tcp://127.0.0.1:0"}, "there is no port 0"),
        ({"bind": "tcp://127.0.0.1:65536"}, "there is no port 65536"),
        ({"connect": "tcp://nowhere.invalid:5555"}, "the host 'nowhere.invalid' is not known here"),
        ({"connect": f"tcp://{'x' * 70}.invalid:5555"}, "is not known here"),
        ({"connect": "tcp://eth0:0;nowhere.invalid:5555"}, "the host 'nowhere.invalid' is not known here"),
    ],
)
def test_an_address_that_cannot_be_is_an_error_and_not_waited_for(endpoint, says):
    with pytest.raises(SourceError, match=re.escape(says)) as caught:
        next(ZeroMQReader(**endpoint, idle=None).open(Context()))
    assert str(caught.value).startswith(next(iter(endpoint.values())))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_host_that_is_known_is_waited_for(host):
    items = ZeroMQReader(connect=f"tcp://{host}:1", idle="20ms").open(Context())
    assert isinstance(next(items), Idle)
    items.close()
