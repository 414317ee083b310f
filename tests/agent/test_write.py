"""Drafts: what is taken out of a model's reply."""

from __future__ import annotations

import asyncio

import pytest

from agent.write import Draft, answer_step, fitting, parse_draft
from hopcite.budget import Budget
from hopcite.chat import Completion
from hopcite.types import Chunk
from tests.fakes import ScriptedChat


@pytest.mark.parametrize(
    ("reply", "short", "text"),
    [
        pytest.param("Answer: Kestmark\nShe was born there [2].", "Kestmark", "She was born there [2].", id="as asked"),
        pytest.param("She was born there [2].\nAnswer: Kestmark.", "Kestmark", "She was born there [2].", id="last"),
        pytest.param('**Answer:** "Kestmark" [2]\nShe was.', "Kestmark", "She was.", id="markdown and marker"),
        pytest.param("answer: no\n", "no", "", id="no explanation"),
        pytest.param("Kestmark", "Kestmark", "Kestmark", id="bare phrase"),
        pytest.param(
            "Answer: Washington, D.C.\nIt is.", "Washington, D.C.", "It is.", id="abbreviation keeps its stop"
        ),
    ],
)
def test_parse(reply: str, short: str, text: str) -> None:
    assert parse_draft(reply) == Draft(short_answer=short, text=text, unknown=False, cut_short=False)


def test_a_long_reply_without_the_line_has_no_short_answer() -> None:
    reply = "The railway was surveyed by an engineer who was born in a town that is called Kestmark [1]."
    assert parse_draft(reply).short_answer == ""


@pytest.mark.parametrize(
    "reply",
    [
        "Answer: unknown\nThe passages do not say.",
        "Answer: Unknown",
        "answer: unknown.",
        "Answer: unknown, the passages do not say",
        "Answer: The passages do not mention her father.",
        "Answer: Not mentioned in the passages",
        "Answer: N/A",
    ],
)
def test_unknown_is_recognised(reply: str) -> None:
    draft = parse_draft(reply)
    assert draft.unknown
    assert draft.short_answer == ""


def test_a_guess_that_the_passages_do_not_say_is_no_answer() -> None:
    assert parse_draft("Answer: Moscow\nThe passages do not say where he died [1].").unknown
    hedged = "Answer: Moscow\nHe died in Moscow [1]. The passages do not say when."
    assert parse_draft(hedged).short_answer == "Moscow"


def test_a_name_that_holds_the_word_is_an_answer() -> None:
    assert not parse_draft("Answer: Unknown Pleasures\nIt is an album [1].").unknown
    assert not parse_draft("Answer: Not Given Up\nIt is a song [1].").unknown


def test_a_cut_reply_loses_its_unfinished_sentence() -> None:
    reply = "Answer: 1911\nIt opened in 1911 [1]. The surveyor was"
    assert parse_draft(reply, finish_reason="length").text == "It opened in 1911 [1]."
    draft = parse_draft(reply, finish_reason="deadline")
    assert draft.cut_short
    assert draft.short_answer == "1911"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Completion("Answer: Ottilie Brandvold", "stop", 9, 5), "Ottilie Brandvold"),
        (Completion("Answer: unknown", "stop", 9, 5), ""),
        (Completion("The surveyor of the railway was an eminent engineer in", "length", 9, 24), ""),
        (Completion("Answer: 12", "deadline", 9, 3), ""),  # of 12,000
    ],
)
def test_the_answer_of_a_step_is_a_name_or_nothing(reply: Completion, answer: str) -> None:
    chat = ScriptedChat([reply])
    draft = asyncio.run(answer_step("Who surveyed it?", [], chat=chat, budget=Budget()))
    assert (draft.short_answer, draft.unknown) == (answer, not answer)


@pytest.mark.parametrize(
    ("question", "answer", "kept"),
    [
        ("Who is Imre Valko's father?", "Imre Valko's father", ""),
        ("Who is older, Imre Valko or Sena Oduya?", "Sena Oduya", "Sena Oduya"),
        ("Is Imre Valko older?", "yes", "yes"),
        ("Which band recorded Low Water?", "The Who", "The Who"),
    ],
)
def test_a_step_that_repeats_its_question_has_no_answer(question: str, answer: str, kept: str) -> None:
    chat = ScriptedChat([Completion(f"Answer: {answer}", "stop", 9, 5)])
    assert asyncio.run(answer_step(question, [], chat=chat, budget=Budget())).short_answer == kept


@pytest.mark.parametrize(
    ("question", "answer", "kept"),
    [
        ("When did Imre Valko become coxswain?", "Sena Oduya", ""),
        ("In which year did it close?", "Harrow Pass Railway", ""),
        ("When did it begin?", "Middle Ages", "Middle Ages"),
        ("When did it begin?", "9 May 1911", "9 May 1911"),
        ("When did it begin?", "during the flood", "during the flood"),
        ("How many live in Tarn?", "nine thousand", "nine thousand"),
        ("Who became coxswain?", "Sena Oduya", "Sena Oduya"),
        ("Where did Imre Valko die?", "9 May 1911", ""),
        ("In which town was it built?", "1911", ""),
        ("Where did Imre Valko die?", "Kestmark, 9 May 1911", "Kestmark, 9 May 1911"),
        ("In which year was it built?", "1911", "1911"),
    ],
)
def test_a_bare_name_is_no_time_and_no_amount_a_bare_date_no_place(question: str, answer: str, kept: str) -> None:
    chat = ScriptedChat([Completion(f"Answer: {answer}", "stop", 9, 5)])
    assert asyncio.run(answer_step(question, [], chat=chat, budget=Budget())).short_answer == kept


def test_passages_are_left_out_until_the_window_holds_them() -> None:
    chunks = [
        Chunk(id=str(n), document_id="d", title="t", source="s", text="word " * 200, start=0, end=1000, position=n)
        for n in range(5)
    ]
    chat = ScriptedChat([], context_tokens=1500)
    # 1500 - 100 for the reply - 900 for prompt and examples - 1 for the question leave 499 tokens: two passages.
    kept = asyncio.run(fitting(chunks, "When?", chat=chat, budget=Budget(), max_tokens=100))
    assert [chunk.id for chunk in kept] == ["0", "1"]
    # Of 1,300 tokens that a request may cost, 299 are left for passages: one.
    ceiling = Budget(max_tokens=1300)
    assert len(asyncio.run(fitting(chunks, "When?", chat=chat, budget=ceiling, max_tokens=100))) == 1
