"""PDF files: pages, dates, words and titles."""

from __future__ import annotations

import io

import pypdf
import pytest

from ingest.readers.pdf import read_pdf
from tests.ingest.files import one, pdf


def test_a_pdf_has_pages_that_begin_where_page_starts_say() -> None:
    found = one("a.pdf", pdf("First page.", "Second page.", title="The Tarn"))
    assert (found.title, len(found.page_starts)) == ("The Tarn", 2)
    assert found.text[found.page_starts[1] :].startswith("Second page.")


def dated_pdf(xmp: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("A lake.")))
    writer.xmp_metadata = xmp.encode()
    writer.add_metadata({"/CreationDate": "D:20240501000000Z"})
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">{}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def test_a_pdf_is_dated_by_its_work_and_not_by_its_file() -> None:
    stated = "<dc:date><rdf:Seq><rdf:li>2024-04-09</rdf:li></rdf:Seq></dc:date>"
    assert one("a.pdf", dated_pdf(XMP.format(stated))).metadata == {"published_at": "2024-04-09"}
    assert one("a.pdf", dated_pdf(XMP.format(""))).metadata == {}
    assert one("a.pdf", dated_pdf("<nonsense")).metadata == {}


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
