"""Conclusions: what the answers of steps give without a writer, and how it is said."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from agent import AnswerOptions, answer_question
from agent.conclude import conclusion, statements
from agent.plan import Plan, PlannedStep
from hopcite.errors import BudgetExhausted
from hopcite.settings import Settings
from hopcite.types import Answer, Step
from retrieval import Collection, open_collection
from tests.agent.test_drafts import NO_STEPS, nodes, told
from tests.agent.test_graph import NO_ANSWER, PLAN, QUESTION, REPLY, Script, ask, chunks, collection, deps
from tests.fakes import HashingEncoder

__all__ = ["collection"]

WHICH_FIRST = "Which opened first, the Harrow Pass Railway or Mirel Bridge?"
BOTH = Plan(
    steps=[
        PlannedStep(question="When was the Harrow Pass Railway opened?"),
        PlannedStep(question="When was Mirel Bridge opened?"),
    ]
)


@pytest.mark.parametrize(
    ("question", "answer", "sentence"),
    [
        ("When was Imre Valko born?", "12 May 1901", "Imre Valko was born on 12 May 1901."),
        ("When was Low Water released?", "1979", "Low Water was released in 1979."),
        ("When did Imre Valko die?", "May 1937.", "Imre Valko died in May 1937."),
        ("Who directed the film Low Water?", "Sena Oduya", "Sena Oduya directed the film Low Water."),
        ("Who is the author of Low Water?", "Sena Oduya", "The author of Low Water is Sena Oduya."),
        ("What nationality is Sena Oduya?", "Kenyan", "The nationality of Sena Oduya is Kenyan."),
        ("In which country is Mirel Bridge?", "Ossland", "Mirel Bridge is in Ossland."),
        ("In which city was Sena Oduya born?", "Tarn", "Sena Oduya was born in Tarn."),
        ("Where is the Oss dammed?", "Tarn", "The Oss is dammed in Tarn."),
        ("In which town did Imre Valko die?", "Kestmark", "Imre Valko died in Kestmark."),
        ("How long is MV Plover?", "62.4 metres", "MV Plover is 62.4 metres long."),
        ("What is the town where the Oss is dammed?", "Tarn", "The town where the Oss is dammed is Tarn."),
        ("What was the place of birth of Sena Oduya?", "Tarn", "The place of birth of Sena Oduya was Tarn."),
        ("What colour has it?", "red", "What colour has it: red."),
    ],
)
def test_what_was_found_is_said_in_sentences(question: str, answer: str, sentence: str) -> None:
    assert statements([Step("s1", question, answer=answer), Step("s2", "Where?")]) == sentence


def test_a_chain_is_as_likely_as_its_weakest_link() -> None:
    first = Step("s1", "Who surveyed the Harrow Pass Railway?", answer="Ottilie Brandvold")
    last = Step("s2", "In which town was Ottilie Brandvold born?", needs=("s1",), answer="Kestmark")
    draft = conclusion(QUESTION, [first, last], {"s1": 0.9, "s2": 0.5})
    assert draft
    assert draft.short_answer == "Kestmark"
    assert draft.likelihood == 0.5
    assert draft.text == "Ottilie Brandvold surveyed the Harrow Pass Railway. Ottilie Brandvold was born in Kestmark."
    unknown = conclusion(QUESTION, [first, last], {"s1": 0.9, "s2": None})
    assert unknown
    assert unknown.likelihood is None
    assert conclusion(QUESTION, [first, Step("s2", "Where?", needs=("s1",))], {"s1": 0.9}) is None
    assert conclusion(QUESTION, [first], {"s1": 0.9}) is None


def test_an_unsure_draft_gives_way_to_a_chain(collection: Collection) -> None:
    script: Script = [told(REPLY, 0.5), PLAN, told("Answer: Ottilie Brandvold\n", 0.9), told("Answer: Kestmark\n", 0.8)]
    answer = ask(collection, script)
    assert nodes(answer) == [
        *("search", "write", "plan"),
        *("search_steps", "answer_steps") * 2,
        *("conclude", "verify"),
    ]
    assert (answer.short_answer, answer.confidence, answer.status) == ("Kestmark", 0.8, "answered")
    assert answer.evidence[0].chunk.title == "Ottilie Brandvold"


def test_a_chain_of_three_is_followed_to_its_end(collection: Collection) -> None:
    plan = Plan(steps=[PlannedStep(question=text) for text in ("Who made it?", "Where was #1 born?", "How big is #2?")])
    links = [told(f"Answer: {short}\n", 0.9) for short in ("Ottilie Brandvold", "Kestmark", "214 metres")]
    answer = ask(collection, [told(REPLY, 0.5), plan, *links], question="How big is the place where it began?")
    assert (answer.short_answer, answer.usage.llm_calls) == ("214 metres", 5)


UNSURE = told("Answer: Tarn\nMirel Bridge crosses the Oss at Tarn.", 0.5)
NO_SURVEYOR: Script = [UNSURE, PLAN, told("Answer: unknown\n", 0.9)]


@pytest.fixture
def twice(collection: Collection) -> Collection:
    """A second document on each subject: a step finds more passages than are read at first."""
    text = "Part two tells of other things."
    for chunk in chunks():
        other = replace(
            chunk, id=str(uuid.uuid4()), document_id=f"{chunk.document_id} 2", text=f"{chunk.title}. {text}"
        )
        collection.add([replace(other, end=len(other.text))])
    return collection


def read_for(collection: Collection, *surveyor: str) -> tuple[list[list[str]], Answer]:
    """What was read for the surveyor of the Harrow Pass Railway, reply by reply, and the answer in the end."""
    unknown = told("Answer: unknown\n", 0.9)
    replies = [told(f"Answer: {name}\n", float(likely)) for name, _, likely in (one.partition("/") for one in surveyor)]
    parts, chat = deps(collection, [UNSURE, PLAN, *replies, told("Answer: Kestmark\n", 0.8), unknown, UNSURE])
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions()))
    read = [request[-1]["content"].split("\n\n") for request in chat.requests[2 : 2 + len(surveyor)]]
    return [[part.partition("] ")[2] for part in parts if part.startswith("[")] for parts in read], answer


def test_the_passages_that_a_step_names_are_read_alone(twice: Collection) -> None:
    [named], answer = read_for(twice, "Ottilie Brandvold/0.3")
    assert [text.partition("\n")[0] for text in named] == ["Harrow Pass Railway"] * 2
    assert answer.short_answer == "Kestmark"


def test_what_they_do_not_tell_is_looked_for_in_the_first_three_and_then_in_the_next(twice: Collection) -> None:
    read, answer = read_for(twice, "unknown/0.9", "unknown/0.9", "Ottilie Brandvold/0.9")
    assert [len(passages) for passages in read] == [2, 3, 3]
    assert len({text for passages in read for text in passages}) == 6
    assert (answer.short_answer, [step.status for step in answer.steps[1:]]) == ("Kestmark", ["answered"] * 2)


@pytest.mark.parametrize(
    ("replies", "kept"),
    [
        (["unknown/0.9", "Ines Quoll/0.4", "Ottilie Brandvold/0.3"], "Ines Quoll"),
        (["unknown/0.9", "Ines Quoll/0.3", "Ottilie Brandvold/0.4"], "Ottilie Brandvold"),
        (["unknown/0.9", "Ines Quoll/0.5"], "Ines Quoll"),
    ],
)
def test_of_two_unlikely_answers_the_likelier_counts(twice: Collection, replies: list[str], kept: str) -> None:
    _, answer = read_for(twice, *replies)
    assert answer.steps[1].answer == kept


def test_a_step_is_not_read_further_with_the_writers_call(twice: Collection) -> None:
    parts, _ = deps(twice, [*NO_SURVEYOR, UNSURE])
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions(max_llm_calls=4)))
    assert [step.status for step in answer.steps[1:]] == ["no_evidence", "skipped"]
    assert (answer.short_answer, answer.usage.llm_calls) == ("Tarn", 4)


def test_the_last_call_is_the_writers_and_those_before_it_read(collection: Collection) -> None:
    script: Script = [told("Answer: 1911\n", 0.9), told("Answer: 1893\n", 0.9)]
    answer = ask(
        collection,
        script,
        question="Was the Harrow Pass Railway opened before Mirel Bridge?",
        max_llm_calls=3,
    )
    assert (answer.short_answer, answer.usage.llm_calls) == ("no", 2)


def test_what_was_read_stays_when_the_time_runs_out_in_reading_on(twice: Collection) -> None:
    out_of_time: Script = [told("Answer: Ines Quoll\n", 0.3), BudgetExhausted("no time")]
    parts, _ = deps(twice, [UNSURE, PLAN, told("Answer: unknown\n", 0.9), *out_of_time, *[UNSURE] * 3])
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions()))
    assert [step.answer for step in answer.steps[1:2]] == ["Ines Quoll"]


@pytest.mark.parametrize(("likely", "status"), [(0.6, "partial"), (0.7, "answered")])
def test_where_a_step_found_nothing_only_a_sure_answer_counts(
    collection: Collection, likely: float, status: str
) -> None:
    again = told("Answer: Tarn\nMirel Bridge crosses the Oss at Tarn.", likely)
    options = AnswerOptions(mode="always")
    parts, _ = deps(collection, [PLAN, *NO_ANSWER, again])
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=options))
    assert (answer.short_answer, answer.status) == ("Tarn", status)
    assert [step.status for step in answer.steps[1:]] == ["no_evidence", "skipped"]


def test_a_comparison_is_split_at_once_and_its_sides_decide(collection: Collection) -> None:
    answer = ask(collection, [BOTH, told("Answer: 1911\n", 0.9), told("Answer: 1893\n", 0.5)], question=WHICH_FIRST)
    assert nodes(answer) == ["search", "plan", "search_steps", "answer_steps", "conclude", "verify"]
    assert (answer.short_answer, answer.usage.llm_calls, answer.confidence) == ("Mirel Bridge", 3, 0.5)
    # No document has the second year: the answer says which of its claims is not borne out.
    assert [claim.supported for claim in answer.claims] == [True, False]
    assert answer.status == "partial"
    assert answer.claims[0].text == "The Harrow Pass Railway was opened in 1911. [1]"


def test_a_plain_comparison_needs_no_planner(collection: Collection) -> None:
    question = "Was the Harrow Pass Railway opened before Mirel Bridge?"
    answer = ask(collection, [told("Answer: 1911\n", 0.9), told("Answer: 1893\n", 0.5)], question=question)
    assert (answer.short_answer, answer.usage.llm_calls) == ("no", 2)
    asked = [step.question for step in answer.steps[1:]]
    assert asked == ["When was the Harrow Pass Railway opened?", "When was Mirel Bridge opened?"]


def test_dates_that_the_documents_open_with_need_no_model(tmp_path: Path) -> None:
    opened = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    lives = {"Imre Valko": "Imre Valko (1901–1970) was a poet.", "Sena Oduya": "Sena Oduya (1899–1980) was a poet."}
    opened.add(
        [
            replace(chunk, title=name, text=text, end=len(text))
            for chunk, (name, text) in zip(chunks(), lives.items(), strict=False)
        ]
    )
    parts, _ = deps(opened, [])
    asked = answer_question("Who was born first, Imre Valko or Sena Oduya?", deps=parts, options=AnswerOptions())
    answer = asyncio.run(asked)
    opened.close()
    assert (answer.short_answer, answer.status, answer.usage.llm_calls) == ("Sena Oduya", "answered", 0)
    assert [citation.quote for citation in answer.citations] == list(lives.values())


def test_a_comparison_that_its_sides_do_not_decide_is_left_to_the_writer(collection: Collection) -> None:
    script: Script = [
        BOTH,
        "Answer: 1911",
        "Answer: Tarn",
        told("Answer: Mirel Bridge\nMirel Bridge crosses the Oss.", 0.8),
    ]
    answer = ask(collection, script, question=WHICH_FIRST)
    assert nodes(answer)[-3:] == ["answer_steps", "write", "verify"]
    assert (answer.short_answer, answer.usage.llm_calls) == ("Mirel Bridge", 4)


@pytest.mark.parametrize("script", [[NO_STEPS], [BOTH, "Answer: 1911", *NO_ANSWER]], ids=["no plan", "no side"])
def test_a_comparison_without_both_sides_is_answered_as_any_question(collection: Collection, script: Script) -> None:
    answer = ask(collection, [*script, told(REPLY, 0.8)], question=WHICH_FIRST)
    assert nodes(answer)[-2:] == ["write", "verify"]
    assert "conclude" not in nodes(answer)


def test_nothing_is_weighed_where_nothing_may_be_split(collection: Collection) -> None:
    assert nodes(ask(collection, [told(REPLY, 0.8)], question=WHICH_FIRST, mode="never"))[1] == "rerank"
    assert nodes(ask(collection, [], question=WHICH_FIRST, write=False)) == ["search", "rerank"]


def test_an_unsure_draft_of_a_comparison_without_sides_is_followed_by_further_reading(collection: Collection) -> None:
    script: Script = [NO_STEPS, told(REPLY, 0.3), told(REPLY, 0.4)]
    answer = ask(collection, list(script), question=WHICH_FIRST, evidence=2)
    assert nodes(answer) == ["search", "plan", "write", "rerank", "write", "verify"]
    out_of_calls = ask(collection, script[:2], question=WHICH_FIRST, evidence=2, max_llm_calls=2)
    assert nodes(out_of_calls)[-3:] == ["rerank", "write", "verify"]
