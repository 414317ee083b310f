"""The trail: which quotes a reader needs beside those of the claims."""

from __future__ import annotations

from agent.quotes import Quote
from agent.trail import trail

RAILWAY = Quote(0, 0, 40, frozenset({"harrow", "pass", "railway", "surveyed", "ottilie", "brandvold"}))
LAKE = Quote(1, 0, 40, frozenset({"harrow", "lake", "reservoir"}))
ENGINEER = Quote(2, 0, 40, frozenset({"ottilie", "brandvold", "born", "kestmark"}))
NOVEL = Quote(3, 0, 40, frozenset({"salt", "ledger", "novel"}))
SENTENCES = (RAILWAY, LAKE, ENGINEER, NOVEL)
QUESTION = "Where was the surveyor of the Harrow Pass Railway born?"


def test_the_names_of_the_question_lead_to_the_answer() -> None:
    assert trail(QUESTION, "Kestmark", [ENGINEER], SENTENCES) == [RAILWAY]


def test_nothing_is_added_where_the_quotes_hold_it_all() -> None:
    assert trail(QUESTION, "Kestmark", [ENGINEER, RAILWAY], SENTENCES) == []


def test_the_answer_itself_is_quoted_first() -> None:
    assert trail(QUESTION, "Kestmark", [], SENTENCES) == [ENGINEER, RAILWAY]


def test_an_answer_that_stands_nowhere_gets_no_names_to_lean_on() -> None:
    assert trail(QUESTION, "Lund", [], SENTENCES) == []
    assert trail(QUESTION, "yes", [], SENTENCES) == []


def test_a_yes_is_no_word_to_look_for() -> None:
    asked = "Is The Salt Ledger older than the Harrow Pass Railway?"
    assert trail(asked, "yes", [RAILWAY], SENTENCES) == [NOVEL]


def test_the_capital_of_the_first_word_names_nothing() -> None:
    assert trail("Ledger or log: what did Brandvold survey?", "railway", [RAILWAY], SENTENCES) == []


def test_nor_does_that_of_a_later_sentence() -> None:
    asked = "What did Brandvold survey? Ledger or log?"
    assert trail(asked, "railway", [RAILWAY], SENTENCES) == []


def test_two_quotes_at_most() -> None:
    asked = "What have Harrow Lake, the Harrow Pass Railway and The Salt Ledger to do with Kestmark?"
    assert trail(asked, "Kestmark", [ENGINEER], SENTENCES) == [RAILWAY, NOVEL]
