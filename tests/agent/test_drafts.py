"""Drafts by their likelihood: when the writer reads further, and which draft is kept."""

from __future__ import annotations

import asyncio
import math

import pytest

from agent import AnswerOptions, answer_question
from agent.plan import Plan
from hopcite.chat import Completion
from hopcite.types import AnswerStatus
from retrieval import Collection
from tests.agent.test_graph import NOT_THERE, PLAN, REPLY, Script, ask, collection, deps

__all__ = ["collection"]

NO_STEPS = Plan(steps=[])
OTHER = "Answer: Tarn\nMirel Bridge crosses the Oss at Tarn."


def told(reply: str, probability: float) -> Completion:
    """The reply, with this probability for its short answer."""
    label, short, rest = "Answer:", *reply.removeprefix("Answer:").split("\n")
    tokens = ((label, 0.0), (short, math.log(probability)), ("\n", 0.0), (rest, 0.0))
    return Completion(reply, "stop", 10, 5, tokens)


def nodes(answer: object) -> list[str]:
    return [event.node for event in answer.trace.events]  # type: ignore[attr-defined]  # an Answer


def test_a_likely_draft_is_final(collection: Collection) -> None:
    answer = ask(collection, [told(REPLY, 0.65)], evidence=2)
    assert nodes(answer) == ["search", "write", "verify"]


def test_a_claim_beside_a_likely_answer_is_no_reason_to_go_on(collection: Collection) -> None:
    reply = "Answer: Kestmark\nOttilie Brandvold was born in Kestmark in the year 1799."
    assert ask(collection, [told(reply, 0.9)]).usage.llm_calls == 1


def test_an_unlikely_draft_is_followed_by_reranking_and_further_reading(collection: Collection) -> None:
    answer = ask(collection, [told(REPLY, 0.64), NO_STEPS, told(REPLY, 0.9)], evidence=2)
    assert nodes(answer) == ["search", "write", "plan", "rerank", "write", "verify"]
    shown = [event.detail["shown"] for event in answer.trace.events if event.node == "write"]
    assert [len(passages) for passages in shown] == [2, 3]  # type: ignore[arg-type]  # lists of ids


def test_a_yes_or_no_is_not_split(collection: Collection) -> None:
    question = "Was the surveyor of the Harrow Pass Railway born in Kestmark?"
    yes = "Answer: yes\nOttilie Brandvold was born in Kestmark [2]."
    answer = ask(collection, [told(yes, 0.5), told(yes, 0.9)], question=question, evidence=2)
    assert nodes(answer) == ["search", "write", "rerank", "write", "verify"]


def test_there_is_no_second_reading_of_the_same_passages(collection: Collection) -> None:
    assert nodes(ask(collection, [told(REPLY, 0.3), NO_STEPS])) == ["search", "write", "plan", "rerank", "verify"]


def test_a_chain_comes_before_further_reading(collection: Collection) -> None:
    script: Script = [told(REPLY, 0.3), PLAN, told("Answer: Ottilie Brandvold\n", 0.9), told(REPLY, 0.5)]
    answer = ask(collection, script, evidence=2)
    assert nodes(answer)[1:3] == ["write", "plan"]
    assert nodes(answer)[-3:] == ["answer_steps", "conclude", "verify"]


@pytest.mark.parametrize(("probability", "last"), [(0.65, "conclude"), (0.64, "write")])
def test_an_end_that_the_writer_has_not_read_counts_where_the_chain_is_sure(
    collection: Collection, probability: float, last: str
) -> None:
    steps = [told("Answer: Ottilie Brandvold\n", 0.9), told("Answer: Kestmark\n", probability)]
    script: Script = [told(OTHER, 0.3), PLAN, *steps, told(REPLY, 0.5)]
    question = "In which town was the surveyor of the Harrow Pass Railway born, like Mirel Bridge at Tarn on the Oss?"
    answer = ask(collection, script[: 4 if last == "conclude" else 5], question=question, evidence=1)
    assert nodes(answer)[-2:] == [last, "verify"]


def test_a_question_that_ends_with_its_description_asks_no_planner(collection: Collection) -> None:
    # Mirel Bridge alone does not name its designer; the first three passages do.
    steps = [told(f"Answer: {name}\n", 0.9) for name in ("unknown", "Ottilie Brandvold", "Kestmark")]
    answer = ask(collection, [told(OTHER, 0.3), *steps], question="Where was the designer of Mirel Bridge born?")
    assert [step.question for step in answer.steps] == [
        "Where was the designer of Mirel Bridge born?",
        "Who is the designer of Mirel Bridge?",
        "Where was Ottilie Brandvold born?",
    ]
    assert (answer.short_answer, answer.usage.llm_calls) == ("Kestmark", 4)


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (
            "Who sang the #1 hit in the country where Mirel Bridge stands?",
            ["What is the country where Mirel Bridge stands?", "Who sang the No. 1 hit in #s1?"],
        ),
        (
            "Is Mirel Bridge #2 longer than the Harrow Pass Railway?",
            ["How long is Mirel Bridge No. 2?", "How long is the Harrow Pass Railway?"],
        ),
    ],
)
def test_a_number_of_the_question_is_no_reference(collection: Collection, question: str, steps: list[str]) -> None:
    unknown = told("Answer: unknown\nThe passages do not say.", 0.9)
    parts, _ = deps(collection, [unknown] * 6)
    answer = asyncio.run(answer_question(question, deps=parts, options=AnswerOptions()))
    [plan] = [event for event in answer.trace.events if event.node == "plan"]
    assert plan.detail["steps"] == steps


def test_a_question_that_holds_no_other_asks_no_planner(collection: Collection) -> None:
    answer = ask(collection, [told(REPLY, 0.3)], question="Who surveyed the Harrow Pass Railway?")
    [plan] = [event for event in answer.trace.events if event.node == "plan"]
    assert plan.detail["skipped"] == "the question holds no other"
    assert answer.usage.llm_calls == 1


def test_always_mode_asks_the_planner_whatever_the_wording(collection: Collection) -> None:
    question = "Who surveyed the Harrow Pass Railway?"
    assert ask(collection, [NO_STEPS, REPLY], question=question, mode="always").usage.llm_calls == 2


@pytest.mark.parametrize(
    ("later", "kept"), [(told(OTHER, 0.3), "Tarn"), (told(OTHER, 0.29), "Kestmark"), (NOT_THERE, "Kestmark")]
)
def test_the_later_draft_is_kept_unless_it_is_less_than_half_as_likely(
    collection: Collection, later: Completion | str, kept: str
) -> None:
    script: Script = [told(REPLY, 0.6), NO_STEPS, later]
    assert ask(collection, script, evidence=2).short_answer == kept


def test_a_budget_that_ends_before_further_reading_leaves_the_first_draft(collection: Collection) -> None:
    assert ask(collection, [told(REPLY, 0.3)], evidence=2, max_llm_calls=1).short_answer == "Kestmark"


def test_an_answer_that_the_drafts_own_sentences_leave_out_is_not_trusted(collection: Collection) -> None:
    beside = "Answer: Tarn\nThe Harrow Pass Railway was surveyed by Ottilie Brandvold."
    answer = ask(collection, [told(beside, 0.9), PLAN, told("Answer: Ottilie Brandvold\n", 0.9), told(REPLY, 0.3)])
    assert answer.short_answer == "Kestmark"
    assert ask(collection, [told(beside, 0.9)], mode="never").confidence == pytest.approx(0.2)


def test_an_answer_that_only_repeats_the_question_is_not_trusted(collection: Collection) -> None:
    echo = "Answer: Ottilie Brandvold\nOttilie Brandvold was an engineer [1]."
    question = "Who was the mother of Ottilie Brandvold?"
    answer = ask(collection, [told(echo, 0.9)], question=question, mode="never")
    assert answer.status == "partial"
    assert answer.confidence == pytest.approx(0.2)
    question = "Who was an engineer, Ottilie Brandvold or Imre Valko?"
    assert ask(collection, [told(echo, 0.9)], question=question, mode="never").confidence == pytest.approx(0.9)


@pytest.mark.parametrize(("likelihood", "status"), [(0.3, "answered"), (0.2, "partial"), (0.01, "partial")])
def test_an_answer_that_is_hardly_likely_is_partial_at_best(
    collection: Collection, likelihood: float, status: AnswerStatus
) -> None:
    answer = ask(collection, [told(REPLY, likelihood)], mode="never")
    assert (answer.short_answer, answer.status) == ("Kestmark", status)
    assert answer.confidence == pytest.approx(likelihood)


@pytest.mark.parametrize(("likelihood", "status"), [(0.64, "partial"), (0.65, "answered")])
def test_an_answer_that_no_quote_bears_out_counts_where_the_writer_is_sure(
    collection: Collection, likelihood: float, status: AnswerStatus
) -> None:
    loose = "Answer: Kestmark\nOttilie Brandvold spent a happy childhood with her many brothers near Kestmark."
    answer = ask(collection, [told(loose, likelihood)], mode="never")
    assert [claim.supported for claim in answer.claims if "Kestmark" in claim.text] == [None]
    assert (answer.short_answer, answer.status) == ("Kestmark", status)


def test_an_answer_that_the_question_offers_need_not_be_in_the_passages(collection: Collection) -> None:
    question = "Are the reports on Mirel Bridge consistent or contradictory?"
    answer = ask(collection, [told("Answer: consistent\nBoth are consistent.", 0.9)], question=question)
    assert (answer.short_answer, answer.status, answer.confidence) == ("consistent", "partial", 0.9)
