"""CURVE keys of ZeroMQ: read from files or from the environment, never held by a component, never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import SourceError
from ..fields import Text

__all__ = ["CurveKeys", "SecretKey", "load_keys"]

_LENGTH = 40
"""Characters of a key as Z85 writes it (ZeroMQ RFC 32)."""
_ENVIRONMENT = "env:"
_NOT_IN_PATHS = frozenset("^!*?&<>()[]{}@%$#+=")
"""Characters that next to every key has one of, and next to no path."""


class SecretKey(Text):
    """Where a secret key is: a file, or `env:NAME`. The key itself is refused, so that nothing can show it."""

    says: ClassVar[str] = 'the name of a file that holds the key, or "env:NAME" for an environment variable'

    def parse(self, value: Any) -> str:
        text = Text.parse(self, value)
        if len(text) == _LENGTH and not _NOT_IN_PATHS.isdisjoint(text):
            raise ValueError(f"takes {self.says}; not the key itself")
        return text


@dataclass(frozen=True, slots=True)
class CurveKeys:
    """The keys of one end of a connection. Not shown by repr.

    Attributes:
        server: public key of the other end, if that is the server.
        public, secret: the own pair.
    """

    server: bytes | None
    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return "CurveKeys(...)"


def load_keys(server_key: str | None, secret_key: str | None, base: Path) -> CurveKeys | None:
    """Return the keys that the options name; None if they name none.

    A client without a secret key of its own gets a new pair: the server then knows it not, but the line is encrypted.

    Raises:
        SourceError: a file or a variable is missing or holds no key; it names the file or variable, never the value.
    """
    if server_key is None and secret_key is None:
        return None
    import zmq

    server = _public_key(server_key, base) if server_key else None
    if secret_key is None:
        return CurveKeys(server, *zmq.curve_keypair())
    secret = _read(secret_key, base, secret=True)
    return CurveKeys(server, zmq.curve_public(secret), secret)


def _public_key(given: str, base: Path) -> bytes:
    """A public key may stand in the option itself."""
    if len(given) == _LENGTH and not (base / given).exists():
        return given.encode()
    return _read(given, base, secret=False)


def _read(given: str, base: Path, *, secret: bool) -> bytes:
    if given.startswith(_ENVIRONMENT):
        name = given.removeprefix(_ENVIRONMENT)
        key = os.environ.get(name, "").strip().encode()
        place = f"the environment variable {name}"
    else:
        key = _read_file(base / given, secret=secret)
        place = given
    if len(key) != _LENGTH:
        raise SourceError(f"{place} holds no {'secret' if secret else 'public'} CURVE key of {_LENGTH} characters")
    return key


def _read_file(path: Path, *, secret: bool) -> bytes:
    """Read a key that stands alone in its file, or a certificate as `zmq.auth.create_certificates` writes it."""
    from zmq.auth import load_certificate

    try:
        content = path.read_bytes().strip()
        if len(content) == _LENGTH:
            return content
        public, private = load_certificate(path)
    except ValueError:
        return b""
    except OSError as error:
        raise SourceError(f"the key file {str(path)!r} cannot be read: {error.strerror or error}") from error
    return (private if secret else public) or b""
