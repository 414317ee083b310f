"""Word files as people leave them: tracked changes, forms, merged and nested tables."""

from __future__ import annotations

import io
import time

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ingest.readers.docx import read_docx
from ingest.readers.plain import Content
from tests.ingest.files import one


def read(body: str) -> Content:
    """What is read of a document with this XML in its body."""
    document = docx.Document()
    for element in parse_xml(f"<w:body {nsdecls('w')}>{body}</w:body>"):
        document.element.body.insert(-1, element)  # before the section's properties
    buffer = io.BytesIO()
    document.save(buffer)
    return read_docx(buffer.getvalue())


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(text: str, style: str = "") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{run(text)}</w:p>' if style else f"<w:p>{run(text)}</w:p>"


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}<w:p/></w:tc>"


def table(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def control(content: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{content}</w:sdtContent></w:sdt>"


@pytest.mark.parametrize(
    "inserted",
    [
        f'<w:del w:id="1"><w:r><w:delText>10</w:delText></w:r></w:del><w:ins w:id="2">{run("25")}</w:ins>',
        f'<w:moveFrom w:id="1">{run("10")}</w:moveFrom><w:moveTo w:id="2">{run("25")}</w:moveTo>',
        control(run("25")),
        f"<w:smartTag>{run('2')}<w:smartTag>{run('5')}</w:smartTag></w:smartTag>",
        f'<w:hyperlink w:anchor="fees"><w:ins w:id="2">{run("25")}</w:ins></w:hyperlink>',
        f'<w:fldSimple w:instr="FEE">{run("25")}</w:fldSimple>',
    ],
)
def test_a_paragraph_reads_as_it_stands_with_its_changes_made(inserted: str) -> None:
    assert read(f"<w:p>{run('The fee is ')}{inserted}{run(' euros.')}</w:p>").text == "The fee is 25 euros."


def test_tabs_line_breaks_and_hyphens_are_kept_and_page_breaks_are_none() -> None:
    signs = '<w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t><w:br w:type="page"/>'
    assert read(f"<w:p><w:r>{signs}</w:r></w:p>").text == "a\tb\nc-d"


def test_content_controls_are_read_in_their_place() -> None:
    body = (
        paragraph("Before.") + control(paragraph("Within.") + control(table(cell(paragraph("a"))))) + paragraph("End.")
    )
    assert read(body).text == "Before.\nWithin.\na\nEnd."
    row = control(f"<w:tr>{cell(paragraph('a'))}{control(cell(paragraph('b')))}</w:tr>")
    assert read(f"<w:tbl><w:tblPr/><w:tblGrid/>{row}</w:tbl>").text == "a | b"


def test_a_title_may_stand_in_a_content_control() -> None:
    assert read(paragraph("Note.") + control(paragraph("The Tarn", "Heading1"))).title == "The Tarn"


def test_a_title_of_blanks_is_none() -> None:
    document, buffer = docx.Document(), io.BytesIO()
    document.core_properties.title = " "
    document.add_paragraph("A lake.")
    document.save(buffer)
    assert one("tarn.docx", buffer.getvalue()).title == "tarn"


def test_a_merged_cell_is_read_once() -> None:
    wide = cell(paragraph("Head"), '<w:gridSpan w:val="2"/>')
    above, below = cell(paragraph("Group"), '<w:vMerge w:val="restart"/>'), cell("", "<w:vMerge/>")
    rows = (wide, above + cell(paragraph("one")), below + cell(paragraph("two")))
    assert read(table(*rows)).text == "Head\nGroup | one\n | two"


def test_a_table_within_a_table_is_read() -> None:
    inner = table(cell(paragraph("c")) + cell(paragraph("d")))
    assert read(table(cell(paragraph("a") + inner) + cell(paragraph("b")))).text == "a\nc | d | b"


def test_a_long_table_of_merged_cells_is_read_in_no_time() -> None:
    started = time.perf_counter()
    rows = [cell("", "<w:vMerge/>") + cell(paragraph(f"row {n}")) for n in range(2000)]
    assert read(table(*rows)).text.endswith(" | row 1998\n | row 1999")
    assert time.perf_counter() - started < 10  # a minute, where each row looks for the beginning of its merged cell
