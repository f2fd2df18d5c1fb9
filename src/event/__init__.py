"""Conditions on events, and what happens when one holds.

What an event must be like: `Condition`; as an option of a component, `ConditionKind`.
Callbacks on events, from a queue or by hand: `EventManager`, `EventStatistics`.
Many conditions at once: `RuleIndex` of an event; `rule_table.RuleTable` of the rows of a frame (it imports polars).
How a callback is named in messages: `name_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .condition import Condition
    from .condition_kind import ConditionKind
    from .event_manager import EventManager, EventStatistics
    from .index import RuleIndex
    from .places import name_of

__all__ = ["Condition", "ConditionKind", "EventManager", "EventStatistics", "RuleIndex", "name_of"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Condition": "condition",
        "ConditionKind": "condition_kind",
        "EventManager": "event_manager",
        "EventStatistics": "event_manager",
        "RuleIndex": "index",
        "name_of": "places",
    },
)
