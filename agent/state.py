"""What the nodes of the graph pass on."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from agent.cite import Cited
from agent.drafts import Written
from agent.signals import Signals
from agent.write import Draft
from hopcite.types import Hit, Step, TraceEvent

QUESTION = "q"
"""Id of the step that is the question itself."""


class State(TypedDict, total=False):
    """The run so far. Nodes return what they change; `events` grow."""

    question: str
    steps: tuple[Step, ...]
    found: dict[str, tuple[Hit, ...]]
    """Step id to the hits of its search."""
    evidence: tuple[Hit, ...]
    """All hits merged, best first; reranked where the budget allowed it."""
    graded: bool
    """Whether the evidence's rerank scores are amounts, not only places."""
    planned: bool
    drafts: tuple[Written, ...]
    """What was written, in order: a second draft where the first was not borne out."""
    draft: Draft | None
    cited: Cited
    """The draft that was kept, and what it cites."""
    signals: Signals
    events: Annotated[list[TraceEvent], operator.add]
