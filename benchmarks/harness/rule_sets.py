"""The rules of the jobs, in the spelling of each contender.

A rule is a small tree, made from a fixed seed; each contender gets the rules as its own users would write them: SCL
conditions, Python lambdas, conditions in Python, Polars expressions, SQL. `write_rules` puts them all into one folder.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .data import SENSORS

__all__ = ["All", "Any", "Is", "Rule", "mixed_rules", "sensor_rules", "write_rules"]

SEED = 100


@dataclass(frozen=True, slots=True)
class Is:
    """A column compared with a value; `in` with several."""

    column: str
    operator: str  # == < <= > >= in
    value: object


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Any:
    parts: tuple[Rule, ...]


Rule = Is | All | Any


def mixed_rules() -> list[Rule]:
    """Return 100 rules: equality with a bound, ranges, lists, nested and/or. About one row in thirty triggers one."""
    chance = random.Random(SEED)
    makers = (_equality, _range, _list, _nested)
    return [makers[number % len(makers)](chance) for number in range(100)]


def _sensor(chance: random.Random) -> str:
    return f"s{chance.randrange(SENSORS):03d}"


def _equality(chance: random.Random) -> Rule:
    return All((Is("sensor", "==", _sensor(chance)), Is("temperature", ">", chance.randrange(26, 31))))


def _range(chance: random.Random) -> Rule:
    low = chance.randrange(500, 3000) / 100
    return All(
        (
            Is("temperature", ">=", low),
            Is("temperature", "<", round(low + 0.1, 2)),
            Is("co2", ">", chance.randrange(1800, 1950)),
        )
    )


def _list(chance: random.Random) -> Rule:
    sensors = tuple(sorted({_sensor(chance) for _ in range(5)}))
    return All((Is("sensor", "in", sensors), Is("status", "==", "fail"), Is("humidity", ">", chance.randrange(50, 80))))


def _nested(chance: random.Random) -> Rule:
    damp = All((Is("humidity", "<", chance.randrange(22, 28)), Is("co2", ">=", chance.randrange(1700, 1900))))
    return All((Is("status", "==", "fail"), Any((Is("temperature", ">", chance.randrange(30, 34)), damp))))


def sensor_rules(count: int) -> list[Rule]:
    """Return `count` rules `sensor = X and temperature > t`, shared out among the sensors, t between 32 and 42."""
    chance = random.Random(SEED + count)
    return [
        All(
            (
                Is("sensor", "==", f"s{number * 37 % SENSORS:03d}"),
                Is("temperature", ">", chance.randrange(3200, 4200) / 100),
            )
        )
        for number in range(count)
    ]


# Spellings.


def scl(rule: Rule) -> str:
    """Spell a rule as an SCL condition, whose statements must all hold."""
    match rule:
        case All(parts):
            return " ".join(f"all=({scl(part)})" if isinstance(part, All) else scl(part) for part in parts)
        case Any(parts):
            return f"any=({' '.join(f'all=({scl(part)})' if isinstance(part, All) else scl(part) for part in parts)})"
        case Is(column, "in", values):
            return f"{column}=[{' '.join(values)}]"
        case Is(column, operator, value):
            return f"{column}{'=' if operator == '==' else operator}{value}"


def python(rule: Rule) -> str:
    """Spell a rule as a Python expression of the dict `row`."""
    return _spell(
        rule, lambda column: f'row["{column}"]', " and ", " or ", lambda name, values: f"{name} in {values!r}"
    )


def polars(rule: Rule) -> str:
    """Spell a rule as a Polars expression."""
    return _spell(
        rule, lambda column: f'col("{column}")', " & ", " | ", lambda name, values: f"{name}.is_in({list(values)!r})"
    )


def condition(rule: Rule) -> dict[str, object]:
    """Spell a rule as a condition of plait in Python."""
    match rule:
        case All(parts):
            return _joined(condition(part) for part in parts)
        case Any(parts):
            return {"$or": [condition(part) for part in parts]}
        case Is(column, "==", value):
            return {column: value}
        case Is(column, "in", values):
            return {column: list(values)}
        case Is(column, operator, value):
            return {column: {operator: value}}


def _joined(conditions: Iterable[dict[str, object]]) -> dict[str, object]:
    """Join conditions that must all hold; two operators of one column become one object."""
    joined: dict[str, object] = {}
    for key, value in (pair for part in conditions for pair in part.items()):
        there = joined.get(key)
        joined[key] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return joined


def sql(rule: Rule) -> str:
    """Spell a rule as SQL."""
    return _spell(rule, str, " AND ", " OR ", lambda name, values: f"{name} IN {values!r}").replace("==", "=")


def _spell(
    rule: Rule, name: Callable[[str], str], both: str, either: str, listed: Callable[[str, Sequence[str]], str]
) -> str:
    match rule:
        case All(parts):
            return both.join(f"({_spell(part, name, both, either, listed)})" for part in parts)
        case Any(parts):
            return either.join(f"({_spell(part, name, both, either, listed)})" for part in parts)
        case Is(column, "in", values):
            return listed(name(column), values)
        case Is(column, operator, value):
            return f"{name(column)} {operator} {value!r}"


# Files.


def rule_names(rules: Sequence[Rule]) -> Iterable[str]:
    """Return r00000, r00001, ..., one for each rule."""
    return (f"r{number:05d}" for number in range(len(rules)))


def _table(rules: Sequence[Rule], name: str, spelling: Callable[[Rule], str]) -> str:
    lines = [f'    ("{title}", {spelling(rule)}),' for title, rule in zip(rule_names(rules), rules, strict=True)]
    return "\n".join([f"{name} = [", *lines, "]", ""])


def write_rules(folder: Path, rules: Sequence[Rule]) -> None:
    """Write the rules in every spelling, each in a file of its own; those of one shape as a table, rules.csv, too."""
    folder.mkdir(parents=True, exist_ok=True)
    spelt = "".join(f"{name}=({scl(rule)})\n" for name, rule in zip(rule_names(rules), rules, strict=True))
    (folder / "conditions.scl").write_text(spelt)
    (folder / "rules_python.py").write_text(_table(rules, "RULES", lambda rule: f"lambda row: {python(rule)}"))
    (folder / "rules_conditions.py").write_text(_table(rules, "RULES", lambda rule: repr(condition(rule))))
    (folder / "rules_polars.py").write_text("from polars import col\n\n" + _table(rules, "RULES", polars))
    (folder / "rules.sql").write_text(
        "".join(f"{name}\t{sql(rule)}\n" for name, rule in zip(rule_names(rules), rules, strict=True))
    )
    if all(
        isinstance(rule, All) and [part.column for part in rule.parts] == ["sensor", "temperature"] for rule in rules
    ):  # type: ignore[union-attr]
        _write_table(folder / "rules.csv", rules)


def _write_table(path: Path, rules: Sequence[Rule]) -> None:
    """Write rules of the shape `sensor = X and temperature > t` as a table, for those who look them up in one."""
    rows = []
    for name, rule in zip(rule_names(rules), rules, strict=True):
        assert isinstance(rule, All), "rules of this shape have two parts"
        sensor, bound = (part.value for part in rule.parts if isinstance(part, Is))
        rows.append(f"{name},{sensor},{bound}\n")
    path.write_text("rule,sensor,above\n" + "".join(rows))
