"""What readers of records share: bytes -> records -> frames, and what becomes of those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..fields import option
from ..formats.framing import Built, FrameBuilder, Layout
from ..formats.payload import Payload, UnreadableError
from ..formats.schema import Schema
from ..frozen import frozen
from ..record import TEXT, TIMESTAMP, DeadLetter, Idle
from ..running import Batch, Context
from .base import Reader

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Decoder", "RawBlock", "RecordReader"]

_SHOWN = 2000


@frozen
class RawBlock:
    """Messages or lines as they came, in order.

    Attributes:
        data: the bytes of each.
        numbers: number of each message or line, 1-based.
        origin: where they came from.
        offsets: byte at which each begins, where there is such a thing.
        extra: further fields that the reader gives each record, by name.
        topics: what each was published under, where there is such a thing.
    """

    data: Sequence[bytes]
    numbers: Sequence[int]
    origin: str
    offsets: Sequence[int] | None = None
    extra: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    topics: Sequence[str] | None = None


class Decoder:
    """Turn the raw blocks of one source into records and frames; send what is unreadable to the dead letters."""

    def __init__(self, payload: Payload, builder: FrameBuilder, context: Context) -> None:
        self._decode = payload.decode
        self._builder = builder
        self._context = context

    def records(self, block: RawBlock) -> tuple[list[dict[str, Any]], Sequence[int]]:
        """Return the records of a block, and for each its index in the block."""
        rows: Sequence[int] = range(len(block.data))
        try:
            records = list(map(self._decode, block.data))
        except UnreadableError:
            records, rows = self._one_by_one(block)
        for name, values in block.extra.items():
            records, rows = self._with_extra(block, name, values, records, rows)
        return records, rows

    def _one_by_one(self, block: RawBlock) -> tuple[list[dict[str, Any]], list[int]]:
        records, rows = [], []
        for row, data in enumerate(block.data):
            try:
                records.append(self._decode(data))
                rows.append(row)
            except UnreadableError as error:
                self.reject(block, row, str(error))
        return records, rows

    def _with_extra(
        self, block: RawBlock, name: str, values: Sequence[Any], records: list[dict[str, Any]], rows: Sequence[int]
    ) -> tuple[list[dict[str, Any]], Sequence[int]]:
        taken = [place for place, record in enumerate(records) if name in record]
        for place in taken:
            self.reject(block, rows[place], f"has a field {name!r}, as the column that the reader adds is called")
        kept = [place for place in range(len(records)) if place not in set(taken)] if taken else range(len(records))
        return [{**records[place], name: values[rows[place]]} for place in kept], [rows[place] for place in kept]

    def reject(self, block: RawBlock, row: int, reason: str) -> None:
        """Send the message or line at an index of the block to the dead letters."""
        self._context.dead(
            DeadLetter(
                stage=self._context.stage,
                kind="dead",
                reason=reason,
                origin=block.origin,
                line=block.numbers[row],
                offset=block.offsets[row] if block.offsets else None,
                text=block.data[row][:_SHOWN].decode("utf-8", "backslashreplace"),
            )
        )

    def batches(self, block: RawBlock) -> Iterator[Batch]:
        """Yield the block as frames."""
        records, rows = self.records(block)
        if not records:
            return
        for built in self._builder.build(records):
            for index, reason in built.rejects.items():
                self.reject(block, rows[index], reason)
            if len(built.rows):
                yield self._batch(block, built, rows)

    def _batch(self, block: RawBlock, built: Built, rows: Sequence[int]) -> Batch:
        frame, lines = built.frame, block.numbers
        whole = len(built.rows) == len(rows) == len(block.data)
        if not whole:
            rows = [rows[index] for index in built.rows]
            lines = [lines[row] for row in rows]
        if self._context.keep_text:
            frame = frame.with_columns(self._texts([block.data[row] for row in rows]))
        return Batch(frame=frame, origin=block.origin, lines=lines)

    @staticmethod
    def _texts(data: Sequence[bytes]) -> pl.Series:
        import polars as pl

        return pl.Series(TEXT, [each.decode("utf-8", "backslashreplace") for each in data], dtype=pl.String)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordReader(Reader):
    """The base of readers whose source gives one record per message or line."""

    schema: tuple[tuple[str, str], ...] = option(
        "types of columns where they should not be found out: (temp=float id=text); of text integer float boolean time",
        Schema(),
        default=(),
    )

    def raw_blocks(self, context: Context) -> Iterator[RawBlock | Idle]:
        """Yield what the source has, in order. Blocks while it is silent; raises SourceError."""
        raise NotImplementedError

    def make_payload(self) -> Payload:
        """Return what turns bytes into records."""
        raise NotImplementedError

    def as_object(self, record: dict[str, Any]) -> Any:
        """Return what a record is outside of frames, before `wrapper` gets it."""
        return record

    def check(self) -> None:
        self.event_times()

    def decoder(self, context: Context) -> Decoder:
        """Return a new decoder of this source, which knows nothing of the columns yet but what `schema` says."""
        payload = self.make_payload()
        return Decoder(payload, self.builder(payload, context), context)

    def builder(self, payload: Payload, context: Context) -> FrameBuilder:
        layout = Layout(
            schema=dict(self.schema),
            textual=payload.textual,
            live=self.live,
            timestamp=self.timestamp,
            times=self.event_times(),
        )
        return FrameBuilder(layout, context.note)

    def open(self, context: Context) -> Iterator[Batch | Idle]:
        if self.live:  # what the first message needs is imported before it comes, not while others queue up behind it
            from ..formats import few_rows, timestamp_columns  # noqa: F401

        decoder = self.decoder(context)
        for block in self.raw_blocks(context):
            if isinstance(block, Idle):
                yield block
            else:
                yield from decoder.batches(block)

    def objects(self, context: Context) -> Iterator[Any]:
        """Yield the records one by one, before `wrapper` gets them.

        JSON and SCL records are as they were sent, fields missing or of any type, unless an option says how to read
        their event time, which is then a `datetime` under `timestamp`. CSV and patterns are typed as in a frame.
        """
        return super(RecordReader, self).objects(context) if self.make_payload().textual else self._objects(context)

    def _objects(self, context: Context) -> Iterator[Any]:
        decoder = self.decoder(context)
        timed = any((self.timestamp, self.format, self.unit, self.zone))
        for block in self.raw_blocks(context):
            if not isinstance(block, Idle):
                records = self._timed(block, decoder) if timed else decoder.records(block)[0]
                yield from map(self.as_object, records)

    def _timed(self, block: RawBlock, decoder: Decoder) -> Iterator[dict[str, Any]]:
        """Yield the records of a block with their event time, read as the options say, under `timestamp`."""
        name = self.timestamp or TIMESTAMP
        records, rows = decoder.records(block)
        read = self.event_times().read([record.get(name) for record in records])
        for place, (record, time) in enumerate(zip(records, read.values.to_list(), strict=True)):
            if time is None:
                decoder.reject(block, rows[place], f"{name!r}: {read.reasons[place]}")
            else:
                yield {TIMESTAMP: time, **{key: value for key, value in record.items() if key not in (name, TIMESTAMP)}}
