"""An answer as a chat message, and a chat message as what a later question leans on."""

from __future__ import annotations

from dataclasses import replace

from agent import Exchange
from hopcite.types import Answer, Citation, Claim, Step, Usage
from ui.api.chat_text import exchange_of, reply_text

CITED = Citation(1, "d", "Harrow Pass", "harrow.pdf", 3, "d:0", 0, 21, "It was\nopened in 1911.", True)
STEPS = (Step("q", "When did the Harrow Pass Railway open?"),)
ANSWER = Answer(
    "And when did it open?", "It opened then. [1]", "1911", "answered", 0.9, (), (CITED,), STEPS, (), Usage(), {}
)


def test_an_answer_has_its_short_answer_above_and_what_checks_it_below() -> None:
    assert reply_text(ANSWER) == (
        "**1911**\n\nIt opened then. [1]\n\n"
        "**Searched for:** When did the Harrow Pass Railway open?\n\n"
        "**Sources:**\n- [1] Harrow Pass, page 3 — “It was opened in 1911.”"
    )


def test_what_comes_back_is_what_the_answer_says_itself() -> None:
    for status in ("answered", "partial"):
        assert exchange_of(ANSWER.question, reply_text(replace(ANSWER, status=status))) == Exchange.of(ANSWER)


def test_an_answer_that_begins_with_the_short_one_does_not_say_it_twice() -> None:
    alone = replace(ANSWER, question=STEPS[0].question, answer="1911, in June. [1]")
    text = reply_text(alone)
    assert text.startswith("1911, in June. [1]\n\n**Sources:**\n")
    assert exchange_of(alone.question, text) == Exchange(alone.question, alone.answer)


def test_a_partial_answer_and_an_unchecked_quote_say_so() -> None:
    unchecked = replace(CITED, verified=False, title="", page=None)
    text = reply_text(replace(ANSWER, status="partial", citations=(unchecked,)))
    assert "\n\n**Partly answered:** check it against the sources.\n\n" in text
    assert text.endswith("- [1] harrow.pdf — “It was opened in 1911.” (not verified)")


def test_what_the_quotes_do_not_show_stands_below_and_does_not_come_back() -> None:
    doubtful = replace(ANSWER, claims=(Claim("It opened then. [1]", 0, 19, (1,), None),))
    assert reply_text(doubtful) == (
        f"{reply_text(ANSWER)}\n\n**Check these:**\n- No quote alone shows this: “It opened then.”"
    )
    assert exchange_of(ANSWER.question, reply_text(replace(doubtful, citations=()))) == Exchange.of(ANSWER)


def test_no_answer_says_so_and_what_is_missing() -> None:
    nothing = replace(ANSWER, question=STEPS[0].question, status="unanswerable", citations=())
    assert reply_text(replace(nothing, answer="The passages do not tell of kings.")) == (
        "The documents do not hold the answer.\n\nThe passages do not tell of kings."
    )
    known = "The documents do not hold the answer."
    assert reply_text(replace(nothing, answer=known)) == known


def test_nothing_that_a_document_says_is_loaded_by_showing_it() -> None:
    quote = r"See ![map](http://evil.example/?q) \![x](http://evil.example) <IMG src=//evil.example> if 1 < 2!"
    text = reply_text(replace(ANSWER, citations=(replace(CITED, quote=quote),)))
    assert text.endswith(
        r"“See &#33;[map](http://evil.example/?q) \&#33;[x](http://evil.example) &lt;IMG src=//evil.example> if 1 < 2!”"
    )


def test_another_models_reply_is_taken_as_it_is() -> None:
    assert exchange_of("Who?", "It was **she**.\n\n- one") == Exchange("Who?", "It was **she**.\n\n- one")
