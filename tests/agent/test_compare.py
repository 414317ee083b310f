"""Comparisons: what a question weighs, and what the answers of its sides decide."""

from __future__ import annotations

import pytest

from agent.compare import Comparison, comparison_of, date_in, decided, statements
from agent.plan import Plan, PlannedStep
from hopcite.types import Step
from retrieval import Collection
from tests.agent.test_drafts import NO_STEPS, nodes, told
from tests.agent.test_graph import REPLY, Script, ask, collection

__all__ = ["collection"]

WHICH_FIRST = "Which opened first, the Harrow Pass Railway or Mirel Bridge?"
BOTH = Plan(
    steps=[
        PlannedStep(question="When was the Harrow Pass Railway opened?"),
        PlannedStep(question="When was Mirel Bridge opened?"),
    ]
)


def steps(*asked: tuple[str, str], chained: bool = False) -> list[Step]:
    """Steps with their answers; chained, every second one needs the one before."""
    return [
        Step(f"s{n}", question, needs=(f"s{n - 1}",) if chained and n % 2 == 0 else (), answer=answer)
        for n, (question, answer) in enumerate(asked, start=1)
    ]


@pytest.mark.parametrize(
    ("question", "comparison"),
    [
        ("Who is older, Imre Valko or Sena Oduya?", Comparison("Imre Valko", "Sena Oduya", "earliest")),
        (
            "Which film has the director who died later, Low Water or The Tide, Again?",
            Comparison("Low Water", "The Tide, Again", "latest"),
        ),
        (
            "Which film has the director who is older than the other, Low Water or Winter Tariff? ",
            Comparison("Low Water", "Winter Tariff", "earliest"),
        ),
        ("Who was born first out of Imre Valko and Sena Oduya?", Comparison("Imre Valko", "Sena Oduya", "earliest")),
        ("Did Mirel Bridge or the Oss Bridge open first?", Comparison("Mirel Bridge", "Oss Bridge", "earliest")),
        ("Which game, Tarn or Oss, was made first ?", Comparison("Tarn", "Oss", "earliest")),
        ("Which is longer, MV Plover or MV Isolde?", Comparison("MV Plover", "MV Isolde", "most")),
        ("Which film came out more recently, Low Water or Tarn?", Comparison("Low Water", "Tarn", "latest")),
        (
            "Was Low Water released before Winter Tariff?",
            Comparison("Low Water released", "Winter Tariff", "earliest", yes_no=True),
        ),
        ("Is Imre Valko older than Sena Oduya?", Comparison("Imre Valko", "Sena Oduya", "earliest", yes_no=True)),
        (
            "Do Imre Valko and Sena Oduya share the same nationality?",
            Comparison("nationality", "", "same", yes_no=True),
        ),
        ("Who was the first mayor of Tarn?", None),
        ("Which river does the oldest bridge cross?", None),
        ("Who wrote Low Water or sang in it?", None),
        ("Who lived longer, Imre Valko or Sena Oduya?", None),
        ("Is Imre Valko a writer or a painter?", None),
        ("Did " + "one of the many papers " * 3 + "say it before the other one did?", None),
    ],
)
def test_what_is_compared(question: str, comparison: Comparison | None) -> None:
    assert comparison_of(question) == comparison


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("31 July 989", (989, 7, 31)),
        ("on July 31st, 1989", (1989, 7, 31)),
        ("1989-07-31T08:00:00", (1989, 7, 31)),
        ("in May 1937", (1937, 5)),
        ("1928, and again on 3 May 1931", (1928,)),
        ("44 BC", ()),
        ("300 BC", ()),
        ("62.4 metres", ()),
        ("Kestmark", ()),
    ],
)
def test_dates(text: str, date: tuple[int, ...]) -> None:
    assert date_in(text) == date


@pytest.mark.parametrize(
    ("question", "first", "second", "answer"),
    [
        ("Who is older, Imre Valko or Sena Oduya?", "12 May 1901", "1911", "Imre Valko"),
        ("Who is younger, Imre Valko or Sena Oduya?", "12 May 1901", "1911", "Sena Oduya"),
        ("Who is older, Imre Valko or Sena Oduya?", "12 May 1901", "3 May 1901", "Sena Oduya"),
        # A year says nothing about a day in it, and a place nothing about a date.
        ("Who is older, Imre Valko or Sena Oduya?", "12 May 1901", "1901", ""),
        ("Who is older, Imre Valko or Sena Oduya?", "12 May 1901", "Kestmark", ""),
        ("Is Imre Valko older than Sena Oduya?", "1911", "1901", "no"),
        ("Which is longer, Imre Valko or Sena Oduya?", "62.4 metres", "78.1 metres", "Sena Oduya"),
        ("Which is longer, Imre Valko or Sena Oduya?", "1,200 metres", "900 metres", "Imre Valko"),
        ("Which is longer, Imre Valko or Sena Oduya?", "62.4 metres", "75 minutes", ""),
    ],
)
def test_what_two_answers_decide(question: str, first: str, second: str, answer: str) -> None:
    comparison = comparison_of(question)
    assert comparison
    asked = steps(("When was Imre Valko born?", first), ("When was Sena Oduya born?", second))
    assert decided(comparison, asked) == answer


@pytest.mark.parametrize(
    ("asked", "first", "second", "answer"),
    [
        ("What nationality is", "Swedish", "He was Swedish", "yes"),
        ("What nationality is", "Swedish", "Kenyan", "no"),
        ("What nationality is", "Swedish", "", ""),
        ("Where is the home of", "Lund", "Kestmark", ""),  # towns say nothing about nationalities
    ],
)
def test_the_same_is_what_both_have(asked: str, first: str, second: str, answer: str) -> None:
    comparison = comparison_of("Do Imre Valko and Sena Oduya share the same nationality?")
    assert comparison
    sides = steps((f"{asked} Imre Valko?", first), (f"{asked} Sena Oduya?", second))
    assert decided(comparison, sides) == answer


def test_the_sides_are_told_apart_by_their_chains() -> None:
    comparison = comparison_of("Which film has the director who was born first, Low Water or Winter Tariff?")
    assert comparison
    chains = steps(
        ("Who directed the film Winter Tariff?", "Imre Valko"),
        ("When was Imre Valko born?", "1911"),
        ("Who directed the film Low Water?", "Sena Oduya"),
        ("When was Sena Oduya born?", "1901"),
        chained=True,
    )
    assert decided(comparison, chains) == "Low Water"
    assert decided(comparison, chains[2:]) == ""
    assert decided(comparison, steps(("Which is first?", "1901"), ("Which is last?", "1911"))) == ""


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
        ("How long is MV Plover?", "62.4 metres", "MV Plover is 62.4 metres long."),
        ("What colour has it?", "red", "What colour has it: red."),
    ],
)
def test_what_was_found_is_said_in_sentences(question: str, answer: str, sentence: str) -> None:
    assert statements([Step("s1", question, answer=answer), Step("s2", "Where?")]) == sentence


def test_a_comparison_is_split_at_once_and_its_sides_decide(collection: Collection) -> None:
    answer = ask(collection, [BOTH, told("Answer: 1911\n", 0.9), told("Answer: 1893\n", 0.5)], question=WHICH_FIRST)
    assert nodes(answer) == ["search", "plan", "search_steps", "answer_steps", "gather", "write", "verify"]
    assert (answer.short_answer, answer.usage.llm_calls, answer.confidence) == ("Mirel Bridge", 3, 0.45)
    # No document has the second year: the answer says which of its claims is not borne out.
    assert [claim.supported for claim in answer.claims] == [True, False]
    assert answer.status == "partial"
    assert answer.claims[0].text == "The Harrow Pass Railway was opened in 1911. [1]"


def test_a_comparison_that_its_sides_do_not_decide_is_left_to_the_writer(collection: Collection) -> None:
    script: Script = [
        BOTH,
        "Answer: 1911",
        "Answer: Tarn",
        told("Answer: Mirel Bridge\nMirel Bridge crosses the Oss.", 0.8),
    ]
    answer = ask(collection, script, question=WHICH_FIRST)
    assert nodes(answer)[-3:] == ["gather", "write", "verify"]
    assert (answer.short_answer, answer.usage.llm_calls) == ("Mirel Bridge", 4)


@pytest.mark.parametrize("script", [[NO_STEPS], [BOTH, "Answer: 1911", "Answer: unknown"]], ids=["no plan", "no side"])
def test_a_comparison_without_both_sides_is_answered_as_any_question(collection: Collection, script: Script) -> None:
    answer = ask(collection, [*script, told(REPLY, 0.8)], question=WHICH_FIRST)
    assert nodes(answer)[-3:] == ["rerank", "write", "verify"]


def test_nothing_is_weighed_where_nothing_may_be_split(collection: Collection) -> None:
    assert nodes(ask(collection, [told(REPLY, 0.8)], question=WHICH_FIRST, mode="never"))[1] == "rerank"
    assert nodes(ask(collection, [], question=WHICH_FIRST, write=False)) == ["search", "rerank"]
