"""What a thread stores comes back equal, and nothing comes back that is not on the list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ormsgpack
import pytest

from agent.cite import cite
from agent.drafts import written
from agent.serde import StateSerializer
from agent.state import Spent, State, blank
from agent.write import parse_draft
from hopcite.errors import OperatorError
from hopcite.types import Hit, Step, TraceEvent
from tests.agent.test_graph import REPLY, chunks

SERDE = StateSerializer()


def test_a_state_comes_back_as_it_was_tuples_and_all() -> None:
    passages = tuple(chunks())
    state = {
        "steps": (Step("q", "Who?", chunk_ids=("a", "b")), Step("s1", "Where?", needs=("q",))),
        "found": {"q": tuple(Hit(chunk, n, 1 / n, steps=("q",)) for n, chunk in enumerate(passages, start=1))},
        "drafts": (written(parse_draft(REPLY), passages, question="Where was the surveyor born?"),),
        "cited": cite(REPLY, passages),
        "events": [TraceEvent("write", 1.5, {"shown": ["a"], "notes": (), "left": None, "tall": 10**15})],
        "spent": Spent(1, 2, 3, 0.25),
    }
    kind, stored = SERDE.dumps_typed(state)
    assert SERDE.loads_typed((kind, stored)) == state
    assert kind == "hopcite-1"


def test_a_new_question_leaves_nothing_of_the_state_before() -> None:
    assert set(blank()) == set(State.__annotations__) - {"turns", "collection"}


@dataclass
class Stranger:
    path: str


@pytest.mark.parametrize("value", [Stranger("x"), Path("x"), {1, 2}, object()], ids=lambda value: type(value).__name__)
def test_a_type_that_is_not_on_the_list_is_not_stored(value: object) -> None:
    with pytest.raises(TypeError):
        SERDE.dumps_typed({"value": value})


@pytest.mark.parametrize(
    "stored",
    [
        ("hopcite-1", ormsgpack.packb(ormsgpack.Ext(2, ormsgpack.packb(["Popen", {"args": ["ls"]}])))),
        ("hopcite-1", ormsgpack.packb(ormsgpack.Ext(2, ormsgpack.packb(["Step", {"id": "q", "colour": "red"}])))),
        ("hopcite-1", ormsgpack.packb(ormsgpack.Ext(9, b"x"))),
        ("hopcite-1", b"\xc1"),
        ("pickle", b"cos\nsystem\n(S'true'\ntR."),
        ("msgpack", ormsgpack.packb({})),
    ],
    ids=["unknown type", "unknown field", "unknown code", "no msgpack", "pickle", "LangGraph's own"],
)
def test_foreign_bytes_are_refused_in_one_line(stored: tuple[str, bytes]) -> None:
    with pytest.raises(OperatorError, match="not written by this version"):
        SERDE.loads_typed(stored)
