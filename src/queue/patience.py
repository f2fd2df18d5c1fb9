"""How long has each input been waited for? Only waiting counts: being blocked by a slow output is not being idle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

__all__ = ["Patience"]

Name = TypeVar("Name", bound=Hashable)


class Patience:
    """Counts the seconds for which each input has been waited for since it was last heard of. Looks at no clock.

    >>> patience = Patience(5.0)
    >>> patience.spend(["a", "b"], 2.0)
    >>> patience.heard("a")
    >>> patience.spend(["a", "b"], 3.0)
    >>> patience.exhausted(["a", "b"]), patience.left(["a"])
    (['b'], 2.0)
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._spent: defaultdict[Hashable, float] = defaultdict(float)

    def spend(self, names: Iterable[Hashable], seconds: float) -> None:
        """Note that these were waited for, for so long."""
        for name in names:
            self._spent[name] += seconds

    def heard(self, name: Hashable) -> None:
        """Note that this one has sent something."""
        self._spent[name] = 0.0

    def spent(self, name: Hashable) -> float:
        """Return for how many seconds this one has been waited for."""
        return self._spent[name]

    def left(self, names: Iterable[Hashable]) -> float | None:
        """Return in how many seconds the first of these will be idle; None if never."""
        if self.seconds is None:
            return None
        return min((max(0.0, self.seconds - self._spent[name]) for name in names), default=None)

    def exhausted(self, names: Iterable[Name]) -> list[Name]:
        """Return those that have been silent for too long."""
        seconds = self.seconds
        return [] if seconds is None else [name for name in names if self._spent[name] >= seconds]
