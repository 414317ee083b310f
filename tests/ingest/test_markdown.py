"""Markdown: its text and its title."""

from __future__ import annotations

import time

import pytest

from tests.ingest.files import one


def test_markdown_keeps_its_source_and_its_first_heading_is_the_title() -> None:
    found = one("a/b.md", b"# The *Tarn*\r\n\r\nA lake.\n")
    assert (found.id, found.title, found.text) == ("a/b.md", "The *Tarn*", "# The *Tarn*\n\nA lake.\n")
    assert one("b.md", b"---\ntitle: Front\n---\n# Other\n").title == "Front"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle:\nauthor: Jane Doe\n---\n# Tarn\n", "Tarn"),
        ("---\n# taken from the wiki\nauthor: Jane Doe\n---\n# Tarn\n", "Tarn"),
        ("---\ntitle: # none yet\n---\n# Tarn\n", "Tarn"),
        ("---\ntitle: >-\n  Front\n---\n# Tarn\n", "Tarn"),
        ("--- \ntitle: 'Front'\n---\t\n# Tarn\n", "Front"),
        ("---\n---\n# Tarn\n", "Tarn"),
        ('---\ntitle: The "Tarn"\n---\nA lake.\n', 'The "Tarn"'),
        ("Tarn\n====\n\n```\n# install it\n```\n", "Tarn"),
        ("    # install it\n\n# Tarn #\n", "Tarn"),
        ("# Intro to C#\n", "Intro to C#"),
        ("#\nA paragraph.\n\n## Tarn\n", "Tarn"),
        ("> # Quoted\n\n- # Listed\n\n# Tarn\n", "Tarn"),
        ("#hashtag\n", "a"),
    ],
)
def test_a_markdown_title_is_the_front_matters_or_the_first_heading_that_is_one(text: str, title: str) -> None:
    found = one("a.md", text.encode())
    assert (found.title, found.text) == (title, text)


@pytest.mark.parametrize("text", ["# x" + " " * 20_000 + "y", "---\n" + "title: x" + " " * 20_000 + "\n---\ny"])
def test_a_title_with_a_long_gap_is_read_in_no_time(text: str) -> None:
    started = time.perf_counter()
    one("a.md", text.encode())
    assert time.perf_counter() - started < 5  # a pattern that tries all ways to split the gap takes minutes


def test_an_image_written_into_markdown_is_not_read() -> None:
    found = one(
        "a.md",
        b"Before ![plan](data:image/png;base64,iVBORw0KGgo/+AAA==) after.\n\n[i]: <data:image/svg+xml;base64,PHN2>\n",
    )
    assert found.text == "Before ![plan](data:image/png;base64,…) after.\n\n[i]: <data:image/svg+xml;base64,…>\n"
