"""What a terminal shows of a conversation."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import replace

import pytest

from agent import Thread, Turn
from hopcite.types import Answer, Chunk, Claim, Hit, Step, Usage
from ui.terminal import print_line
from ui.text import answer_text, doubts, headline, hit_text, thread_text


def turn(question: str, searched: str) -> Turn:
    usage = Usage(1, 10, 5, {"total": 1500.0})
    steps = (Step("q", searched),)
    return Turn(Answer(question, "In 1911.", "1911", "answered", 1.0, (), (), steps, (), usage, {}), "2026-01-01")


def test_a_conversation_shows_what_was_searched_only_where_it_differs() -> None:
    opened = "When did the Harrow Pass Railway open?"
    thread = Thread("talk", "documents", (turn(opened, opened), turn("And when?", opened)), "Why?", "2026-01-01")
    bill = "answered, confidence 1.00; 1 model call, 15 tokens, 1.5 s"
    assert thread_text(thread) == (
        f"> {opened}\n\n1911\n\nIn 1911.\n\n{bill}\n\n\n"
        f"> And when?\n\n1911\n\nIn 1911.\n\nsearched for: {opened}\n\n{bill}\n\n\n"
        "> Why?\n\nNo answer yet; asked again in this thread, it goes on where it stopped."
    )


@pytest.mark.parametrize(
    ("citations", "supported", "shown"),
    [
        ((1,), True, []),
        ((1,), False, ["A name or number is in no quote: “It opened in 1911.”"]),
        ((1,), None, ["No quote alone shows this: “It opened in 1911.”"]),
        ((), None, ["Nothing was found to quote for this: “It opened in 1911.”"]),
    ],
)
def test_what_the_quotes_do_not_bear_out_is_said(
    citations: tuple[int, ...], supported: bool | None, shown: list[str]
) -> None:
    claim = Claim("It opened in 1911. [1]", 0, 22, citations, supported)
    answer = replace(turn("When?", "When?").answer, answer=claim.text, claims=(claim,))
    assert doubts(answer) == shown
    assert [line[2:] for line in answer_text(answer).split("\n") if line.startswith("! ")] == shown
    assert doubts(replace(answer, status="unanswerable")) == []


@pytest.mark.parametrize(
    ("short", "said", "shown"),
    [
        ("Low Water", "Low Water opened in 1901. Tarn opened in 1911.", ""),
        ("Tarn", "Low Water opened in 1901. Tarn opened in 1911.", "Tarn"),
        ("no", "Low Water opened in 1901.", "No"),
        ("no", "No, it opened in 1901.", ""),
        ("", "The passages do not say.", ""),
    ],
)
def test_the_short_answer_stands_above_what_does_not_begin_with_it(short: str, said: str, shown: str) -> None:
    assert headline(replace(turn("Which?", "Which?").answer, short_answer=short, answer=said)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Short\n text.", "Short text."),
        ("abc " * 100, "abc " * 59 + "abc …"),
        ("湖" * 300, "湖" * 240 + " …"),
    ],
)
def test_a_passage_is_shown_by_its_beginning(text: str, shown: str) -> None:
    lines = hit_text(Hit(Chunk("c", "d", "Tarn", "d.md", text, 0, len(text), 0), 1, 0.5)).split("\n")
    assert lines[0] == "1. Tarn  (d.md)"
    assert " ".join(line.strip() for line in lines[1:]) == shown


@pytest.mark.parametrize(
    ("terminal", "shown"), [(True, "a \ufffd[31mred\ufffd\n\tb\n"), (False, "a \x1b[31mred\x9b\n\tb\n")]
)
def test_a_document_does_not_command_the_terminal(terminal: bool, shown: str) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    with redirect_stdout(Screen()) as screen:
        print_line("a \x1b[31mred\x9b\n\tb")
    assert screen.getvalue() == shown
