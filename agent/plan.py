"""Planning: a question becomes a few searches, some of which wait for the answers of others.

The planner may be small and makes known mistakes (it repeats itself, and splits what needs no splitting), so every plan
goes through `checked_steps`, which needs no model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from agent.prompts import PLANNING
from hopcite.budget import Budget
from hopcite.chat import Chat, Message
from hopcite.types import Step

MAX_STEPS = 4
_MAX_PLAN_TOKENS = 200
_REFERENCE = re.compile(r"#(\d)")
_PRONOUN = re.compile(r"\b(?:he|him|his|she|her|it|its|they|them|their)\b")
_POSSESSIVES = frozenset({"his", "her", "its", "their"})
# "Who gave her name to the ferry?": the pronoun is that of the one who is asked for.
_OWN_POSSESSIVE = re.compile(r"^who\b.*\b(?:his|her|their)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<!^)\b(?:[A-Z][\w'’-]*|\d+)\b")
_POSSESSIVE_END = re.compile(r"['’]s?$")
_ASKING = re.compile(r"\b(who|whom|whose|where|when|which|what|how)\b(?:\s+(\w+))?", re.IGNORECASE)
_KINDS = {
    **dict.fromkeys(("town", "city", "village", "place", "country", "county", "state", "region"), "where"),
    **dict.fromkeys(("year", "date", "day", "month"), "when"),
    "person": "who",
}
# Lower case: "Dead Poets Society" speaks of no death.
_DEATH = re.compile(r"\b(?:died?|dies|dead|death)\b")
_BIRTH = re.compile(r"\b(?:born|birth\w*|older|oldest|younger|youngest|age)\b")
_BORN = re.compile(r"\b(?:was|were) (.+?) born\b")
_GRANDPARENT = re.compile(r"\b(?P<side>paternal|maternal) grand(?P<parent>father|mother)\b", re.IGNORECASE)
_PARENT = re.compile(r"\b(?:father|mother)\b")
# "Who is Imre Valko?", "What is #2?": what is asked of is what is looked for.
_IDENTITY = re.compile(r"(?i:who|what) (?:is|are|was|were) (?P<name>#\d|(?!The\b)[A-Z][^?]*?)[?\s]*")
_NO_NAME = re.compile(r"['’]s\b|(?<!\S)(?:of|the|[a-z]{4,})(?!\S)")
_NEARLY_ALL = 0.8  # of the words of what was asked before
_WORD = re.compile(r"\w[\w'’-]*")


class PlannedStep(BaseModel):
    """One search, as the model writes it. `#2` in the question stands for the answer of step 2."""

    question: str = Field(max_length=300)


class Plan(BaseModel):
    """What the model must return. No steps: the question is one search."""

    steps: list[PlannedStep] = Field(max_length=MAX_STEPS)


async def plan_steps(question: str, *, chat: Chat, budget: Budget) -> tuple[Step, ...]:
    """Ask the model for a plan and keep what is sound of it. Raises `ModelMisbehaved`, `BudgetExhausted`."""
    question = without_references(question)
    messages: list[Message] = [*PLANNING, {"role": "user", "content": question}]
    plan = await chat.parse(messages, Plan, max_tokens=_MAX_PLAN_TOKENS, budget=budget)
    return checked_steps(question, [step.question for step in plan.steps])


def without_references(question: str) -> str:
    """The question as a plan may have it: a hit that was #1 is not the answer of a step."""
    return _REFERENCE.sub(r"No. \1", question)


def linked_steps(questions: Sequence[str]) -> tuple[Step, ...]:
    """Steps `s1`, `s2`, … as a rule made them, each waiting for those that it refers to."""
    return tuple(
        Step(
            id=f"s{number}",
            question=_REFERENCE.sub(r"#s\1", question),
            needs=tuple(f"s{needed}" for needed in dict.fromkeys(_REFERENCE.findall(question))),
        )
        for number, question in enumerate(questions, start=1)
    )


def checked_steps(question: str, planned: Sequence[str]) -> tuple[Step, ...]:
    """Steps `s1`, `s2`, … without those that are empty, repeat an earlier one or the question, or bring in new names.

    A reference to a dropped, later or own step makes the step unsound, so it is dropped too. A pronoun without one
    stands for the answer of the step before, or for what a pronoun there stood for. A step that asks who a name is
    tells the next no more than that name, which is put there in its place. One step that is left alone and waits for
    nothing adds nothing to the question itself: the plan is then empty.
    """
    kept: dict[int, Step] = {}
    named: dict[int, str] = {}
    referent: int | None = None
    seen = [question]
    # Any word of the question may return as a name: people write "oct" and "laura palmer".
    known_names = {_bare(word) for word in _WORD.findall(question)}
    for number, text in enumerate(planned, start=1):
        faithful = _faithful(" ".join(text.split()), question, first=not kept, last=number == len(planned))
        written = _of_the_step_before(faithful, number, kept)
        wording = _with_reference(written, referent)
        by_pronoun = wording != written
        wording = _REFERENCE.sub(lambda found: named.get(int(found[1]), found[0]), wording)
        if (name := _name_asked(wording)) and (name[0] == "#" or _leans(planned[number:], on=number)):
            named[number], referent = name, number
            continue
        references = [int(found) for found in _REFERENCE.findall(wording)]
        if not _content_words(wording) or any(_repeats(wording, other) for other in seen):
            continue
        if any(reference not in kept for reference in references) or _names(wording) - known_names:
            continue
        needs = tuple(dict.fromkeys(kept[reference].id for reference in references))
        step_id = f"s{len(kept) + 1}"
        seen.append(wording)
        for reference in references:
            wording = wording.replace(f"#{reference}", f"#{kept[reference].id}")
        kept[number] = Step(id=step_id, question=wording, needs=needs)
        referent = referent if by_pronoun else number
    steps = tuple(kept.values())
    return steps if len(steps) > 1 else ()


def _faithful(wording: str, question: str, *, first: bool, last: bool) -> str:
    """Slips of small planners put right: a birth where the question speaks of death alone, a parent of the other side.

    And the `last` step asks where the question does, not when, and the other way round.
    """
    if _DEATH.search(question) and not _BIRTH.search(question):
        wording = _BORN.sub(r"did \1 die", wording)
    if grand := _GRANDPARENT.search(question):
        parent = "father" if grand["side"].lower() == "paternal" else "mother"
        wording = _PARENT.sub(parent if first else grand["parent"].lower(), wording)
    asked = {_kind(found) for found in _ASKING.finditer(question)}
    for kind, other in (("where", "when"), ("when", "where")):
        if last and kind in asked and other not in asked:
            wording = re.sub(rf"^{other}\b", kind.capitalize(), wording, flags=re.IGNORECASE)
    return wording


def _of_the_step_before(wording: str, number: int, kept: Mapping[int, Step]) -> str:
    """Where a step asks the same as an earlier one, of its answer or of what that was asked of: put the step before.

    A comparison asks each side the same ("When was #1 born?"), and a small planner loses count of the second side.
    """
    template = _REFERENCE.sub("#", wording)
    for place, step in kept.items():
        same = template == _REFERENCE.sub("#", step.question.replace("#s", "#"))
        references = {int(found) for found in _REFERENCE.findall(wording)}
        if same and references and place < number - 1 and max(references) <= place:
            return _REFERENCE.sub(f"#{number - 1}", wording)
    return wording


def _with_reference(wording: str, referent: int | None) -> str:
    """The first pronoun of a step that refers to nothing, put as the answer of the step `referent`."""
    if referent is None or _REFERENCE.search(wording) or _OWN_POSSESSIVE.search(wording):
        return wording
    return _PRONOUN.sub(
        lambda found: f"#{referent}'s" if found[0] in _POSSESSIVES else f"#{referent}", wording, count=1
    )


def _name_asked(wording: str) -> str:
    """The name, or the reference, of which a step asks who it is and nothing else; empty where it asks more."""
    found = _IDENTITY.fullmatch(wording)
    return found["name"] if found and not _NO_NAME.search(found["name"]) else ""


def _leans(later: Sequence[str], *, on: int) -> bool:
    return any(f"#{on}" in text or (_PRONOUN.search(text) and not _REFERENCE.search(text)) for text in later)


def fill(step: Step, answers: Mapping[str, str]) -> str:
    """The step's question with each `#s1` replaced by the answer of that step."""
    wording = step.question
    for needed in step.needs:
        wording = wording.replace(f"#{needed}", answers[needed])
    return wording


def ends(steps: Sequence[Step]) -> list[Step]:
    """The steps whose answers no other step needs."""
    needed = {need for step in steps for need in step.needs}
    return [step for step in steps if step.id not in needed]


def _repeats(step: str, other: str) -> bool:
    """Whether a step asks what was asked before, at most in fewer words: "Where" for "In which town".

    "Who is Imre Valko's father?" has nearly all words of "Where did Imre Valko's father study?" and is a part of it.
    """
    words, others = _content_words(step), _content_words(other)
    return words <= others and len(words) >= _NEARLY_ALL * len(others) and _asked_for(step) == _asked_for(other)


def _asked_for(text: str) -> str:
    """who, where, when, or the word that says what is asked for: a town is a where."""
    found = _ASKING.search(text)
    return _kind(found) if found else ""


def _kind(found: re.Match[str]) -> str:
    asking, thing = found[1].lower(), (found[2] or "").lower()
    if asking in ("who", "whom", "whose"):
        return "who"
    return _KINDS.get(thing, thing) if asking in ("which", "what") else asking


def _content_words(text: str) -> frozenset[str]:
    return frozenset(map(_bare, re.findall(r"#?\w[\w'’]*", text.lower()))) - _EMPTY_WORDS


def _names(text: str) -> set[str]:
    """Capitalised words and numbers, without the word that opens the sentence."""
    return {_bare(word) for word in _NAME.findall(_REFERENCE.sub("", text))}


def _bare(word: str) -> str:
    return _POSSESSIVE_END.sub("", word.lower())


_EMPTY_WORDS = frozenset(
    "a an and are at by did do does for from had has have in is it its of on or that the this to was were what when "
    "where which who whom whose with".split()
)
