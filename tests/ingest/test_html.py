"""HTML: what is seen of it, its title and its encoding."""

from __future__ import annotations

import pytest

from tests.ingest.files import one


def test_html_is_what_a_browser_shows() -> None:
    page = (
        b"<!DOCTYPE html><html><head><title>T</title><style>x{}</style></head><body><nav>Menu</nav><!-- note -->"
        b"<h1>The Tarn</h1>"
        b"<p>A <b>deep</b>\n lake.</p><p>Cold.<br>Clear.</p><pre>a  b\nc</pre><script>1</script></body></html>"
    )
    found = one("a.html", page)
    assert (found.title, found.text) == ("The Tarn", "The Tarn\nA deep lake.\nCold.\nClear.\na b\nc")


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ("<h1><img src=logo.png></h1><h1>A <b>deep</b> lake</h1>", "A deep lake"),
        ("<h1><a href=/><img src=logo.png></a> </h1><p>A lake.</p>", "Tarn"),
        ('<h1 style="display:none">Unseen</h1><p>A lake.</p>', "Tarn"),
        ("<div hidden><h1>Unseen</h1></div><p>A lake.</p>", "Tarn"),
        ("<nav><h1>Menu</h1></nav><h1><span hidden>Unseen </span>Deep<br>lake</h1>", "Deep lake"),
        ("<h1>A</h1><h1>B</h1>", "A"),
    ],
)
def test_an_html_title_is_the_first_h1_that_is_seen_or_the_pages(body: str, title: str) -> None:
    assert one("a.html", f"<title>Tarn</title>{body}".encode()).title == title


@pytest.mark.parametrize(
    "tag",
    [
        '<p hidden>',
        '<div style="display:none"><p>',
        '<span style="color:red; VISIBILITY : hidden">',
        '<p style="font-size:0px">',
        '<p style="opacity: 0.0">',
    ],
)  # fmt: skip
def test_what_html_hides_is_not_read(tag: str) -> None:
    assert one("a.html", f"<p>Seen.</p>{tag}Unseen.".encode()).text == "Seen."


def test_small_or_pale_print_is_still_seen() -> None:
    page = b'<p style="font-size:0.8em">Small.</p><p style="opacity:0.5">Pale.</p><p style="display:block">Whole.</p>'
    assert one("a.html", page).text == "Small.\nPale.\nWhole."


def test_html_may_declare_its_encoding() -> None:
    assert one("a.html", '<meta charset="latin-1"><p>Café</p>'.encode("latin-1")).text == "Café"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b'<meta charset="iso-8859-1"><p>\x93Caf\xe9\x94</p>', "“Café”"),  # browsers read Latin-1 as Windows-1252
        ('<meta charset="utf-16"><p>Café</p>'.encode(), "Café"),  # which it cannot be in
        ("<p>Café</p>".encode("utf-16"), "Café"),
        ('<meta charset="iso-8859-1"><p>Café</p>'.encode("utf-8-sig"), "Café"),
        ('<meta charset="shift_jis"><p>湖</p>'.encode("shift_jis"), "湖"),
    ],
)
def test_a_declared_encoding_is_taken_as_browsers_take_it(page: bytes, text: str) -> None:
    assert one("a.html", page).text == text
