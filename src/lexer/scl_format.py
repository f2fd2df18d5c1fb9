"""Print SCL text in its canonical layout, with all its comments: what `plait fmt` does."""

from __future__ import annotations

from .scl_layout import Comment, Entry, Item, layout
from .scl_parser import parse
from .scl_patterns import LINE_END
from .scl_report import Report, Token, end_of
from .scl_scanner import Scanner

__all__ = ["format_text"]


def format_text(text: str, path: str = "<string>") -> str:
    """Lay out SCL text anew; it parses to the same statements.

    All comments are kept. One on the same line as the end of a statement stays there; one inside a statement, outside
    its parentheses, moves before it. Of blank lines between statements one is kept. Values stay as they were written.

    Raises:
        ScriptError: the text has mistakes.

    >>> print(format_text('a = 1 # one\\nb=2(  c = 3 )'), end="")
    a=1  # one
    b=2(c=3)
    """
    parse(text, path)
    return layout(_Items(text).read())


class _Items:
    """A walk over the tokens of a text that is known to be well formed."""

    def __init__(self, text: str) -> None:
        report = Report(text)
        self._text = report.text
        self._tokens = list(Scanner(report, keep_comments=True))
        self._next = 0

    def read(self) -> list[Item]:
        """Read items up to a closing parenthesis or the end."""
        items: list[Item] = []
        while (token := self._peek()) is not None and token.type != "RPAREN":
            if token.type == "COMMENT":
                self._comment(items)
            else:
                self._statement(items)
        return items

    def _peek(self) -> Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self) -> Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _line_ends_before(self) -> int:
        """Count the line ends between the next token and the one before it."""
        previous = end_of(self._tokens[self._next - 1]) if self._next else 0
        return len(LINE_END.findall(self._text, previous, self._tokens[self._next].lexpos))

    def _comment(self, items: list[Item]) -> None:
        line_ends = self._line_ends_before()
        comment = self._take().value.rstrip()
        last = items[-1] if items else None
        if line_ends == 0 and isinstance(last, Entry) and last.trailing is None:
            last.trailing = comment
        else:
            items.append(Comment(comment, line_ends > 1))

    def _statement(self, items: list[Item]) -> None:
        spaced = self._line_ends_before() > 1
        head, comments = self._head()
        children = None
        if self._opens(comments):
            self._take()
            children = self.read()
            self._take()
        for comment in comments:
            items.append(Comment(comment, spaced))
            spaced = False
        items.append(Entry(head, children, spaced))

    def _head(self) -> tuple[str, list[str]]:
        """Read key, operator and value; return them as text, and the comments that stood among them."""
        head, comments = "", list[str]()
        levels, count = 0, 0
        while count < 3 or levels:
            token = self._peek()
            assert token is not None, "the text is well formed"
            if token.type == "LPAREN":
                break
            self._take()
            if token.type == "COMMENT":
                comments.append(token.value.rstrip())
                continue
            count += 1
            levels += {"LBRACKET": 1, "RBRACKET": -1}.get(token.type, 0)
            apart = levels and count > 3 and head[-1] != "[" and token.type != "RBRACKET"
            head += (" " if apart else "") + self._text[token.lexpos : end_of(token)]
        return head, comments

    def _opens(self, comments: list[str]) -> bool:
        """Tell whether `(` comes next; if so, move comments before it to the others."""
        ahead = self._next
        while ahead < len(self._tokens) and self._tokens[ahead].type == "COMMENT":
            ahead += 1
        if ahead == len(self._tokens) or self._tokens[ahead].type != "LPAREN":
            return False
        comments += [token.value.rstrip() for token in self._tokens[self._next : ahead]]
        self._next = ahead
        return True
