"""What pydantic finds wrong with a request, in one line for the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNSUPPORTED = "unsupported"
"""The type of a fault whose message says all: what was sent is not repeated."""


def first_fault(faults: Sequence[Mapping[str, Any]]) -> str:
    """The first fault in one line that names the field, as in `limit: Input should be at most 100; it was 1000.`."""
    fault = faults[0]
    name = field_of(fault)
    if fault["type"] == "missing":
        return f"{name}: this field is missing."
    if fault["type"] == "extra_forbidden":
        return f"{name}: no such field."
    if fault["type"] == UNSUPPORTED:
        return f"{name}: {fault['msg']}."
    more = f" ({len(faults) - 1} more.)" if len(faults) > 1 else ""
    return f"{name}: {fault['msg']}; it was {_short(fault.get('input'))}.{more}"


def field_of(fault: Mapping[str, Any]) -> str:
    """The name of the field that a fault is about; `body` for the whole."""
    return ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path")) or "body"


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
