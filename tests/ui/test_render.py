"""What others wrote, as HTML: our tags only."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import StageEvent
from ui.page.conversation import sample_prompts
from ui.page.render import answer_html, draft_text, excerpt, format_of
from ui.text import plural, stage_line

OUR_TAGS = re.compile(
    r"</?(?:p|ul|ol|li|strong|em|code)>|<br>|</?mark>|"
    r'<button type="button" class="chip" data-n="\d+" aria-label="Source \d+">|</button>'
)
PIECES = (
    "<script>|</p>|<img src=x onerror=a()>|**|*|`|[1]|[9]|\n|\n\n|- |1. |\"|'|&|&lt;|javascript:|![a](http://x)|word| "
).split("|")
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(HOSTILE)
def test_an_answer_holds_no_markup_but_ours(text: str) -> None:
    left = OUR_TAGS.sub("", answer_html(text, citations={1}))
    assert "<" not in left
    assert ">" not in left


@given(HOSTILE, st.integers(0, 60), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 20)))
def test_an_excerpt_holds_no_markup_but_the_mark(text: str, start: int, length: int, margin: int | None) -> None:
    start = min(start, len(text))
    left = OUR_TAGS.sub("", excerpt(text, start=start, end=min(len(text), start + length), margin=margin).html)
    assert "<" not in left
    assert ">" not in left


def test_markdown_of_an_answer_and_its_markers() -> None:
    html = answer_html("It is **old** [1].\n\n- first *item* [2]\n- `code` [7]\n\n1. one", citations={1, 2})
    chip = '<button type="button" class="chip" data-n="{0}" aria-label="Source {0}">{0}</button>'
    assert html == (
        f"<p>It is <strong>old</strong> {chip.format(1)}.</p>"
        f"<ul><li>first <em>item</em> {chip.format(2)}</li><li><code>code</code> [7]</li></ul>"
        "<ol><li>one</li></ol>"
    )


def test_an_excerpt_marks_the_quote_and_cuts_between_words() -> None:
    text = "aaaa bbbb cccc dddd eeee ffff gggg"
    shown = excerpt(text, start=15, end=19, margin=7)
    # 7 characters before 15 is inside "bbbb": the excerpt starts at the next word; after 19 it ends at a space.
    assert shown.html == "cccc <mark>dddd</mark> eeee"
    assert (shown.before, shown.after) == (True, True)


def test_an_excerpt_without_a_margin_is_the_whole_document() -> None:
    shown = excerpt("a < b & c", start=2, end=3, margin=None)
    assert shown.html == "a <mark>&lt;</mark> b &amp; c"
    assert (shown.before, shown.after) == (False, False)


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200), st.integers(0, 50))
def test_an_excerpt_never_loses_any_of_the_quote(text: str, start: int, length: int, margin: int) -> None:
    start = min(start, len(text))
    end = min(len(text), start + length)
    marked = re.search(r"<mark>(.*)</mark>", excerpt(text, start=start, end=end, margin=margin).html, re.DOTALL)
    assert ("" if marked is None else unescape(marked[1])) == text[start:end]


@pytest.mark.parametrize(
    ("draft", "shown"),
    [
        ("Answer: Kest", "Kest"),
        ("**Answer:** Kestmark\nShe was born there [2].", "Kestmark\nShe was born there."),
        ("It opened [1, 2", "It opened"),
    ],
)
def test_a_draft_is_shown_without_the_writers_own_label_and_markers(draft: str, shown: str) -> None:
    assert draft_text(draft).replace("** ", "") == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a/b/report.pdf", "PDF"),
        ("news.jsonl#12", "JSONL"),
        ("C:\\docs\\x.DOCX", "DOCX"),
        ("README", "Text"),
        (".hidden", "Text"),
        ("v1.2 of the plan", "Text"),
    ],
)
def test_a_format_comes_from_the_name(source: str, shown: str) -> None:
    assert format_of(source) == shown


def test_plurals() -> None:
    assert [plural(n, "passage") for n in (0, 1, 1204)] == ["0 passages", "1 passage", "1,204 passages"]


def test_prompts_name_documents_and_never_one_twice() -> None:
    assert sample_prompts([]) == []
    assert sample_prompts(["A"]) == ["What is A about?"]
    prompts = sample_prompts(["A", "B", "C"])
    assert prompts[0] == "What connects A and C?"
    assert len(set(prompts)) == len(prompts) == 3
    assert all("B and B" not in prompt and "B or B" not in prompt for prompt in sample_prompts(["A", "B"]))


def test_the_progress_line_follows_the_run() -> None:
    assert stage_line(StageEvent("retrieve", "start")) == "Searching…"
    assert stage_line(StageEvent("retrieve", "end", {"hits": 20})) == "Reading 20 passages…"
    assert stage_line(StageEvent("plan", "end", {"steps": ["Who?", "Where?"]})) == "Looking for: Who? · Where?"
    assert stage_line(StageEvent("write", "end", {})) is None
