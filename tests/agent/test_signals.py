"""The signs of an answer, worked out by hand."""

from __future__ import annotations

import math

import pytest

from agent.cite import Cited
from agent.signals import Signals, likelihood, quoted_signals, read_signals
from agent.write import Draft
from hopcite.types import Citation, Claim

HALF, TENTH = math.log(0.5), math.log(0.1)


def citation(quote: str) -> Citation:
    return Citation(1, "d", "Harrow Pass", "d.md", None, "c", 0, len(quote), quote, verified=True)


def cited(*supported: bool | None, quote: str = "It was surveyed by Ottilie Brandvold.") -> Cited:
    return Cited("", tuple(Claim("", 0, 0, (1,), sign) for sign in supported), (citation(quote),))


def draft(short: str, *tokens: tuple[str, float]) -> Draft:
    return Draft(short, "text", unknown=False, cut_short=False, logprobs=tokens)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        pytest.param([("Answer:", TENTH), (" Kest", HALF), ("mark", HALF), ("\nIt", TENTH)], 0.25, id="name"),
        pytest.param([("Answer:", TENTH), (" ", HALF), ("1", HALF), ("9", HALF), ("\n", TENTH)], 0.125, id="number"),
        pytest.param([("The first.\n", TENTH), ("Answer: ", TENTH), ("yes", HALF)], 0.5, id="last line"),
        pytest.param(
            [("<think>", TENTH), ("\nAnswer: no\n", TENTH), ("</think>", TENTH), ("\nAnswer:", TENTH), (" yes", HALF)],
            0.5,
            id="thinking aloud does not count",
        ),
        pytest.param([("Kest", HALF), ("mark", HALF), ("\n", TENTH)], 0.25, id="the name alone"),
        pytest.param([("1 2 3 4 5 6 7 8 ", HALF), ("9 10 11 12", HALF)], 0.25, id="12 words"),
        pytest.param([("1 2 3 4 5 6 7 8 ", HALF), ("9 10 11 12 13", HALF)], None, id="13 words"),
        pytest.param([("Answer", HALF), (":", HALF)], None, id="cut short"),
        pytest.param([], None, id="a server that tells nothing"),
        pytest.param([("Answer:", HALF), (" Kest", HALF), ("mark", math.nan)], None, id="a token without"),
    ],
)  # fmt: skip
def test_likelihood_is_that_of_the_short_answer_alone(tokens: list[tuple[str, float]], expected: float | None) -> None:
    assert likelihood(tuple(tokens)) == (None if expected is None else pytest.approx(expected))


def test_a_claim_that_cannot_be_judged_counts_half() -> None:
    assert read_signals(draft("yes"), cited(True, True, None, False)) == Signals(None, 0.625, None)


@pytest.mark.parametrize(
    ("short", "quoted"),
    [("Ottilie Brandvold", 1.0), ("Harrow Pass", 1.0), ("Ottilie Brand", 0.0), ("yes", None), ("No", None), ("", None)],
)
def test_the_short_answer_is_looked_for_in_quotes_and_titles(short: str, quoted: float | None) -> None:
    signals = read_signals(draft(short), cited(True))
    assert signals.quoted == quoted
    assert signals.support == (1.0 if quoted is None else (1.0 + quoted) / 2)


def test_without_a_writer_the_quotes_are_as_good_as_the_words_of_the_question_that_they_hold() -> None:
    # surveyed, Harrow (of the title) and Pass, of these and railway.
    assert quoted_signals("Who surveyed the Harrow Pass Railway?", cited(True)) == Signals(None, 0.75, None)
    assert quoted_signals("Who surveyed it?", Cited("", (), ())).support == 0.0
    assert quoted_signals("Who is it?", cited(True)).support == 0.0
