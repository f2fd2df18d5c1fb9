"""Readers without an engine: what becomes of the records that cannot be read, and of the notes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from ..record import DeadLetter
from ..running import Context

__all__ = ["context_alone"]

_logger = logging.getLogger(__name__)
_SHOWN: Final = 5


class _Losses:
    """Count dead letters, and log the first few of them with place and reason."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, letter: DeadLetter) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            place = ":".join(str(part) for part in (letter.origin, letter.line) if part is not None)
            _logger.warning("%s: %s: %s", letter.stage, place, letter.reason)


@contextmanager
def context_alone(stage: str, given: Context | None, dead_letters: Any) -> Iterator[Context]:
    """Give a reader the context that it runs in, and log at the end what nobody else has been told.

    Args:
        stage: what messages call the reader.
        given: the context of the caller, who then sees to what is unreadable and to the notes.
        dead_letters: where a `DeadLetter` goes for each record that cannot be read: a function, or a queue. Without,
            and without a context, the first few are logged as warnings, and at the end how many there were.
    """
    losses = _Losses()
    context = given or Context(stage=stage, dead=losses.take)
    if dead_letters is not None:
        context = replace(context, dead=_office(dead_letters))
    try:
        yield context
    finally:
        if losses.count:
            _logger.warning(
                "%s: %d in all could not be read; dead_letters= would keep them", context.stage, losses.count
            )
        for note in () if given else context.notes:
            _logger.info("%s: %s", context.stage, note)


def _office(dead_letters: Any) -> Callable[[DeadLetter], None]:
    office: Callable[[DeadLetter], None] = getattr(dead_letters, "put", dead_letters)
    return office
