"""Files to text, and files that can't be read."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zipfile
from pathlib import Path

import docx
import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopcite.errors import DocumentError
from hopcite.types import Document
from ingest.chunking import chunk_documents
from ingest.readers import BadRecord, read_document
from tests.ingest.files import one, pdf

FOLDER = Path(__file__).parents[2] / "samples"
SAMPLES = [path for path in sorted(FOLDER.iterdir()) if path.is_file()]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding_and_is_no_text(encoding: str) -> None:
    assert one("a.txt", "Ein Café\r\nam See 🚂".encode(encoding)).text == "Ein Café\nam See 🚂"


def test_plain_text_takes_its_title_from_a_line_that_stands_alone_or_from_its_name() -> None:
    assert one("x/notes.txt", b"The Tarn\n\nA lake.").title == "The Tarn"
    assert one("x/notes.txt", b"A lake that\nis deep.").title == "notes"


def test_a_sentence_that_an_editor_broke_is_whole_at_the_places_that_it_had() -> None:
    broken = (
        "The light of Drumlow was lit in 1871, and it was kept by the\nTarrow family until 1934.\nThen it was sold.\n"
    )
    whole = (
        "The light of Drumlow was lit in 1871, and it was kept by the Tarrow family until 1934.\nThen it was sold.\n"
    )
    assert one("a.txt", broken.encode()).text == whole
    # Markdown tells the ends of paragraphs by blank lines, and breaks on purpose by two blanks or a backslash.
    assert one("a.md", broken.encode()).text == whole.replace("\nThen", " Then")
    assert one("a.md", b"Harbour Office\\\nQuay Street  \nThrane\nCross").text.endswith("Street  \nThrane Cross")


@pytest.mark.parametrize("suffix", [".txt", ".md"])
@pytest.mark.parametrize(
    "text",
    [
        "- The lighthouse of Drumlow, which was lit in 1871 by the council\n- Its keeper\n\n1. One\n2. Two\n",
        "| | |\n|---|---|\n| Length of the ship from the stem to the stern, in metres | 62.4 |\n| Route | A |\n",
        "# Drumlow\n\n```\nlight = lantern(year=1871, keeper='Tarrow', place='Drumlow Point')   # lit\nsale\n```\n",
    ],
)
def test_the_lines_of_lists_tables_and_code_stay(text: str, suffix: str) -> None:
    assert one(f"a{suffix}", text.encode()).text == text


def test_columns_and_paragraphs_of_one_line_stay() -> None:
    columns = "Length of the ship from the stem to the stern, in metres   62.4\nRoute of the ship   Corriemar\n"
    assert one("a.txt", columns.encode()).text == columns
    paragraphs = f"{'A paragraph of one line. ' * 6}\nAnother.\n"
    assert one("a.txt", paragraphs.encode()).text == paragraphs


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


def test_a_record_without_id_is_named_by_its_line_and_0_is_an_id() -> None:
    lines = [{"text": "A."}, {"id": 0, "text": "B.", "year": 1884, "tags": ["x"], "title": " Two\nlines\u0000 "}]
    found = list(read_document("n.jsonl", "n.jsonl", "\n\n".join(map(json.dumps, lines)).encode()))
    assert found == [
        Document("n.jsonl#1", "n.jsonl#1", "A.", "n.jsonl#1"),
        Document("0", "Two lines", "B.", "n.jsonl#3", (), {"year": "1884"}),
    ]


@pytest.mark.parametrize("line", ["{", "[]", '"text"', '{"text": 1}', "[" * 100_000, "1" * 5000])
def test_a_line_that_is_no_record_is_told_in_one_short_line(line: str) -> None:
    [bad] = read_document("n.jsonl", "n.jsonl", line.encode())
    assert isinstance(bad, BadRecord)
    assert bad.source == "n.jsonl#1"
    assert "\n" not in bad.reason
    assert len(bad.reason) < 200


HEAD = "<html><head>{}</head><body><p>A lake.</p></body></html>"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "---\ntitle: Tarn\ndate: 2024-04-09\n---\nA lake."),
        ("a.md", '---\npublished: "9 April 2024"\n---\nA lake.'),
        ("a.html", HEAD.format('<meta property="article:published_time" content="2024-04-09T08:00:00+02:00">')),
        ("a.html", HEAD.format('<meta name="DC.date" content="April 9, 2024">')),
        ("a.html", HEAD.format('<script type="application/ld+json">{"datePublished": "2024-04-09T08:00"}</script>')),
        ("a.html", HEAD.format("") + '<time itemprop="datePublished" datetime="2024-04-09">Tuesday</time>'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "2024-04-09"}'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "9 April 2024"}'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "2024-04-09T08:00:00Z", "date": "2024-05-01"}'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "last spring", "date": "2024-04-09"}'),
        ("a.jsonl", '{"text": "A lake.", "date": "Tue, 09 Apr 2024 08:00:00 +0200"}'),
    ],
)
def test_the_date_that_a_document_states_is_kept_as_iso(name: str, text: str) -> None:
    assert one(name, text.encode()).metadata["published_at"] == "2024-04-09"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "---\ndate: 04/09/2024\n---\nA lake."),  # April or September
        ("a.md", "---\ndate: 2024-13-09\n---\nA lake."),
        ("a.md", "date: 2024-04-09\nA lake."),  # no front matter
        ("a.md", "---\ndate: Thu, 1 Jan 20240101120000 00:00:00 +0000\n---\nA lake."),  # a year of 14 digits
        ("a.html", HEAD.format('<meta name="date" content="today">') + "<time>2024-04-09</time>"),
        ("a.jsonl", '{"text": "A lake.", "date": "soon"}'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "04/09/2024"}'),
        ("a.jsonl", '{"text": "A lake.", "published_at": "last spring"}'),
    ],
)
def test_what_is_no_clear_date_of_the_document_is_not_taken(name: str, text: str) -> None:
    assert "published_at" not in one(name, text.encode()).metadata


def damaged_word() -> bytes:
    """A whole zip file with a part that is no XML."""
    document, buffer, damaged = docx.Document(), io.BytesIO(), io.BytesIO()
    document.add_paragraph("A lake.")
    document.save(buffer)
    with zipfile.ZipFile(buffer) as parts, zipfile.ZipFile(damaged, "w") as written:
        for name in parts.namelist():
            whole = parts.read(name)
            written.writestr(name, whole[: len(whole) // 2] if name == "word/document.xml" else whole)
    return damaged.getvalue()


def squeezed_word() -> bytes:
    """A zip file whose parts are packed by LZMA, and damaged."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as parts:
        parts.writestr("[Content_Types].xml", "<Types/>" * 50)
    damaged = bytearray(buffer.getvalue())
    damaged[60:70] = b"\xff" * 10
    return bytes(damaged)


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
        ("a.pdf", pdf("First page.").replace(b"FlateDecode", b"FlateXecode"), "no readable PDF"),
        ("a.docx", b"PK nonsense", "no readable .docx"),
        ("a.docx", damaged_word(), "no readable .docx"),
        ("a.docx", squeezed_word(), "no readable .docx"),
        ("a.html", b'<meta charset="ascii"><p>\x81</p>', "not in the encoding"),
        ("none.jsonl.gz", gzip.compress(b"\n"), "It is empty"),
        ("none.jsonl", b"\xef\xbb\xbf", "It is empty"),
        ("none.html", b"<meta charset='undefined'>x", "not in the encoding that it declares"),
        ("a.html", "<p>Café</p>".encode("latin-1"), "not UTF-8 text"),
        ("a.txt", b"\xef\xbb\xbf", "no text"),
        ("a.html", b"<script>1</script>", "no text"),
        ("a.html", b'<meta charset="klingon"><p>x</p>', "klingon"),
        ("a.jsonl.gz", b"nonsense", "gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "A lake."}')[:-9], "gzip"),
        ("a.jsonl.gz", gzip.compress(bytes(2**20)) * 1025, "more than 1 GiB; split it"),
        ("a.jsonl", '{"text": "Café"}'.encode("latin-1"), "not UTF-8 text"),
        ("a.xyz", b"text", "not supported"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        list(read_document(name, name, data))
    assert "\n" not in str(caught.value)


@given(
    place=st.integers(min_value=0),
    garbage=st.binary(max_size=20),
    name=st.sampled_from([file.name for file in SAMPLES if file.suffix in (".pdf", ".docx", ".html", ".jsonl")]),
)
def test_a_damaged_file_is_read_or_refused_but_breaks_nothing(place: int, garbage: bytes, name: str) -> None:
    whole = (FOLDER / name).read_bytes()
    at = place % len(whole)
    with contextlib.suppress(DocumentError):
        list(read_document(name, name, whole[:at] + garbage + whole[at + len(garbage) :]))


def test_all_samples_can_be_read_and_cut_exactly() -> None:
    found = [item for file in SAMPLES for item in read_document(file.name, file.name, file.read_bytes())]
    documents = [item for item in found if isinstance(item, Document)]
    assert len(documents) == len(found) > len(SAMPLES) >= 20
    assert all(document.title and document.text.strip() for document in documents)
    cut = chunk_documents(
        documents,
        count_tokens=lambda texts: [len(text) // 4 for text in texts],
        max_tokens=100,
        overlap_sentences=1,
    )
    for document, chunks in zip(documents, cut, strict=True):
        assert chunks
        assert all(chunk.text == document.text[chunk.start : chunk.end] for chunk in chunks)


def test_the_page_starts_of_a_sample_are_those_of_its_pages() -> None:
    file = FOLDER / "harbour-board-report-2023.pdf"
    found = one(file.name, file.read_bytes())
    pages = [page.extract_text().split() for page in pypdf.PdfReader(file).pages]
    assert len(pages) == len(found.page_starts) > 1
    for start, words in zip(found.page_starts, pages, strict=True):
        assert found.text[start:].split()[:3] == words[:3]
