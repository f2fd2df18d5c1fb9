"""The frames of a ZeroMQ message: topic, number, payload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["FramesError", "Opened", "opener", "payloads"]

_NUMBER_SIZES = (4, 8)


class FramesError(ValueError):
    """A message has not the frames that it should have; the text says which."""


class Opened(NamedTuple):
    """A message taken apart. `number` is 0 where messages are not numbered by a frame."""

    topic: str
    payload: bytes
    number: int = 0


def payloads(messages: Sequence[list[bytes]], topics: Sequence[bytes]) -> list[bytes] | None:
    """Return the payloads of messages that are not numbered, if `opener` need not look at each; else None."""
    sizes = set(map(len, messages))
    if sizes == {2}:
        return [payload for _, payload in messages]
    return [payload for (payload,) in messages] if sizes == {1} and not any(topics) else None


def opener(topics: Sequence[bytes], *, numbered: bool) -> Callable[[list[bytes]], Opened]:
    """Return what takes messages apart, or raises FramesError.

    | frames | with `numbered` | without |
    |---|---|---|
    | 1 | refused | `topic payload` if topics are subscribed to and a blank follows one, else the payload |
    | 2 | refused | topic, payload |
    | 3 | topic, number (4 or 8 bytes in network order), payload | refused |
    """

    def open_one(frames: list[bytes]) -> Opened:
        if len(frames) == 2:
            return Opened(_text(frames[0]), frames[1])
        if len(frames) == 1:
            return _split(frames[0], topics)
        raise FramesError(f"{len(frames)} frames; a message has the frames [topic, payload], or one")

    return _open_numbered if numbered else open_one


def _open_numbered(frames: list[bytes]) -> Opened:
    if len(frames) != 3:
        raise FramesError(f"{len(frames)} frames; with sequence=frame a message has [topic, number, payload]")
    topic, number, payload = frames
    if len(number) not in _NUMBER_SIZES:
        raise FramesError(f"the frame with the number has {len(number)} bytes, not 4 or 8")
    return Opened(_text(topic), payload, int.from_bytes(number, "big"))


def _split(frame: bytes, topics: Sequence[bytes]) -> Opened:
    """Take `topic payload` apart at the first blank behind the prefix that it was subscribed to by."""
    for prefix in topics:
        if prefix and frame.startswith(prefix):
            end = frame.find(b" ", len(prefix))
            if end >= 0:
                return Opened(_text(frame[:end]), frame[end + 1 :])
            return Opened(_text(prefix), frame)
    return Opened("", frame)


def _text(topic: bytes) -> str:
    return topic.decode("utf-8", "backslashreplace")
