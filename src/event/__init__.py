"""Conditions on events, and what happens when one holds.

What an event must be like: `Condition`.
"""

from .condition import Condition

__all__ = ["Condition"]
