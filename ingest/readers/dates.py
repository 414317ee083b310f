"""The date of a document, as its maker states it: ISO 8601, the day alone.

What a file system or a program notes of a file (saved, printed, converted) is no date of what it says, and not taken.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from datetime import date, datetime

PUBLISHED = "published_at"
"""The metadata field; the writer is shown it beside the title."""

FIELDS = (PUBLISHED, "published", "date")
"""Names under which front matter and records give it, the first that holds a date."""

_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_FORMS = ("%d %B %Y", "%B %d, %Y", "%B %d %Y", "%d %b %Y", "%b %d, %Y", "%Y/%m/%d", "%Y%m%d")


def iso_day(text: str) -> str | None:
    """The day, such as 2024-04-09, of an ISO date with or without a time, "9 April 2024", or a mail's date.

    None for anything else: 04/09/2024 is two different days.
    """
    text = " ".join(text.split())
    if found := _ISO_DAY.match(text):
        try:
            return date(*map(int, found.groups())).isoformat()
        except ValueError:
            return None
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    try:
        return email.utils.parsedate_to_datetime(text).date().isoformat()
    except (ValueError, OverflowError):  # a year of many digits overflows
        return None


def published(fields: Mapping[str, str]) -> dict[str, str]:
    """The date among these fields, as metadata; nothing where none of them holds one."""
    days = (iso_day(fields[name]) for name in FIELDS if name in fields)
    day = next((day for day in days if day), None)
    return {PUBLISHED: day} if day else {}


def dated(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata with its date as `published` gives it; what says nothing clear under that name is left out."""
    return {name: value for name, value in metadata.items() if name != PUBLISHED} | published(metadata)
