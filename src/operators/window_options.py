"""What windows take in a pipeline: lengths of time, and names with aggregates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from ..expression import Expression
from ..fields import Integer, Kind, Number, as_key, each_part, quote
from ..windows.aggregates import AGGREGATES, MOST, Aggregate, AggregateError
from ..windows.spans import Span

__all__ = ["EPOCH", "MICROSECOND", "AggregateList", "SpanOption"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def _of(value: Any) -> str:
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"of= takes a column or an expression, and not {value!r}")
    return str(value)


_OPTIONS: Mapping[str, Callable[[Any], Any]] = {"of": _of, "q": Number().parse, "most": Integer().parse}


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
        if "" in names:
            raise ValueError("'' is not the name of a column")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is there twice; give one of the two another name")
        return tuple(each_part(lambda pair: (pair[0], self._aggregate(*pair)), pairs))

    def _aggregate(self, name: str, given: Any) -> Aggregate:
        """Read `"count"`, `{"mean": "celsius"}` or `{"quantile": {"of": "celsius", "q": 0.95}}`."""
        if isinstance(given, Aggregate):
            return given
        if isinstance(given, str):
            return self._made(name, given, {})
        if not isinstance(given, Mapping) or len(given) != 1:
            raise ValueError(f"{name}: {given!r} is no aggregate; give count, or such as {{'mean': 'celsius'}}")
        ((function, options),) = given.items()
        if not isinstance(function, str):
            raise ValueError(f"{name}: {function!r} is no aggregate; give count, or such as {{'mean': 'celsius'}}")
        return self._made(name, function, options if isinstance(options, Mapping) else {"of": options})

    def from_nodes(self, nodes: Sequence[Any]) -> tuple[tuple[str, Aggregate], ...]:
        return self.parse(each_part(self._from_node, nodes))

    def _from_node(self, node: Any) -> tuple[str, Aggregate]:
        if node.op != "=" or node.value is None:
            raise ValueError(f"{node.key}: takes an aggregate, such as {node.key}=mean(of=celsius)")
        return node.key, self._made(node.key, str(node.value.plain()), self._options(node))

    @staticmethod
    def _options(node: Any) -> dict[str, Any]:
        options: dict[str, Any] = {}
        for inner in node.children or ():
            if inner.op != "=" or inner.value is None or inner.children is not None:
                raise ValueError(f"{node.key}: {inner.key} takes a value, such as of=celsius")
            if inner.key in options:
                raise ValueError(f"{node.key}: {inner.key} is given twice")
            options[inner.key] = inner.value.plain()
        return options

    @staticmethod
    def _made(name: str, function: str, options: Mapping[Any, Any]) -> Aggregate:
        known = ("of", *(AGGREGATES[function].options if function in AGGREGATES else ()))
        try:
            given = {key: _OPTIONS[key](value) for key, value in options.items() if key in _OPTIONS}
            found = Aggregate(function=function, **given)
        except AggregateError as error:
            allowed = f"; there are {', '.join(error.allowed)}" if error.allowed else ""
            near = f"; did you mean {error.suggestion!r}?" if error.suggestion else ""
            raise ValueError(f"{name}: {error}{allowed}{near}") from error
        except ValueError as error:
            raise ValueError(f"{name}: {function}: {error}") from error
        for key in options:
            if key not in known:
                raise ValueError(f"{name}: {function} has no option {key!r}; there are {', '.join(known)}")
        return found

    def write(self, value: Sequence[tuple[str, Aggregate]]) -> str:
        return "(" + " ".join(f"{as_key(name)}={self._written(aggregate)}" for name, aggregate in value) + ")"

    @staticmethod
    def _written(aggregate: Aggregate) -> str:
        said = [f"of={quote(aggregate.of)}"] if aggregate.of is not None else []
        said += [f"q={aggregate.q}"] if aggregate.q is not None else []
        said += [f"most={aggregate.most}"] if aggregate.most != MOST else []
        return f"{aggregate.function}({' '.join(said)})" if said else aggregate.function
