"""From tokens to statements: the grammar as PLY rules, its table, and the two things that can be built with it.

    script    : statement ...
    statement : key op value | key op group | key op value group
    key       : KEYWORD | DOTTED
    op        : EQUALS | COMPARE
    value     : KEYWORD | NUMBER | STRING | ENVIRONMENT | list
    list      : "[" value ... "]"
    group     : "(" statement ... ")"

Key and operator stand in the rules as tokens, which saves two of five reductions a statement and keeps their places.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from sys import intern
from threading import Lock
from typing import Any, Protocol

from ply import yacc

from .scl_nodes import Group, ListValue, Scalar, ScalarKind, Statement, Value
from .scl_repair import Repair
from .scl_report import Report, Token
from .scl_scanner import Scanner
from .scl_tokens import TOKENS

__all__ = ["Builder", "NodeBuilder", "TreeBuilder", "run"]

_BUILDING = Lock()
_KINDS: dict[str, ScalarKind] = {
    "KEYWORD": "keyword",
    "NUMBER": "number",
    "STRING": "string",
    "ENVIRONMENT": "environment",
}


class Builder(Protocol):
    """What the rules call: once for each piece, the inner before the outer."""

    def scalar(self, token: Token) -> Any: ...

    def values(self, opening: Token, items: list[Any], closing: Token) -> Any: ...

    def group(self, opening: Token, statements: list[Any], closing: Token) -> Any: ...

    def statement(self, key: Token, op: Token, value: Any, children: Any) -> Any: ...


class TreeBuilder:
    """Builds dicts and lists straight away, without nodes."""

    def scalar(self, token: Token) -> Any:
        return token.value

    def values(self, opening: Token, items: list[Any], closing: Token) -> Any:
        return items

    group = values

    def statement(self, key: Token, op: Token, value: Any, children: Any) -> dict[str, Any]:
        tree = {"key": intern(key.value)}
        if op.value != "=":
            tree["op"] = op.value
        tree["value"] = value
        if children:
            tree["children"] = children
        return tree


class NodeBuilder:
    """Builds nodes that know their place in the text."""

    def __init__(self, report: Report) -> None:
        self._place = report.place
        self._text = report.text

    def scalar(self, token: Token) -> Scalar:
        start, kind = token.lexpos, _KINDS[token.type]
        if kind == "keyword" or kind == "environment":
            return Scalar(token.value, kind, *self._place(start), len(token.value), token.value)
        return Scalar(token.value, kind, *self._place(start), token.end - start, self._text[start : token.end])

    def values(self, opening: Token, items: list[Scalar | ListValue], closing: Token) -> ListValue:
        return ListValue(tuple(items), *self._place(opening.lexpos), closing.lexpos + 1 - opening.lexpos)

    def group(self, opening: Token, statements: list[Statement], closing: Token) -> Group:
        return Group(tuple(statements), *self._place(opening.lexpos), closing.lexpos + 1 - opening.lexpos)

    def statement(self, key: Token, op: Token, value: Value, children: Group | None) -> Statement:
        within = None if children is None else children.statements
        return Statement(intern(key.value), value, op.value, within, *self._place(key.lexpos), len(key.value))


class _Rules:
    """PLY's rules; without state, shared by all threads. `p.lexer` is the run's `_Feed`."""

    def p_some(self, p: Any) -> None:
        """script :
                  | script statement
        statements :
                   | statements statement
        items :
              | items value
        """
        pieces = p.slice
        if len(pieces) == 1:
            pieces[0].value = []
            return
        pieces[0].value = pieces[1].value
        pieces[0].value.append(pieces[2].value)

    def p_statement(self, p: Any) -> None:
        """statement : KEYWORD EQUALS value
        | KEYWORD EQUALS group
        | KEYWORD EQUALS value group
        | KEYWORD COMPARE value
        | KEYWORD COMPARE group
        | KEYWORD COMPARE value group
        | DOTTED EQUALS value
        | DOTTED EQUALS group
        | DOTTED EQUALS value group
        | DOTTED COMPARE value
        | DOTTED COMPARE group
        | DOTTED COMPARE value group
        """
        pieces = p.slice
        children = pieces[4].value if len(pieces) == 5 else None
        pieces[0].value = p.lexer.build.statement(pieces[1], pieces[2], pieces[3].value, children)

    def p_scalar(self, p: Any) -> None:
        """value : KEYWORD
        | NUMBER
        | STRING
        | ENVIRONMENT
        """
        p.slice[0].value = p.lexer.build.scalar(p.slice[1])

    def p_list_as_value(self, p: Any) -> None:
        """value : list"""
        p[0] = p[1]

    def p_list(self, p: Any) -> None:
        """list : LBRACKET items RBRACKET"""
        p[0] = p.lexer.build.values(p.slice[1], p[2], p.slice[3])

    def p_group(self, p: Any) -> None:
        """group : LPAREN statements RPAREN"""
        p[0] = p.lexer.build.group(p.slice[1], p[2], p.slice[3])


class _Feed(Scanner):
    """The tokens of a run, and the builder that its rules call."""

    def __init__(self, report: Report, build: Builder) -> None:
        super().__init__(report)
        self.build = build


@cache
def _built_table() -> Any:
    """Build the LALR table, in about a millisecond.

    `yacc.yacc` is not used: it would look for a module with a table of an earlier run, anybody's, and import it.
    """
    rules = _Rules()
    actions = {name: getattr(rules, name) for name in dir(rules) if name.startswith("p_")}
    grammar = yacc.Grammar(list(TOKENS))
    for name, action in actions.items():
        for file, line, left, right in yacc.parse_grammar(action.__doc__, __file__, 0):
            grammar.add_production(left, right, name, file, line)
    grammar.set_start("script")
    table = yacc.LRGeneratedTable(grammar, "LALR")
    assert not table.sr_conflicts, "the grammar is ambiguous"
    assert not table.rr_conflicts, "the grammar is ambiguous"
    table.bind_callables(actions)
    return table


@cache
def _built_parser() -> Any:
    """Make a parser that reduces wherever there is but one thing to do, whatever token comes next.

    PLY does so only in states with one single action. Without it an unfit token would be found before the reductions
    that tell what the parser waits for.
    """
    parser = yacc.LRParser(_built_table(), None)
    for state, actions in parser.action.items():
        only, *others = set(actions.values())
        if not others and only < 0:
            parser.defaulted_states[state] = only
    return parser


def _parser(recover: Callable[[Token | None], None]) -> Any:
    """Return a parser for one run; all share the tables, which are built once per process."""
    with _BUILDING:
        parser = copy.copy(_built_parser())
    parser.errorfunc = recover
    return parser


def run(report: Report, build: Builder) -> list[Any]:
    """Parse the report's text with a parser of its own; return what `build` made of the statements.

    Raises:
        ScriptError: the text has mistakes; all of them are in it.
    """
    feed = _Feed(report, build)
    repair = Repair(feed)
    parser = _parser(repair.recover)
    repair.watch(parser)
    statements: list[Any] = parser.parse(lexer=feed)
    report.raise_mistakes()
    return statements
