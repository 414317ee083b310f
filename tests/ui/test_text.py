"""What a terminal shows of a conversation."""

from __future__ import annotations

from agent import Thread, Turn
from hopcite.types import Answer, Step, Usage
from ui.text import thread_text


def turn(question: str, searched: str) -> Turn:
    usage = Usage(1, 10, 5, {"total": 1500.0})
    steps = (Step("q", searched),)
    return Turn(Answer(question, "In 1911.", "1911", "answered", 1.0, (), (), steps, (), usage, {}), "2026-01-01")


def test_a_conversation_shows_what_was_searched_only_where_it_differs() -> None:
    opened = "When did the Harrow Pass Railway open?"
    thread = Thread("talk", "documents", (turn(opened, opened), turn("And when?", opened)), "Why?", "2026-01-01")
    bill = "answered, confidence 1.00; 1 model call, 15 tokens, 1.5 s"
    assert thread_text(thread) == (
        f"> {opened}\n\nIn 1911.\n\n{bill}\n\n\n"
        f"> And when?\n\nIn 1911.\n\nsearched for: {opened}\n\n{bill}\n\n\n"
        "> Why?\n\nNo answer yet; asked again in this thread, it goes on where it stopped."
    )
