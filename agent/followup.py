"""Follow-up questions: "and who directed it?" becomes a question that can be searched without the conversation.

Three steps. A rule decides whether the question leans on those before it, so that one which does not costs no call;
the model fills in what it leaves out; and a second rule checks the result, because a small model also answers, repeats
an earlier question, or adds what it happens to know. What fails the check is not used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from agent.prompts import FOLLOW_UP_EXAMPLES, FOLLOW_UP_SYSTEM
from agent.words import content_words, key_words
from hopcite.budget import Budget
from hopcite.chat import Chat, Message
from hopcite.types import Answer

# Turns that the model is shown: what is meant was nearly always said just before.
_TURNS = 3
# Of a question, new or old, and of an answer. A question that is longer says enough by itself.
_CHARS = 300
_MAX_TOKENS = 100
# The share of the follow-up's content words that must come back in the rewritten question.
_KEPT = 0.5

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MARKER = re.compile(r"\s*\[\d+\]")
_OPENING = re.compile(r"(?:and|but|or|so|also|then|(?:what|how) about)\b", re.IGNORECASE)
_OBJECTS = r"he|she|it|they|him|them|this|these|those"
_POSSESSIVES = r"his|her|its|their|hers|theirs"
_PRONOUN = re.compile(
    rf"\b(?:(?P<object>{_OBJECTS}|her(?=\W*$|\s+(?:at|by|for|from|in|on|to|with)\b))|(?P<possessive>{_POSSESSIVES}))\b"
    r"|\b(?P<place>that|there|then|ones?|others?|former|latter)\W*$",
    re.IGNORECASE,
)
# Within one clause a pronoun cannot stand for a name before it: "Does the Gazette mention him?" asks about another.
_CLAUSE = re.compile(
    r"[,;:]|\b(?:and|or|but|that|which|who|whom|whose|where|when|while|before|after|because|if|since|until)\b",
    re.IGNORECASE,
)
# Words of a follow-up that give way to what they stand for.
_STAND_INS = frozenset("former latter one ones place thing".split())
_QUESTION_WORD = re.compile(r"\b(?:who|whom|whose|when|where|why|how|which|what)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what was answered, as far as a later question can lean on them."""

    question: str
    """In full: that of a follow-up has what it left out filled in."""
    answer: str
    short_answer: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Exchange:
        """What a later question can lean on of an answer."""
        question = answer.steps[0].question if answer.steps else answer.question
        return cls(question, answer.answer, answer.short_answer)


class Rewritten(BaseModel):
    """What the model must return."""

    question: str = Field(max_length=_CHARS)


def leans_on(question: str, earlier: Sequence[Exchange]) -> bool:
    """Whether a question seems to need those before it: it opens like a reply, points back, or names nothing."""
    if not earlier or len(question) > _CHARS:
        return False
    if _OPENING.match(question):
        return True
    # A capital at the beginning says nothing, unless the word was a name before.
    known = key_words(_said(earlier))
    names = [found for found in _names(question) if found.start() > 0 or key_words(found[0]) & known]
    return not names or any(_points_out(found, question, names) for found in _PRONOUN.finditer(question))


def _points_out(pronoun: re.Match[str], question: str, names: Sequence[re.Match[str]]) -> bool:
    """Whether a pronoun stands for something that the question itself does not name."""
    before = [name for name in names if name.end() <= pronoun.start()]
    if not before:
        return True
    if pronoun["possessive"]:
        return False
    return not _CLAUSE.search(question[before[-1].end() : pronoun.start()])


async def rewrite_question(question: str, earlier: Sequence[Exchange], *, chat: Chat, budget: Budget) -> str:
    """The question with what it leaves out filled in, or as it was when the model's version fails the check.

    Raises `ModelMisbehaved`, `BudgetExhausted`.
    """
    messages: list[Message] = [{"role": "system", "content": FOLLOW_UP_SYSTEM}]
    for said, asked, rewritten in FOLLOW_UP_EXAMPLES:
        messages.append({"role": "user", "content": _prompt(said, asked)})
        messages.append({"role": "assistant", "content": Rewritten(question=rewritten).model_dump_json()})
    messages.append({"role": "user", "content": _prompt(_said(earlier), question)})
    reply = await chat.parse(messages, Rewritten, max_tokens=_MAX_TOKENS, budget=budget)
    rewritten = " ".join(reply.question.split())
    return rewritten if is_faithful(rewritten, question, earlier) else question


def is_faithful(rewritten: str, question: str, earlier: Sequence[Exchange]) -> bool:
    """Whether `rewritten` asks what `question` asks, with words of the conversation added and nothing else.

    It keeps the follow-up's names, its question word and at least half of its other words. Each name or number in it
    was said before; another word that was not may only stand in the place of one of the follow-up's own ("tall" for
    "high").
    """
    own, new = content_words(question) - _STAND_INS, content_words(rewritten)
    said = own | content_words(_said(earlier))
    names = content_words(" ".join(found[0] for found in _names(question) if found.start() > 0))
    return (
        bool(new)
        and key_words(rewritten) <= said
        and len(new - said) <= len(own - new)
        and names <= new
        and len(own & new) >= _KEPT * len(own)
        and set(_question_words(question)[:1]) <= set(_question_words(rewritten))
    )


def _question_words(text: str) -> list[str]:
    """In order; "By whom?" may come back as "Who founded it?"."""
    found = [word.lower() for word in _QUESTION_WORD.findall(text)]
    return ["who" if word.startswith("who") else word for word in found]


def _prompt(said: str, question: str) -> str:
    return f"{said}\n\nLast question: {question}"


def _said(earlier: Sequence[Exchange]) -> str:
    """The last exchanges as the model reads them: what was asked, in full, and what was answered."""
    return "\n".join(f"Question: {said.question[:_CHARS]}\nAnswer: {_told(said)}" for said in earlier[-_TURNS:])


def _told(said: Exchange) -> str:
    text = " ".join(_MARKER.sub("", said.answer).split())
    if said.short_answer.lower() not in text.lower():
        text = f"{said.short_answer}. {text}"
    return text[:_CHARS]


def _names(text: str) -> list[re.Match[str]]:
    return [found for found in _WORD.finditer(text) if found[0][0].isupper() and found[0] != "I"]
