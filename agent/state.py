"""What the nodes of the graph pass on."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.types import Overwrite

from agent.cite import Cited
from agent.drafts import Written
from agent.signals import Signals
from agent.write import Draft
from hopcite.types import Answer, Hit, Step, TraceEvent

QUESTION = "q"
"""Id of the step that is the question itself."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a thread that has its answer; of the evidence, what the writer was given."""

    answer: Answer
    at: str
    """When it was answered, ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the run has cost so far: a run that is resumed in another process goes on with this bill."""

    llm_calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


class State(TypedDict, total=False):
    """The run so far. Nodes return what they change; `events` and `turns` grow."""

    asked: str
    """The question in the asker's own words; in a thread, empty once it has its answer."""
    question: str
    """The question that is worked on: a follow-up with what it left out filled in."""
    turns: Annotated[list[Turn], operator.add]
    """The thread so far; absent outside a thread."""
    key: str
    """In a thread: digest of all that decides the answer. Only a run with the same one may be resumed."""
    collection: str
    """In a thread: the collection that it is about."""
    spent: Spent
    steps: tuple[Step, ...]
    likely: dict[str, float | None]
    """Step id to the probability that the model gives its answer; None where no server told."""
    found: dict[str, tuple[Hit, ...]]
    """Step id to the hits of its search."""
    evidence: tuple[Hit, ...]
    """All hits merged, best first; reranked where the budget allowed it."""
    graded: bool
    """Whether the evidence's rerank scores are amounts, not only places."""
    reranked: bool
    """Whether the evidence was reranked, or there is no budget for it."""
    planned: bool
    """Whether the question was decomposed, or there is no budget for it."""
    final: bool
    """Whether no further draft can be written."""
    drafts: tuple[Written, ...]
    """What was written, in order: a further draft where the one before was not final."""
    draft: Draft | None
    cited: Cited
    """The draft that was kept, and what it cites."""
    signals: Signals
    events: Annotated[list[TraceEvent], operator.add]


def blank() -> dict[str, Any]:
    """An update that leaves nothing of a thread's last question behind but its turn."""
    return {
        "asked": "",
        "question": "",
        "key": "",
        "spent": Spent(0, 0, 0, 0.0),
        "steps": (),
        "likely": {},
        "found": {},
        "evidence": (),
        "graded": False,
        "reranked": False,
        "planned": False,
        "final": False,
        "drafts": (),
        "draft": None,
        "cited": None,
        "signals": None,
        "events": Overwrite([]),
    }
