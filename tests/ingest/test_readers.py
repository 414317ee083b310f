"""Files to text, and files that can't be read."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import docx
import pypdf
import pytest
from fpdf import FPDF

from hopcite.errors import DocumentError
from hopcite.types import Document
from ingest.readers import BadRecord, read_document


def one(name: str, data: bytes) -> Document:
    [found] = read_document(name, name, data)
    assert isinstance(found, Document)
    return found


def pdf(*pages: str, title: str = "") -> bytes:
    file = FPDF()
    file.set_font("helvetica", size=12)
    if title:
        file.set_title(title)
    for page in pages:
        file.add_page()
        file.multi_cell(0, text=page)
    return bytes(file.output())


def test_markdown_keeps_its_source_and_its_first_heading_is_the_title() -> None:
    found = one("a/b.md", b"# The *Tarn*\r\n\r\nA lake.\n")
    assert (found.id, found.title, found.text) == ("a/b.md", "The *Tarn*", "# The *Tarn*\n\nA lake.\n")
    assert one("b.md", b"---\ntitle: Front\n---\n# Other\n").title == "Front"


def test_html_is_what_a_browser_shows() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>T</title><style>x{}</style></head><body><nav>Menu</nav><!-- note -->"
        b"<h1>The Tarn</h1>"
        b"<p>A <b>deep</b>\n lake.</p><p>Cold.<br>Clear.</p><pre>a  b\nc</pre><script>1</script></body></html>"
    )
    found = one("a.html", page)
    assert (found.title, found.text) == ("The Tarn", "The Tarn\nA deep lake.\nCold.\nClear.\na b\nc")


def test_html_may_declare_its_encoding() -> None:
    assert one("a.html", '<meta charset="latin-1"><p>Café</p>'.encode("latin-1")).text == "Café"


def test_plain_text_takes_its_title_from_a_line_that_stands_alone_or_from_its_name() -> None:
    assert one("x/notes.txt", b"The Tarn\n\nA lake.").title == "The Tarn"
    assert one("x/notes.txt", b"A lake that\nis deep.").title == "notes"


def test_a_pdf_has_pages_that_begin_where_page_starts_say() -> None:
    found = one("a.pdf", pdf("First page.", "Second page.", title="The Tarn"))
    assert (found.title, len(found.page_starts)) == ("The Tarn", 2)
    assert found.text[found.page_starts[1] :].startswith("Second page.")


def test_word_paragraphs_and_tables_come_in_order() -> None:
    document = docx.Document()
    document.add_heading("The Tarn", 1)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "depth", "40 m"
    document.add_paragraph("A lake.")
    buffer = io.BytesIO()
    document.save(buffer)
    found = one("a.docx", buffer.getvalue())
    assert (found.title, found.text) == ("The Tarn", "The Tarn\ndepth | 40 m\nA lake.")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_json_lines_are_a_document_each_and_a_bad_line_is_only_itself(suffix: str) -> None:
    lines = [json.dumps({"id": "x", "title": "X", "text": "Here.", "source": "Gazette"}), "{", '{"title": "no text"}']
    data = "\n".join([*lines, json.dumps({"text": "There."})]).encode()
    found = list(read_document("n" + suffix, "n" + suffix, gzip.compress(data) if suffix.endswith(".gz") else data))
    assert [type(item) for item in found] == [Document, BadRecord, BadRecord, Document]
    assert isinstance(found[0], Document)
    assert (found[0].id, found[0].metadata, found[0].source) == ("x", {"publisher": "Gazette"}, f"n{suffix}#1")
    assert isinstance(found[3], Document)
    assert found[3].id == f"n{suffix}#4"


def encrypted() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf("Secret.")))
    writer.encrypt("password", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.md", b" \n", "empty"),
        ("a.txt", "Café".encode("latin-1"), "not UTF-8 text"),
        ("a.pdf", encrypted(), "encrypted"),
        ("a.pdf", b"%PDF-1.4 nonsense", "no readable PDF"),
        ("a.pdf", pdf("First page.")[:400], "no readable PDF"),
        ("a.pdf", pdf(""), "no text"),
        ("a.docx", b"PK nonsense", "no readable .docx"),
        ("a.html", b"<script>1</script>", "no text"),
        ("a.html", b'<meta charset="klingon"><p>x</p>', "klingon"),
        ("a.jsonl.gz", b"nonsense", "gzip"),
        ("a.xyz", b"text", "not supported"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        list(read_document(name, name, data))
    assert "\n" not in str(caught.value)


def test_all_samples_can_be_read() -> None:
    samples = Path(__file__).parents[2] / "samples"
    files = [path for path in sorted(samples.iterdir()) if path.is_file()]
    found = [item for file in files for item in read_document(file.name, file.name, file.read_bytes())]
    assert all(isinstance(item, Document) and item.title and item.text.strip() for item in found)
    assert len(found) > len(files) >= 20
