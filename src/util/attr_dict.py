"""A dict whose items are attributes too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["AttrDict"]


class AttrDict(dict[str, Any]):
    """A dict whose items can be read, set and deleted as attributes; dicts inside it behave alike.

    An item never hides a method: `d.items` is the method, `d["items"]` the item.

    Example:
        >>> config = AttrDict({"name": "coast", "window": {"size": 3}})
        >>> config.window.size
        3
        >>> config.window.size = 4
        >>> config.to_dict()
        {'name': 'coast', 'window': {'size': 4}}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _wrapped(value))

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set many items at once, as `dict.update` does."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the item; set it first if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> AttrDict:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r}; there is: {', '.join(map(str, self)) or 'nothing'}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"there is no {name!r}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self if isinstance(key, str) and key.isidentifier())]

    def copy(self) -> AttrDict:
        """Return a copy; the dicts inside it are copied too."""
        return AttrDict(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, all the way down."""
        return {key: _plain(value) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return AttrDict, (self.to_dict(),)


def _wrapped(value: Any) -> Any:
    if isinstance(value, AttrDict):
        return value
    if isinstance(value, Mapping) and type(value) is dict:
        return AttrDict(value)
    return [_wrapped(item) for item in value] if type(value) is list else value


def _plain(value: Any) -> Any:
    if isinstance(value, AttrDict):
        return value.to_dict()
    return [_plain(item) for item in value] if type(value) is list else value
