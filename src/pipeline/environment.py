"""`${NAME}` and `${NAME:-default}` in pipeline files. A value that came from the environment is never printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

__all__ = ["MissingVariableError", "redact", "substitute", "uses_environment"]

_REFERENCE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class MissingVariableError(ValueError):
    """A variable is not set, and there is no default for it."""


def uses_environment(text: str) -> bool:
    """Tell whether the text refers to the environment."""
    return _REFERENCE.search(text) is not None


def substitute(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Put the values of the environment in the place of `${NAME}`; an unset or empty one takes its default.

    Raises:
        MissingVariableError: a variable is not set, and there is no default.

    >>> substitute("${HOST:-localhost}:${PORT}", {"PORT": "5555"})
    'localhost:5555'
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        if default is not None:
            return known.get(name) or str(default)
        if name not in known:
            raise MissingVariableError(
                f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
            )
        return known[name]

    return _REFERENCE.sub(value, text)


def redact(text: str, written: Iterable[str], environment: Mapping[str, str] | None = None) -> str:
    """Put `${NAME}` back where the value of a variable stands in a message.

    Args:
        text: the message.
        written: the texts with references, as they stand in the pipeline file.
        environment: that of the process, if not given.
    """
    known = os.environ if environment is None else environment
    names = {match[1] for source in written for match in _REFERENCE.finditer(source)}
    for name in sorted(names, key=lambda name: -len(known.get(name, ""))):
        if known.get(name):
            text = text.replace(known[name], f"${{{name}}}")
    return text
