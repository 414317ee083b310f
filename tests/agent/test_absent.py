"""Names that no document has: the question is declined where the writer is not sure, and else only told apart."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from agent import AnswerOptions, answer_question
from agent.absent import names_asked, telling_words, unheard
from retrieval import Collection
from tests.agent.test_drafts import nodes, told
from tests.agent.test_graph import ask, chunks, collection, deps

__all__ = ["collection"]

QUESTION = "In which town was the composer of Winter Tarantella born?"
GUESS = "Answer: Kestmark\nOttilie Brandvold was born in Kestmark [1]."


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Who wrote the novel Low Tarnish?", {"Low Tarnish": "Tarnish"}),  # three letters say little
        ("Besides Tarn, where is the Oyelund's boat?", {"Tarn": "Tarn", "Oyelund": "Oyelund"}),
        ("What did NASA, the UN and McArdle report in 1911?", {"McArdle": "McArdle"}),
        ("Who surveyed the line? Explain your reasoning.", {}),
        ("Hello! Please tell me who surveyed the Oyelund line? Reply in French. Thanks!", {"Oyelund": "Oyelund"}),
        ("The Oyelund line is old. Who surveyed it?", {"Oyelund": "Oyelund"}),
        ("Where Was Ottilie Brandvold Educated, in the End?", {}),
        ("who was ottilie brandvold?", {}),
        ("Wer hat Kestmark vermessen?", {}),
    ],
)
def test_a_names_words_are_those_with_a_capital_and_small_letters(question: str, names: dict[str, str]) -> None:
    assert names_asked(question) == names


def test_the_first_word_of_a_side_is_a_name() -> None:
    assert telling_words("Kamakalawa, Mirel Bridge") == {"Kamakalawa": "Kamakalawa", "Mirel Bridge": "Mirel Bridge"}


@pytest.mark.parametrize(
    ("texts", "heard"),
    [
        pytest.param(["The parliament met at Tarn Road."], True, id="a slip of the pen"),
        pytest.param(["Tarn's PARLIMENT met."], True, id="in capitals"),
        pytest.param(["The council met at Tarn."], False, id="another word"),
        pytest.param(["The parliament met.", "Tarn has a council."], False, id="its words apart"),
    ],
)
def test_a_name_is_heard_where_one_text_has_its_words_or_nearly(texts: list[str], *, heard: bool) -> None:
    names = {"Tarn Parliment": "Tarn Parliment"}
    assert unheard(names, texts) == ({} if heard else names)


def test_an_unsure_answer_on_what_no_document_names_is_not_given(collection: Collection) -> None:
    answer = ask(collection, [told(GUESS, 0.6)], question=QUESTION)
    assert (answer.status, answer.short_answer, answer.citations) == ("unanswerable", "", ())
    assert answer.answer == "Nothing in the documents names Winter Tarantella."
    assert nodes(answer) == ["search", "write", "verify"]


def test_a_sure_answer_stands(collection: Collection) -> None:
    assert ask(collection, [told(GUESS, 0.9)], question=QUESTION).short_answer == "Kestmark"


def test_what_is_compared_must_be_there(collection: Collection) -> None:
    answer = ask(collection, [], question="Which opened first, Mirel Bridge or the Kamakalawa Tunnel?")
    assert (answer.status, answer.usage.llm_calls) == ("unanswerable", 0)
    assert answer.answer == "Nothing in the documents names Kamakalawa Tunnel."


def test_a_name_whose_words_stand_in_different_documents_is_not_there(collection: Collection) -> None:
    answer = ask(collection, [], question="Which opened first, Mirel Bridge or Kestmark Railway?")
    assert answer.answer == "Nothing in the documents names Kestmark Railway."


def test_a_document_that_the_search_did_not_find_counts(collection: Collection) -> None:
    text = "Winter Tarantella"
    [first] = chunks()[:1]
    collection.add([replace(first, id="6f7b8f5e-1b5c-5d3f-9b1f-6f0f5d3c2a11", document_id="tarantella", text=text)])
    options = AnswerOptions(within=(first.document_id,))
    parts, _ = deps(collection, [told(GUESS, 0.6)])
    inside = asyncio.run(answer_question(QUESTION, deps=parts, options=options))
    assert inside.answer == "Nothing in the documents names Winter Tarantella.", "of those that are searched"
    unknown = told("Answer: unknown\nNobody says who composed it.", 0.9)
    parts, chat = deps(collection, [told(GUESS, 0.6), unknown, unknown])  # its first three passages, then the fourth
    everywhere = asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions()))
    assert (everywhere.short_answer, len(chat.requests)) == ("Kestmark", 3)


def test_other_modes_ask_the_writer_alone(collection: Collection) -> None:
    assert ask(collection, [told(GUESS, 0.6)], question=QUESTION, mode="never").short_answer == "Kestmark"
