"""Numbered messages: what a publisher dropped on the way is counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..formats.framing import FrameBuilder
from ..formats.payload import Payload
from ..running import Context
from .record_reader import Decoder, RawBlock

__all__ = ["NumberedDecoder", "SequenceWatch"]


class SequenceWatch:
    """Follow the numbers of messages, topic by topic, and count what is missing.

    Counts: `gaps`, how often numbers were missing; `messages missing`, how many; `restarts`, how often the numbers
    went back, as those of a publisher that was started again do.
    """

    def __init__(self, origin: str, context: Context) -> None:
        self._origin = origin
        self._context = context
        self._last: dict[str, int] = {}

    def see(self, topic: str, number: int) -> None:
        """Take note of the number of the next message. The first one of a topic may be any."""
        last = self._last.get(topic)
        self._last[topic] = number
        if last is None or number == last + 1:
            return
        if number > last:
            self._context.counts["gaps"] += 1
            self._context.counts["messages missing"] += number - last - 1
            self._context.note(
                f"{self._origin}: numbers of messages are missing; a larger high_water_mark may keep them"
            )
        else:
            self._context.counts["restarts"] += 1
            self._context.note(f"{self._origin}: the numbers of messages went back; was the publisher started again?")


class NumberedDecoder(Decoder):
    """A decoder that follows the numbers which stand in a field of the records. A record without one is counted."""

    def __init__(
        self, payload: Payload, builder: FrameBuilder, context: Context, field: str, watch: SequenceWatch
    ) -> None:
        super().__init__(payload, builder, context)
        self._field = field
        self._watch = watch

    def records(self, block: RawBlock) -> tuple[list[dict[str, Any]], Sequence[int]]:
        records, rows = super().records(block)
        assert block.topics is not None, "numbered messages have topics, if empty ones"
        for record, row in zip(records, rows, strict=True):
            number = _whole(record.get(self._field))
            if number is None:
                self._context.counts["messages without a number"] += 1
            else:
                self._watch.see(block.topics[row], number)
        return records, rows


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if type(value) is int else None
