"""Messages from ZeroMQ sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from ..fields import Choice, Duration, Integer, Names, Value, YesNo, option
from ..formats.delimiter import Delimiter
from ..formats.payload import Payload, make_payload
from ..record import TIMESTAMP, DeadLetter, Idle
from ..running import Context
from .record_reader import Decoder, RawBlock, RecordReader
from .zeromq_frames import FramesError, Opened, opener, payloads
from .zeromq_keys import SecretKey, load_keys
from .zeromq_sequence import NumberedDecoder, SequenceWatch
from .zeromq_socket import Address, Inbox, News, open_inbox

__all__ = ["MessageSorter", "ZeroMQReader"]

_MOST_AT_ONCE = 10_000
_IN_A_FRAME = "frame"
_SHOWN = 200
_SHOWN_FRAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroMQReader(RecordReader):
    """Read the messages that arrive on a ZeroMQ socket.

    ```
    publisher -- [topic, payload] --> socket=sub   (topic: only what begins with it)
    worker    -- [payload]        --> socket=pull
    ```

    A message has the frames [topic, payload], or [topic, number, payload] with sequence=frame, or is one frame: with
    sub and a topic "topic payload", else the payload alone. A payload is a JSON object, a row of CSV, a text (the
    column `text`) or bytes (the column `payload`).
    Output: the fields of the payload. A column is what its first value is, or as `schema` says; integer becomes float
    at the first fraction, any other value that does not fit is a dead letter; a later field is a new column. Objects
    are structs. Fields of CSV mean what they mean to reader=csv.
    Order: that of arrival; a batch is what had arrived when the stages behind were ready for more.
    Full: `high_water_mark` messages wait in the socket, then PUSH waits and PUB drops without a word: number the
    messages (`sequence`), and the run reports what is missing.
    Ends: with a message that is `end`, after `count` messages, or when the run is to stop; it then delivers what has
    arrived. A publisher that comes late or goes away is waited for (a host that is not known is an error); after `idle`
    the stages behind are told.
    Dead letters: payloads that cannot be read (a pickle is never opened) and wrong numbers of frames.

    Example:
        reader=zeromq(connect="tcp://127.0.0.1:5555" topic="sensor:" payload=json timestamp=ts unit=s idle=5s)

    See also: reader=jsonl for the same records in a file.
    """

    variant: ClassVar[str] = "zeromq"
    live: ClassVar[bool] = True

    connect: str | None = option("address to connect to, such as tcp://127.0.0.1:5555; or bind", default=None)
    bind: str | None = option("address to bind, for others to connect to; or connect", default=None)
    socket: str = option(
        "kind of socket: sub for what is published, pull for what is pushed", Choice(("sub", "pull")), default="sub"
    )
    topic: tuple[str, ...] = option(
        "what messages must begin with, for socket=sub; all if not given", Names(), default=()
    )
    topic_as: str | None = option("add a column of this name that holds the topic of the message", default=None)
    payload: str = option("what a message is", Choice(("json", "csv", "text", "raw")), default="json")
    column_names: tuple[str, ...] = option(
        "names of the fields, for payload=csv", Names(), default=(), called="columns"
    )
    columns: InitVar[Any]  # its default is the method of that name, which all readers have
    delimiter: str = option("what stands between the fields, for payload=csv", Delimiter(), default=",")
    arrival: bool = option("take the time of arrival as the event time", YesNo(), default=False)
    idle: timedelta | None = option(
        "after this silence the stages behind go on without this source", Duration(), default=timedelta(seconds=5)
    )
    end: str | None = option("payload that ends the stream; it is not delivered", default=None)
    count: int | None = option("end after this many messages, readable or not", Integer(least=1), default=None)
    high_water_mark: int = option("messages that may wait in the socket, per peer", Integer(least=1), default=1000)
    sequence: str | None = option(
        "field that numbers the messages, topic by topic; or frame: a frame of 4 or 8 bytes in network order",
        default=None,
    )
    server_key: str | None = option("public CURVE key of the server to connect to, or its file", default=None)
    secret_key: str | None = option("file of the own secret CURVE key, or env:NAME", SecretKey(), default=None)
    queue: Any = option("where `run` puts the records", Value(), default=None, runtime=True)
    wrapper: Any = option("called with each record; what it returns is put", Value(), default=None, runtime=True)
    now: Callable[[], float] = option(
        "the time of day, in seconds since 1970", Value(), default=time.time, runtime=True
    )

    def __post_init__(self, columns: Any) -> None:
        if not callable(columns):
            object.__setattr__(self, "column_names", columns)
        RecordReader.__post_init__(self)

    def check(self) -> None:
        RecordReader.check(self)
        for name, message in self._mistakes():
            raise self.wrong(name, message)

    def _mistakes(self) -> Iterator[tuple[str | None, str]]:
        if (self.connect is None) == (self.bind is None):
            yield None, "give one of connect= and bind="
        if self.topic and self.socket != "sub":
            yield "topic", "goes with socket=sub; what is pushed has no subscriptions"
        if bool(self.column_names) != (self.payload == "csv"):
            yield "columns", "goes with payload=csv, which needs it"
        if self.delimiter != "," and self.payload != "csv":
            yield "delimiter", f"goes with payload=csv, not with payload={self.payload}"
        if self.timestamp and self.payload in ("text", "raw"):
            yield "timestamp", f"a message with payload={self.payload} has no field but one; say arrival=yes"
        if self.arrival and any((self.timestamp, self.format, self.unit, self.zone)):
            yield "arrival", "the event time is either that of arrival or that of a field"
        yield from self._mistakes_in_keys()

    def _mistakes_in_keys(self) -> Iterator[tuple[str | None, str]]:
        if self.bind and self.server_key:
            yield "server_key", "the end that binds is the server; its key is secret_key"
        if self.connect and self.secret_key and not self.server_key:
            yield "server_key", "is missing: the end that connects must know the server's public key"

    def make_payload(self) -> Payload:
        if self.payload == "csv":
            return make_payload("csv", columns=self.column_names, delimiter=self.delimiter)
        return make_payload(self.payload)

    def decoder(self, context: Context) -> Decoder:
        if self.sequence is None or self.sequence == _IN_A_FRAME:
            return RecordReader.decoder(self, context)
        payload = self.make_payload()
        watch = SequenceWatch(self.endpoint, context)
        return NumberedDecoder(payload, self.builder(payload, context), context, self.sequence, watch)

    @property
    def endpoint(self) -> str:
        """The address that is bound or connected to."""
        return self.connect or self.bind or ""

    def _address(self, context: Context) -> Address:
        return Address(
            socket=self.socket,
            endpoint=self.endpoint,
            bind=self.bind is not None,
            topics=tuple(topic.encode() for topic in self.topic),
            high_water_mark=self.high_water_mark,
            keys=load_keys(self.server_key, self.secret_key, context.base),
        )

    def raw_blocks(self, context: Context) -> Iterator[RawBlock | Idle]:
        patience = None if self.idle is None else self.idle.total_seconds()
        with open_inbox(self._address(context), context) as inbox:
            sorter = MessageSorter(self, context)
            while not sorter.ended:
                since = context.clock()
                news = inbox.wait(patience)
                while news is News.SILENCE:
                    yield Idle(since)
                    news = inbox.wait(patience)
                if news is News.STOPPING:
                    yield from self._rest(inbox, sorter)
                    break
                yield sorter.sort(inbox.take(sorter.most_wanted()))

    def _rest(self, inbox: Inbox, sorter: MessageSorter) -> Iterator[RawBlock]:
        """Yield what waits in the socket: no more than can, however fast others send."""
        left = self.high_water_mark
        while left > 0 and not sorter.ended and (messages := inbox.take(min(left, sorter.most_wanted()))):
            left -= len(messages)
            yield sorter.sort(messages)


class MessageSorter:
    """Take the messages of one run apart, number them, and notice the end."""

    def __init__(self, reader: ZeroMQReader, context: Context) -> None:
        self._reader = reader
        self._context = context
        self._origin = reader.endpoint
        self._numbered = reader.sequence == _IN_A_FRAME
        self._topics = [topic.encode() for topic in reader.topic]
        self._open = opener(self._topics, numbered=self._numbered)
        self._needs_topics = bool(reader.topic_as or reader.sequence)
        self._watch = SequenceWatch(self._origin, context)
        self._end = None if reader.end is None else reader.end.encode()
        self._seen = 0
        self._latest = 0.0
        self.ended = False

    def most_wanted(self) -> int:
        """Return how many messages may be taken from the socket now."""
        left = _MOST_AT_ONCE if self._reader.count is None else self._reader.count - self._seen
        return min(left, _MOST_AT_ONCE)

    def sort(self, messages: Sequence[list[bytes]]) -> RawBlock:
        """Return the payloads with their numbers, topics and what else the reader adds."""
        messages = self._until_end(messages)
        plain = None if self._needs_topics else payloads(messages, self._topics)
        if plain is None:
            return self._sort_one_by_one(messages)
        numbers = range(self._seen + 1, self._seen + 1 + len(plain))
        self._seen += len(plain)
        self.ended = self.ended or self._seen == self._reader.count
        return RawBlock(plain, numbers, self._origin, extra=self._extra([""] * len(plain)))

    def _sort_one_by_one(self, messages: Sequence[list[bytes]]) -> RawBlock:
        opened: list[Opened] = []
        numbers: list[int] = []
        for frames in messages:
            self._seen += 1
            try:
                opened.append(self._open(frames))
                numbers.append(self._seen)
            except FramesError as error:
                self._reject(frames, str(error))
        self.ended = self.ended or self._seen == self._reader.count
        for message in opened if self._numbered else ():
            self._watch.see(message.topic, message.number)
        topics = [message.topic for message in opened]
        data = [message.payload for message in opened]
        return RawBlock(data, numbers, self._origin, extra=self._extra(topics), topics=topics)

    def _until_end(self, messages: Sequence[list[bytes]]) -> Sequence[list[bytes]]:
        """Return what comes before the message that ends the stream; count what had come behind it already."""
        if self._end is None:
            return messages
        end = next((place for place, frames in enumerate(messages) if self._is_end(frames)), None)
        if end is None:
            return messages
        self.ended = True
        behind = len(messages) - end - 1
        if behind:
            self._context.counts["messages behind the end"] += behind
        return messages[:end]

    def _is_end(self, frames: list[bytes]) -> bool:
        if len(frames) == 1 and not self._numbered:
            return self._open(frames).payload == self._end
        return frames[-1] == self._end

    def _extra(self, topics: Sequence[str]) -> dict[str, Sequence[Any]]:
        extra: dict[str, Sequence[Any]] = {}
        if self._reader.arrival:
            self._latest = max(self._latest, self._reader.now())  # a clock that is set back makes no record late
            extra[TIMESTAMP] = [datetime.fromtimestamp(self._latest, UTC)] * len(topics)
        if self._reader.topic_as:
            extra[self._reader.topic_as] = topics
        return extra

    def _reject(self, frames: Sequence[bytes], reason: str) -> None:
        text = " | ".join(frame[:_SHOWN].decode("utf-8", "backslashreplace") for frame in frames[:_SHOWN_FRAMES])
        self._context.dead(
            DeadLetter(
                stage=self._context.stage,
                kind="dead",
                reason=reason,
                origin=self._origin,
                line=self._seen,
                text=text,
            )
        )
