"""What the parser does at a token that cannot stand where it stands: say so once, mend the text, and read on.

PLY's parser asks `recover` and then reads on from the stream of tokens. The text is mended by putting the missing
tokens before the one at fault, or by dropping it, so that the parser never unwinds and what follows is parsed in its
true context. Which of the two depends on what the parser waits for and on what came instead: the table at the end has
an entry for each pair that can happen. Each repair consumes the token at fault, after a few others: so reading ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .scl_context import Context, Waiting, came
from .scl_report import Token, shown
from .scl_scanner import Scanner

__all__ = ["Repair"]

_LOOK_AHEAD = 64
_COMMENT = re.compile(r"[ \t]*#")


class Repair:
    """The repairs of one run."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._context: Context
        self._parser: Any = None

    def watch(self, parser: Any) -> None:
        """Take the parser whose stacks tell what has been read so far."""
        self._parser = parser
        self._context = Context(self._scanner, parser)
        self._scanner.ask(self._context.expected)

    def recover(self, token: Token | None) -> None:
        """Called by PLY with the token that does not fit, or None at the end of the text."""
        self._context.enter()
        _REPAIRS[self._context.waiting(), came(token)](self._context, token)
        self._parser.errok()


# Waiting for a key


def _missing_key(at: Context, token: Token) -> None:
    is_group = token.type == "LPAREN"
    at.say(token.lexpos, f"the key before '{'(' if is_group else token.value}' is missing", len(token.value))
    at.insert("KEYWORD EQUALS" if is_group else "KEYWORD", token)


def _value_for_key(at: Context, token: Token) -> None:
    is_list = token.type == "LBRACKET"
    source = at.source(token)
    if not is_list and at.operator_follows():
        at.say(token.lexpos, f"{shown(source)} cannot be a key", len(source))
        at.scanner.push(at.as_word(token))
        return
    at.say(token.lexpos, f"{'a list' if is_list else shown(source)} stands without a key", len(source))
    at.insert("KEYWORD EQUALS", token)


def _stray(at: Context, token: Token) -> None:
    if at.surplus[token.type]:
        at.surplus[token.type] -= 1
    elif token.type == "RBRACKET" and at.opening("LPAREN") is not None:
        at.say(token.lexpos, "']' cannot close '('")
        at.surplus["RPAREN"] += 1
        at.scanner.push(at.made("RPAREN", token))
    else:
        at.say(token.lexpos, f"'{token.value}' closes nothing")


def _unclosed_parenthesis(at: Context, token: None) -> None:
    opening = at.opening("LPAREN")
    assert opening, "the text may end where no parenthesis is open"
    if not at.scanner.excuses(opening.lexpos):
        at.report.add(opening.lexpos, "'(' is not closed", expected=("')'",))
    at.insert("RPAREN", token)


# Waiting for an operator; the key is the token before


def _missing_equals(at: Context, token: Token) -> None:
    _say_missing(at, "'=' is", token)
    at.insert("EQUALS", token)


def _missing_equals_and_value(at: Context, token: Token | None) -> None:
    _say_missing(at, "'=' and a value are", token)
    at.insert("EQUALS KEYWORD", token)


def _say_missing(at: Context, what: str, token: Token | None) -> None:
    key = at.before
    assert key, "the key is the token before"
    hint = "; text with blanks stands in double quotes" if at.is_behind_other_words(key) else ""
    at.say(at.gap(key.lexpos + len(key.value), token), f"{what} missing after {shown(key.value)}{hint}")


def _word_after_key(at: Context, token: Token) -> None:
    """`path my file`: read all words and values on the line as the one value, but for the key of the next statement."""
    assert at.before, "the key is the token before"
    line = at.line(at.before)
    if at.line(token) != line:
        _missing_equals_and_value(at, token)
        return
    last, after = token, at.scanner.token()
    while after is not None and after.type in _INLINE and at.line(after) == line:
        last, after = after, at.scanner.token()
    is_key = came(after) == "operator"
    _say_missing(at, "'=' and a value are" if is_key and last is token else "'=' is", token)
    words = [at.as_word(last)] if is_key else []
    at.scanner.push(at.made("EQUALS", token, "="), at.made("KEYWORD", token), *words, after)


# Waiting for a value; the key and the operator are on top of the stack


def _missing_value(at: Context, token: Token | None) -> None:
    _say_missing_value(at, token)
    at.insert("KEYWORD", token)


def _say_missing_value(at: Context, token: Token | None, back: int = 0) -> None:
    key, op = at.stack[-2 - back], at.stack[-1 - back]
    if not key.value:
        return  # the key itself was missing, and that has been said
    end = op.lexpos + len(op.value)
    hint = "; # starts a comment" if _COMMENT.match(at.report.text, end) else ""
    at.say(at.gap(end, token), f"the value of {shown(key.value)} is missing{hint}", back=back)


def _second_operator(at: Context, token: Token) -> None:
    at.say(token.lexpos, f"'{token.value}' cannot follow another operator", len(token.value))


def _dotted_value(at: Context, token: Token) -> None:
    if at.operator_follows():
        _missing_value(at, token)
    else:
        _dotted_item(at, token)


# Behind a value


def _operator_after_value(at: Context, token: Token) -> None:
    """`a= b=2`: what was taken for the value of `a` is the key of the next statement."""
    word = at.before
    if word is None or word.type != "KEYWORD":
        _missing_key(at, token)
        return
    _say_missing_value(at, word, back=1)
    at.scanner.push(at.as_word(word), token)


# In a list


def _dotted_item(at: Context, token: Token) -> None:
    at.say(token.lexpos, f"{shown(token.value)} is not a keyword: put it in double quotes", len(token.value))
    at.scanner.push(at.as_word(token))


def _operator_in_list(at: Context, token: Token) -> None:
    opening, word = at.opening("LBRACKET"), at.before
    assert opening, "called in a list"
    if word is not None and word.type == "KEYWORD" and not _is_closed_soon(at, token):
        _close_list(at, opening)
        at.scanner.push(at.made("RBRACKET", word), at.as_word(word), token)
        return
    if opening.lexpos not in at.scanner.blamed:
        at.say(token.lexpos, "a list holds values, not statements", len(token.value))
        at.scanner.blamed.add(opening.lexpos)


def _is_closed_soon(at: Context, token: Token) -> bool:
    """Tell whether `]` comes on this line, before any other bracket."""
    line = at.line(token)
    for ahead in at.scanner.ahead(_LOOK_AHEAD):
        if ahead is None or at.line(ahead) != line or ahead.type in ("LPAREN", "RPAREN", "LBRACKET"):
            return False
        if ahead.type == "RBRACKET":
            return True
    return False


def _parenthesis_in_list(at: Context, token: Token) -> None:
    at.say(token.lexpos, "parentheses cannot stand in a list")
    levels, skipped = 1, token
    while levels and skipped is not None:
        skipped = at.scanner.token()
        levels += {"(": 1, ")": -1}.get(came(skipped), 0)
    if skipped is None:
        at.scanner.push(None)


def _unclosed_list(at: Context, token: Token | None) -> None:
    opening = at.opening("LBRACKET")
    assert opening, "called in a list"
    if token is not None and at.opening("LPAREN") is None:
        at.say(token.lexpos, "')' cannot close '['")
        at.surplus["RBRACKET"] += 1
        at.scanner.push(at.made("RBRACKET", token))
        return
    _close_list(at, opening)
    at.insert("RBRACKET", token)


def _close_list(at: Context, opening: Token) -> None:
    at.surplus["RBRACKET"] += 1
    if not at.scanner.excuses(opening.lexpos) and opening.lexpos not in at.scanner.blamed:
        at.report.add(opening.lexpos, "'[' is not closed", expected=("']'",))


_INLINE = {"KEYWORD", "DOTTED", "NUMBER", "STRING", "ENVIRONMENT"}

_REPAIRS: dict[tuple[Waiting, str], Callable[[Context, Any], None]] = {
    (Waiting.KEY, "operator"): _missing_key,
    (Waiting.KEY, "value"): _value_for_key,
    (Waiting.KEY, "("): _missing_key,
    (Waiting.KEY, ")"): _stray,
    (Waiting.KEY, "]"): _stray,
    (Waiting.KEY, "end"): _unclosed_parenthesis,
    (Waiting.OPERATOR, "word"): _word_after_key,
    (Waiting.OPERATOR, "value"): _missing_equals,
    (Waiting.OPERATOR, "("): _missing_equals,
    (Waiting.OPERATOR, ")"): _missing_equals_and_value,
    (Waiting.OPERATOR, "]"): _missing_equals_and_value,
    (Waiting.OPERATOR, "end"): _missing_equals_and_value,
    (Waiting.VALUE, "word"): _dotted_value,
    (Waiting.VALUE, "operator"): _second_operator,
    (Waiting.VALUE, ")"): _missing_value,
    (Waiting.VALUE, "]"): _missing_value,
    (Waiting.VALUE, "end"): _missing_value,
    (Waiting.NEXT, "operator"): _operator_after_value,
    (Waiting.NEXT, "value"): _value_for_key,
    (Waiting.NEXT, "]"): _stray,
    (Waiting.ITEM, "word"): _dotted_item,
    (Waiting.ITEM, "operator"): _operator_in_list,
    (Waiting.ITEM, "("): _parenthesis_in_list,
    (Waiting.ITEM, ")"): _unclosed_list,
    (Waiting.ITEM, "end"): _unclosed_list,
}
