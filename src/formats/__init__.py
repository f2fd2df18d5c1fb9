"""Bytes to frames and back: what is known about formats, and nothing about files, sockets or streams.

Printing
    `print_columns`, `print_json`, `print_lines` and `print_value` print values in the one way there is, `print_csv` and
    `print_csv_header` lay them out as CSV, `Template` as lines for people.
Reading
    `EventTimes` reads event times, `make_payload` the bytes of a message or a line; `csv_file`, `csv_sheet` and
    `csv_frames` are CSV, from bytes to typed frames (they import numpy and polars: import them where they are used).
Options
    `Delimiter`, `Schema` and `TemplateText` are kinds of options (see `plait.fields`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazily import lazily

if TYPE_CHECKING:
    from .csv_printing import print_csv, print_csv_header
    from .delimiter import Delimiter
    from .payload import make_payload
    from .printing import print_columns, print_json, print_lines, print_value, print_value_as_json
    from .schema import Schema
    from .template import Template, TemplateText
    from .timestamps import EventTimes

__all__ = [
    "Delimiter",
    "EventTimes",
    "Schema",
    "Template",
    "TemplateText",
    "make_payload",
    "print_columns",
    "print_csv",
    "print_csv_header",
    "print_json",
    "print_lines",
    "print_value",
    "print_value_as_json",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Delimiter": "delimiter",
        "EventTimes": "timestamps",
        "Schema": "schema",
        "Template": "template",
        "TemplateText": "template",
        "make_payload": "payload",
        "print_columns": "printing",
        "print_csv": "csv_printing",
        "print_csv_header": "csv_printing",
        "print_json": "printing",
        "print_lines": "printing",
        "print_value": "printing",
        "print_value_as_json": "printing",
    },
)
