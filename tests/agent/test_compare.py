"""Comparisons: what a question weighs, and what the answers of its sides decide."""

from __future__ import annotations

import pytest

from agent.compare import Comparison, comparison_of, decided
from hopcite.types import Step


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
        ("What is the highest mountain of Ossland or Quenholm?", None),
        ('Which opened first "Low Water" or Tarn?', Comparison('"Low Water"', "Tarn", "earliest")),
        (
            "Between Low Water and Winter Tariff, which was filmed first?",
            Comparison("Low Water", "Winter Tariff", "earliest"),
        ),
        ("Between the report on Tarn and the one on Oss, was there a change after the first flood?", None),
        ("Who lived longer, Imre Valko or Sena Oduya?", Comparison("Imre Valko", "Sena Oduya", "longest life")),
        (
            "Who had the shortest life out of Imre Valko and Sena Oduya?",
            Comparison("Imre Valko", "Sena Oduya", "shortest life"),
        ),
        ("Who lived longer in Tarn, Imre Valko or Sena Oduya?", None),
        ("Who lived longer than Moss, Imre Valko or Sena Oduya?", None),
        ("Who lived longer, Imre Valko, Sena Oduya or Moss?", None),
        ("Who had longer hair, Imre Valko or Sena Oduya?", None),
        ("Is Imre Valko a writer or a painter?", None),
        ("Did " + "one of the many papers " * 3 + "say it before the other one did?", None),
    ],
)
def test_what_is_compared(question: str, comparison: Comparison | None) -> None:
    assert comparison_of(question) == comparison


@pytest.mark.parametrize(
    "question",
    [
        # Not when they were born or died, nor how long something is, but at what age, or between which years.
        "Who was older when he died, Imre Valko or Sena Oduya?",
        "Who was older at death, Imre Valko or Sena Oduya?",
        "Who died younger, Imre Valko or Sena Oduya?",
        "Who was the youngest president, Imre Valko or Sena Oduya?",
        "Which film has the director who died at an older age, Low Water or Tarn?",
        "Who was president longer, Imre Valko or Sena Oduya?",
        "Who was born later in the year, Imre Valko or Sena Oduya?",
        # Another use of the word.
        "Was the Pellan Bridge named after Joris Pellan?",
        "Who was a lawyer before becoming a writer, Imre Valko or Sena Oduya?",
        "Which ship is no longer in service, MV Tarn or MV Oss?",
        "Which team finished higher, Tarn or Oss?",
        "Which song peaked higher on the Ossland chart, Low Water or Tarn?",
        "Which university is higher in the rankings, Tarn or Oss?",
        "Was Imre Valko born no later than Sena Oduya?",
        "Is Mirel Bridge no higher than Oss Bridge?",
        # More is asked than which of the two.
        "Who is older, Imre Valko or Sena Oduya, and by how many years?",
        "Who is older, Imre Valko or Sena Oduya? Give the year.",
        "Which is older, Tarn FC or Oss FC, according to the report?",
        "Which was not released first, Low Water or Tarn?",
        "Whose first album was released later, Tarn or Oss?",
        "Which song did she sing, Heat or Love at first sight?",
        "Is Imre Valko two years older than Sena Oduya?",
        "Was Imre Valko born shortly before Sena Oduya?",
        "Did Imre Valko look after Sena Oduya?",
        "Did Tarn or Oss win first prize?",
        "Was Imre Valko younger than Sena Oduya at the time of the flood?",
        # No two things.
        "Is there a bridge longer than Mirel Bridge?",
        "Is Imre Valko older or younger than Sena Oduya?",
        "Which bridge is older, Mirel, Tarn or Oss?",
        "Which bridge is older, Mirel or Tarn or Oss?",
        "Which game, Mirel, Tarn or Oss, was made first?",
        "Did Mirel, Tarn or Oss open first?",
        "Are Mirel, Tarn and Oss from the same country?",
        "Are Mirel and Tarn from the same country as Oss?",
        "Are Mirel and Tarn from the same country or from two?",
        "Which bridge between Tarn and Oss was opened first?",
        # A date, an amount, an event or half a sentence in a name's place.
        "Did Imre Valko die before 1970?",
        "Did Imre Valko die before May 1970?",
        "Did Imre Valko die before World War II?",
        "Was Imre Valko born before the end of the Oss Revolt?",
        "Was Imre Valko born before his brother?",
        "Who was born first, Imre Valko or his wife?",
        "Was Imre Valko born before Sena Oduya was?",
        "Is Mirel Bridge longer than 100 metres?",
        "Between 1900 and 1950, which bridge was built first?",
    ],
)
def test_a_wording_that_asks_for_something_else_is_no_comparison(question: str) -> None:
    assert comparison_of(question) is None


@pytest.mark.parametrize(
    ("question", "comparison"),
    [
        (
            "Was The Day After Tomorrow released before Low Water?",
            Comparison("The Day After Tomorrow released", "Low Water", "earliest", yes_no=True),
        ),
        ("Which film, Before Low Water or Heat, was released later?", Comparison("Before Low Water", "Heat", "latest")),
        ("Which is older, Dead Or Alive or Heat?", Comparison("Dead Or Alive", "Heat", "earliest")),
        ("Which is older, Heat or Dead Or Alive?", Comparison("Heat", "Dead Or Alive", "earliest")),
        ('Which is older, "The day after" or Heat?', Comparison('"The day after"', "Heat", "earliest")),
        ("Which band was formed before 1990, Tarn or Oss?", Comparison("Tarn", "Oss", "earliest")),
        (" Which game, Tarn or Oss, was made first?", Comparison("Tarn", "Oss", "earliest")),
        ("Which lake is the deepest, Tarn or Oss?", Comparison("Tarn", "Oss", "most")),
        ("Are both Tarn, Ossland and Oss in the same province?", Comparison("province", "", "same", yes_no=True)),
    ],
)
def test_the_words_that_compare_count_outside_names(question: str, comparison: Comparison) -> None:
    assert comparison_of(question) == comparison


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
        ("Which is longer, Imre Valko or Sena Oduya?", "62.4 m", "78.1 metres", "Sena Oduya"),
        ("Which is longer, Imre Valko or Sena Oduya?", "62.4 m", "78.1", "Sena Oduya"),
        ("Which is longer, Imre Valko or Sena Oduya?", "62.4 m", "78.1 feet", ""),
        ("Which is longer, Imre Valko or Sena Oduya?", "1901–1905", "1921–1929", ""),
        ("Who is older, Imre Valko or Sena Oduya?", "384–322 BC", "356–323 BC", ""),
        ("Which is older, Imre Valko or Sena Oduya?", "900 years", "800 years", ""),
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


@pytest.mark.parametrize(
    ("question", "first", "second", "answer"),
    [
        ("Who lived longer, {}?", ("1901", "1970"), ("1911", "1950"), "Imre Valko"),
        ("Who lived longer, {}?", ("1911", "1950"), ("1901", "1970"), "Sena Oduya"),
        ("Who had the shorter life, {}?", ("1901", "1970"), ("1911", "1950"), "Sena Oduya"),
        # By a day: 365 days and 366, since 1904 has a 29 February.
        ("Who lived longer, {}?", ("1 March 1902", "1 March 1903"), ("1 March 1903", "1 March 1904"), "Sena Oduya"),
        # 69 years, give or take one, are 68 to 70.
        ("Who lived longer, {}?", ("1901", "1970"), ("1911", "1979"), ""),
        ("Who lived longer, {}?", ("1901", "1970"), ("1911", ""), ""),
        ("Who lived longer, {}?", ("1901", "1970"), ("1950", "1911"), ""),
        ("Who lived longer, {}?", ("1901", "about 1970"), ("1911", "1950"), ""),
        ("Who lived longer, {}?", ("1901", "1970"), ("31 February 1911", "1950"), ""),
    ],
)
def test_lives_are_compared_by_the_days_that_they_certainly_had(
    question: str, first: tuple[str, str], second: tuple[str, str], answer: str
) -> None:
    comparison = comparison_of(question.format("Imre Valko or Sena Oduya"))
    assert comparison
    asked = ("When was {} born?", "When did {} die?")
    sides = [
        (text.format(name), told)
        for name, dates in (("Imre Valko", first), ("Sena Oduya", second))
        for text, told in zip(asked, dates, strict=True)
    ]
    assert decided(comparison, steps(*sides)) == answer


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
