"""Fields that are times of one form -> microseconds: all rows at once, without a text for each.

    2026-01-01T00:00:00.498Z      eight bytes are one number; a field of 24 bytes is three of them
    0000-00-00T00:00:00.000Z      what must be there: the exclusive or of both has the digits, and zeros elsewhere

A byte that is larger than it may be (most digits 9, the tens of minutes and seconds 5, all others 0) shows in its
highest bit when what is missing to 127 is added. Dates are looked up: they are the same for many rows in a row.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]
    Ints = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

__all__ = ["Moments", "moments"]

_ISO: Final = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.(?P<fraction>[0-9]{1,6}))?"
    rb"(?P<zone>Z|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))?"
)
_SECOND, _MINUTE, _DAY = 1_000_000, 60_000_000, 86_400_000_000
_DATE: Final = (0, 1, 2, 3, 5, 6, 8, 9)
_CLOCK: Final = {11: 600 * _MINUTE, 12: 60 * _MINUTE, 14: 10 * _MINUTE, 15: _MINUTE, 17: 10 * _SECOND, 18: _SECOND}
_TENS_TO_SIXTY: Final = (14, 17)
_FRACTION: Final = 20
_WORD: Final = 8
_DIGIT: Final = np.uint64(255)
_DAY_OF_MONTH: Final = np.uint64(0xFFFF)
_TOO_LARGE: Final = np.uint64(0x8080808080808080)
_ROWS_A_DATE: Final = 8
"""On average; where dates change more often, to read each by itself costs more than it saves."""
_1970: Final = date(1970, 1, 1).toordinal()


class Moments(NamedTuple):
    """Times in microseconds since 1970, and whether they name a zone; if not, they are local times."""

    values: Ints
    zoned: bool


class _Form(NamedTuple):
    """How all times are written.

    Attributes:
        text: what is to be there; at the places of digits, zeros.
        room: of each byte, how much less than 127 it may exceed that.
        weights: microseconds of one of each digit of the time of day, by its place.
        ahead: microseconds by which the zone is ahead of UTC; None: no zone is named.
    """

    text: bytes
    room: bytes
    weights: dict[int, int]
    ahead: int | None


def moments(block: Bytes, starts: Ints, width: int) -> Moments | None:
    """Read ISO 8601 times with seconds and up to six digits behind them.

    Args:
        block: the bytes in which the fields stand.
        starts: where they start; at least one.
        width: how many bytes each of them has.

    Returns:
        None if one is no such time, or is not written as the first is; or if nearly each has a date of its own.
    """
    form = _form_of(block[starts[0] : starts[0] + width].tobytes())
    if form is None:
        return None
    texts = np.ndarray((len(block) - width + 1,), f"V{width}", block, 0, (1,))[starts]
    words = {at: _word_at(texts, at) for at in {0, _WORD, min(2 * _WORD, width - _WORD), width - _WORD}}
    digits = {at: word ^ _word(form.text, at) for at, word in words.items()}
    if any(_some_too_large(word, _word(form.room, at)) for at, word in digits.items()):
        return None
    since_midnight = _summed(digits, form.weights)
    midnights = _midnights(texts, words[0], words[_WORD]) if since_midnight.max() < _DAY else None
    return (
        None if midnights is None else Moments(midnights + since_midnight - (form.ahead or 0), form.ahead is not None)
    )


def _form_of(first: bytes) -> _Form | None:
    match = _ISO.fullmatch(first)
    if match is None:
        return None
    weights = _CLOCK | {_FRACTION + n: 10 ** (5 - n) for n in range(len(match["fraction"] or b""))}
    most = dict.fromkeys((*_DATE, *weights), 9) | dict.fromkeys(_TENS_TO_SIXTY, 5)
    text = bytes(ord("0") if place in most else byte for place, byte in enumerate(first))
    room = bytes(127 - most.get(place, 0) for place in range(len(first)))
    return _Form(text, room, weights, _ahead(match))


def _ahead(match: re.Match[bytes]) -> int | None:
    if match["zone"] is None:
        return None
    minutes = 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)
    return (-minutes if match["sign"] == b"-" else minutes) * _MINUTE


def _word(text: bytes, at: int) -> np.uint64:
    return np.uint64(int.from_bytes(text[at : at + _WORD], "little"))


def _word_at(texts: npt.NDArray[Any], at: int) -> Words:
    """Return eight bytes of each text as a number, the first byte the lowest."""
    return np.ndarray(texts.shape, "<u8", texts, at, texts.strides).copy()


def _some_too_large(digits: Words, room: np.uint64) -> bool:
    sums = digits + room
    sums |= digits  # where one is 128 or more, the sum may be anything
    return bool(np.bitwise_or.reduce(sums) & _TOO_LARGE)


def _summed(digits: dict[int, Words], weights: dict[int, int]) -> Ints:
    """Return the time of day in microseconds."""
    total = np.zeros(len(digits[0]), dtype=np.uint64)
    for place, weight in weights.items():
        at = max(start for start in digits if start <= place < start + _WORD)
        total += (digits[at] >> np.uint64(8 * (place - at)) & _DIGIT) * np.uint64(weight)
    return total.view(np.int64)


def _midnights(texts: npt.NDArray[Any], years: Words, days: Words) -> Ints | None:
    """Return when each day begins, in microseconds since 1970; None if one is no day, or if they change too often."""
    days = days & _DAY_OF_MONTH
    changes = np.flatnonzero((years[1:] != years[:-1]) | (days[1:] != days[:-1])) + 1
    if len(changes) > len(texts) // _ROWS_A_DATE:
        return None
    firsts = [0, *changes.tolist()]
    try:
        dates = [date.fromisoformat(texts[row].tobytes()[:10].decode()) for row in firsts]
    except ValueError:
        return None
    found = np.array([(day.toordinal() - _1970) * _DAY for day in dates], dtype=np.int64)
    return found.repeat(np.diff([*firsts, len(texts)])) if len(changes) else found
