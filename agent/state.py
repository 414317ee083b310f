"""What the nodes of the graph pass on."""

from __future__ import annotations

import operator
from typing import Annotated, TypedDict

from agent.cite import Cited
from agent.write import Draft
from hopcite.types import Chunk, Hit, Step, TraceEvent

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
    planned: bool
    passages: tuple[Chunk, ...]
    """What the writer was shown, in its order."""
    draft: Draft | None
    cited: Cited
    events: Annotated[list[TraceEvent], operator.add]
