"""What windows take in a pipeline: lengths of time, and names with aggregates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from ..fields import Integer, Kind, Number, as_key, quote
from ..windows.aggregates import MOST, Aggregate, AggregateError
from ..windows.spans import Span

__all__ = ["EPOCH", "MICROSECOND", "AggregateList", "SpanOption"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_READ: dict[str, Callable[[Any], Any]] = {"of": str, "q": Number().parse, "most": Integer(least=1).parse}
"""The options of aggregates."""


class SpanOption(Kind):
    """A length of time, fixed or of the calendar; held as a `Span`."""

    says: ClassVar[str] = "a length of time such as 10s or 1h30m, or of the calendar: 1d, 1w, 1mo, 1y"

    def parse(self, value: Any) -> Span:
        if isinstance(value, Span):
            return value
        if isinstance(value, timedelta) and value > timedelta(0):
            return Span(microseconds=value // MICROSECOND)
        if not isinstance(value, str):
            raise self._wrong(value)
        return Span.parse(value)

    def write(self, value: Span) -> str:
        return str(value)


class AggregateList(Kind):
    """Names with aggregates, `aggregate=(n=count mean=mean(of=celsius))`; held as a tuple of (name, Aggregate)."""

    says: ClassVar[str] = "names with aggregates such as (readings=count mean=mean(of=celsius))"

    def parse(self, value: Any) -> tuple[tuple[str, Aggregate], ...]:
        pairs = list(value.items()) if isinstance(value, Mapping) else value
        if isinstance(pairs, str) or not isinstance(pairs, Sequence) or not pairs:
            raise self._wrong(value)
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs):
            raise self._wrong(value)
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is there twice; give one of the two another name")
        return tuple((name, self._aggregate(name, given)) for name, given in pairs)

    def _aggregate(self, name: str, given: Any) -> Aggregate:
        """Read `"count"`, `{"mean": "celsius"}` or `{"quantile": {"of": "celsius", "q": 0.95}}`."""
        if isinstance(given, Aggregate):
            return given
        if isinstance(given, str):
            return self._made(name, given, {})
        if not isinstance(given, Mapping) or len(given) != 1:
            raise ValueError(f"{name}: {given!r} is no aggregate; give count, or such as {{'mean': 'celsius'}}")
        ((function, options),) = given.items()
        return self._made(name, function, options if isinstance(options, Mapping) else {"of": options})

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, Aggregate], ...]:
        found: list[tuple[str, Aggregate]] = []
        for node in nodes:
            if node.op != "=" or node.value is None or not isinstance(node.value.plain(), str):
                raise ValueError(f"{node.key}: takes an aggregate, such as {node.key}=mean(of=celsius)")
            options = {inner.key: inner.value.plain() for inner in node.children or ()}
            found.append((node.key, self._made(node.key, node.value.plain(), options)))
        return self.parse(found)

    @staticmethod
    def _made(name: str, function: str, options: Mapping[str, Any]) -> Aggregate:
        for option_name in options:
            if option_name not in _READ:
                raise ValueError(f"{name}: {function} has no option {option_name!r}; there are {', '.join(_READ)}")
        try:
            return Aggregate(function=function, **{key: _READ[key](given) for key, given in options.items()})
        except AggregateError as error:
            near = f"; did you mean {error.suggestion!r}?" if error.suggestion else ""
            known_ones = f"; there are {', '.join(error.allowed)}" if error.allowed and not near else ""
            raise ValueError(f"{name}: {error}{near}{known_ones}") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {function}: {error}") from error

    def write(self, value: Sequence[tuple[str, Aggregate]]) -> str:
        return "(" + " ".join(f"{as_key(name)}={self._written(aggregate)}" for name, aggregate in value) + ")"

    @staticmethod
    def _written(aggregate: Aggregate) -> str:
        said = [f"of={quote(aggregate.of)}"] if aggregate.of is not None else []
        said += [f"q={aggregate.q}"] if aggregate.q is not None else []
        said += [f"most={aggregate.most}"] if aggregate.most != MOST else []
        return f"{aggregate.function}({' '.join(said)})" if said else aggregate.function
