"""The words and titles of PDF files."""

from __future__ import annotations

import io

import pypdf
import pytest

from ingest.readers.pdf import read_pdf
from tests.ingest.test_readers import pdf


def titled(title: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("A lake.")))
    writer.add_metadata({"/Title": title})
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ("The mole of the har-\nbour is long.", "The mole of the harbour is long."),
        ("It is a state-of-the-\nart mole.", "It is a state-of-the-art mole."),
        ("It is well-\nknown, as a Well-known mole is.", "It is well-known, as a Well-known mole is."),
        ("It is up-\nto-date, an up-to-date mole.", "It is up-to-date, an up-to-date mole."),
        ("It is well-\nknown.", "It is wellknown."),  # nothing tells it from har-bour
    ],
)
def test_a_word_cut_at_the_end_of_a_line_is_whole(lines: str, text: str) -> None:
    assert " ".join(read_pdf(pdf(lines)).text.split()) == text


def test_a_hyphen_is_known_from_another_page() -> None:
    assert read_pdf(pdf("It is well-\nknown.", "A well-known mole.")).text == "It is well-known.\n\nA well-known mole."


def test_a_title_holds_no_nul() -> None:
    assert read_pdf(titled("The\0 Tarn\0")).title == "The Tarn"
    assert read_pdf(titled("\0")).title == "A lake."
