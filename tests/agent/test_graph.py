"""The agent end to end, on a real embedded store, with a scripted model: which calls it makes, and what comes out."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent import AnswerOptions, Deps, Exchange, StageEvent, answer_question
from agent.followup import Rewritten
from agent.plan import Plan, PlannedStep
from hopcite.budget import Budget
from hopcite.chat import Completion
from hopcite.errors import ModelMisbehaved, Unreachable, UsageError
from hopcite.settings import Settings
from hopcite.types import Answer, Chunk
from retrieval import Collection, open_collection
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.port import Ranking, by_score
from tests.fakes import HashingEncoder, ScriptedChat

TEXTS = {
    "Harrow Pass Railway": "The Harrow Pass Railway opened in 1911. It was surveyed by Ottilie Brandvold.",
    "Ottilie Brandvold": "Ottilie Brandvold was an engineer. She was born in Kestmark.",
    "Mirel Bridge": "Mirel Bridge crosses the Oss at Tarn. It is 214 metres long.",
}
QUESTION = "In which town was the surveyor of the Harrow Pass Railway born?"
REPLY = (
    "Answer: Kestmark\nThe Harrow Pass Railway was surveyed by Ottilie Brandvold [1]. Brandvold was born in Kestmark."
)
PLAN = Plan(
    steps=[
        PlannedStep(question="Who surveyed the Harrow Pass Railway?"),
        PlannedStep(question="In which town was #1 born?"),
    ]
)
Script = list[str | Completion | BaseModel | dict[str, float] | Exception]


def chunks() -> list[Chunk]:
    return [
        Chunk(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, title)),
            document_id=title,
            title=title,
            source=f"{title}.md",
            text=text,
            start=0,
            end=len(text),
            position=0,
        )
        for title, text in TEXTS.items()
    ]


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    settings = Settings(data_dir=tmp_path)
    opened = open_collection(settings, HashingEncoder(), create=True)
    opened.add(chunks())
    yield opened
    opened.close()


NOT_THERE = "Answer: unknown\nThe passages do not name the town."
# A step that names a passage is read from that alone, then from all.
NO_ANSWER: Script = ["Answer: unknown"] * 2


def deps(collection: Collection, script: Script) -> tuple[Deps, ScriptedChat]:
    chat = ScriptedChat(script)
    return Deps(settings=Settings(), collection=collection, reranker=IdentityReranker(), chat=chat), chat


def ask(collection: Collection, script: Script, *, question: str = QUESTION, **options: object) -> Answer:
    parts, chat = deps(collection, script)
    answer = asyncio.run(answer_question(question, deps=parts, options=replace(AnswerOptions(), **options)))  # type: ignore[arg-type]  # options are checked by the dataclass's users
    assert chat.script == [], "the agent asked less often than the script expects"
    check(answer)
    return answer


def check(answer: Answer) -> None:
    """What holds for every answer, whatever the model wrote."""
    numbers = {citation.n for citation in answer.citations}
    assert {int(marker) for marker in re.findall(r"\[(\d+)\]", answer.answer)} <= numbers
    for claim in answer.claims:
        assert set(claim.citations) <= numbers
    for citation in answer.citations:
        assert TEXTS[citation.document_id][citation.start : citation.end] == citation.quote
    assert [hit.rank for hit in answer.evidence] == list(range(1, len(answer.evidence) + 1))
    assert {"plan", "retrieve", "rerank", "write", "verify", "total"} <= set(answer.usage.ms)


def test_never_decomposing_takes_one_call(collection: Collection) -> None:
    answer = ask(collection, [REPLY], mode="never")
    assert answer.short_answer == "Kestmark"
    assert answer.status == "answered"
    assert [citation.quote for citation in answer.citations] == [
        "It was surveyed by Ottilie Brandvold.",
        "She was born in Kestmark.",
    ]
    assert answer.usage.llm_calls == 1
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 5)
    assert [step.id for step in answer.steps] == ["q"]


def test_enough_evidence_is_not_decomposed(collection: Collection) -> None:
    answer = ask(collection, [REPLY])
    assert answer.usage.llm_calls == 1
    assert [event.node for event in answer.trace.events] == ["search", "write", "verify"]


def test_too_little_evidence_is_decomposed_and_answers_are_filled_in(collection: Collection) -> None:
    answer = ask(collection, [NOT_THERE, PLAN, "Answer: Ottilie Brandvold", REPLY])
    assert [(step.id, step.question, step.round, step.answer) for step in answer.steps] == [
        ("q", QUESTION, 0, ""),
        ("s1", "Who surveyed the Harrow Pass Railway?", 1, "Ottilie Brandvold"),
        ("s2", "In which town was Ottilie Brandvold born?", 2, "Kestmark"),
    ]
    assert answer.steps[2].needs == ("s1",)
    engineer = next(hit for hit in answer.evidence if hit.chunk.title == "Ottilie Brandvold")
    assert "s2" in engineer.steps


def test_a_chain_that_breaks_off_leaves_the_question_as_it_is(collection: Collection) -> None:
    answer = ask(collection, [NOT_THERE, PLAN, *NO_ANSWER])
    assert [step.status for step in answer.steps] == ["found", "no_evidence", "skipped"]
    assert (answer.status, answer.usage.llm_calls) == ("unanswerable", 4)


def test_steps_side_by_side_are_not_searched_after_a_draft(collection: Collection) -> None:
    sides = Plan(
        steps=[
            PlannedStep(question="Who surveyed the Harrow Pass Railway?"),
            PlannedStep(question="Which town has a railway?"),
        ]
    )
    answer = ask(collection, [NOT_THERE, sides])
    assert [step.id for step in answer.steps] == ["q"]


def test_always_plans_first_and_reranks_once(collection: Collection) -> None:
    answer = ask(collection, [PLAN, "Answer: Ottilie Brandvold", REPLY], mode="always")
    nodes = [event.node for event in answer.trace.events]
    assert nodes[:2] == ["search", "plan"]
    assert nodes.count("rerank") == 1
    assert nodes[-2:] == ["write", "verify"]


def test_what_the_plan_does_not_find_either_stays_unknown(collection: Collection) -> None:
    answer = ask(collection, [NOT_THERE, PLAN, "Answer: Ottilie Brandvold", *NO_ANSWER])
    assert (answer.status, answer.usage.llm_calls) == ("unanswerable", 5)


FROM_A_SOURCE = "How long is Mirel Bridge, as reported by the Harrow Herald?"


@pytest.mark.parametrize("mode", ["adaptive", "never"])
def test_a_source_that_the_collection_lacks_is_said_to_be_missing(mode: str, tmp_path: Path) -> None:
    collection = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    collection.add([replace(chunk, metadata={"publisher": "Oss Gazette"}) for chunk in chunks()])
    reply = "Answer: 214 metres\nMirel Bridge is 214 metres long [1]."
    answer = ask(collection, [] if mode == "adaptive" else [reply], question=FROM_A_SOURCE, mode=mode)
    told = "Nothing that was found is from Harrow Herald" in answer.answer
    assert (answer.status, told) == (("unanswerable", True) if mode == "adaptive" else ("answered", False))
    assert answer.evidence  # to see what was found in its place
    collection.close()


def test_a_short_answer_that_no_quote_holds_is_partial(collection: Collection) -> None:
    answer = ask(collection, ["Answer: Wexcombe\nOttilie Brandvold was an engineer [2]."], mode="never")
    assert (answer.short_answer, answer.claims[0].supported, answer.status) == ("Wexcombe", True, "partial")


def test_documents_without_publishers_may_be_from_any_source(collection: Collection) -> None:
    reply = "Answer: 214 metres\nMirel Bridge is 214 metres long [1]."
    assert ask(collection, [reply], question=FROM_A_SOURCE).status == "answered"


def test_what_stays_unknown_is_unanswerable_and_cites_nothing(collection: Collection) -> None:
    answer = ask(collection, ["Answer: unknown\nThe passages do not name the town [1]."], mode="never")
    assert answer.status == "unanswerable"
    assert answer.answer == "The passages do not name the town."
    assert answer.short_answer == ""
    assert answer.confidence == 0.0
    assert answer.citations == ()


def test_a_step_without_an_answer_blocks_those_that_need_it(collection: Collection) -> None:
    answer = ask(collection, [PLAN, *NO_ANSWER, REPLY], mode="always")
    assert [step.status for step in answer.steps] == ["found", "no_evidence", "skipped"]


def test_a_plan_that_cannot_be_used_leaves_the_question_whole(collection: Collection) -> None:
    answer = ask(collection, [ModelMisbehaved("no JSON"), REPLY], mode="always")
    assert [step.id for step in answer.steps] == ["q"]
    assert answer.short_answer == "Kestmark"


def test_the_scores_of_the_reranker_and_of_the_search_are_fused_by_their_shares(collection: Collection) -> None:
    class Last:
        name = "last"

        async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
            return by_score([float(place) for place in range(len(candidates))])

        async def aclose(self) -> None: ...

    parts = Deps(settings=Settings(), collection=collection, reranker=Last(), chat=ScriptedChat([REPLY]))
    answer = asyncio.run(answer_question(QUESTION, deps=parts, options=AnswerOptions(mode="never")))
    searched = sorted(answer.evidence, key=lambda hit: -hit.retrieval_score)
    best = searched[0].retrieval_score
    for place, hit in enumerate(searched):  # the default weight is a half
        assert hit.rerank_score == pytest.approx(0.5 * place / 2 + 0.5 * hit.retrieval_score / best)


def test_a_writer_that_says_nothing_leaves_the_evidence_to_be_quoted(collection: Collection) -> None:
    answer = ask(collection, [""])
    assert answer.status == "partial"
    assert answer.citations


def test_an_empty_collection_is_unanswerable_without_a_call(tmp_path: Path) -> None:
    empty = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    try:
        answer = ask(empty, [])
    finally:
        empty.close()
    assert answer.status == "unanswerable"
    assert answer.evidence == ()


@pytest.mark.parametrize("question", ["", "  \n "])
def test_an_empty_question_is_the_callers_mistake(collection: Collection, question: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        ask(collection, [], question=question)


def test_a_question_beyond_the_window_is_the_callers_mistake(collection: Collection) -> None:
    with pytest.raises(UsageError, match="shorten"):
        ask(collection, [], question="why " * 3000)


def test_an_unreachable_model_is_an_error_not_an_answer(collection: Collection) -> None:
    with pytest.raises(Unreachable):
        ask(collection, [Unreachable("no server")], mode="never")


def test_without_writing_only_retrieval_happens(collection: Collection) -> None:
    answer = ask(collection, [], mode="never", write=False)
    assert answer.evidence
    assert answer.claims == ()
    assert answer.usage.llm_calls == 0


def test_stage_events_tell_the_story(collection: Collection) -> None:
    events: list[StageEvent] = []
    parts, _ = deps(collection, [REPLY])
    options = AnswerOptions(mode="never")
    asyncio.run(answer_question(QUESTION, deps=parts, options=options, on_event=events.append))
    assert [(event.stage, event.state) for event in events] == [
        ("retrieve", "start"),
        ("retrieve", "end"),
        ("rerank", "start"),
        ("rerank", "end"),
        ("write", "start"),
        ("write", "text"),
        ("write", "end"),
        ("verify", "start"),
        ("verify", "end"),
    ]
    assert events[5].detail == {"text": REPLY}


def test_given_passages_replace_the_search(collection: Collection) -> None:
    given = tuple(chunk for chunk in chunks() if chunk.title == "Ottilie Brandvold")
    reply = "Answer: Kestmark\nOttilie Brandvold was born in Kestmark [1]."
    answer = ask(collection, [reply], mode="never", passages=given)
    assert [hit.chunk for hit in answer.evidence] == list(given)
    assert {citation.document_id for citation in answer.citations} == {"Ottilie Brandvold"}


def test_a_search_within_documents_sees_no_others(collection: Collection) -> None:
    script: Script = [PLAN, "Answer: unknown"]
    answer = ask(collection, script, mode="always", write=False, max_rounds=1, within=("Mirel Bridge",))
    assert [hit.chunk.document_id for hit in answer.evidence] == ["Mirel Bridge"]
    assert [event.detail.get("reranked") for event in answer.trace.events if event.node == "rerank"] == [1]


def test_the_trace_tells_what_the_writer_was_shown(collection: Collection) -> None:
    answer = ask(collection, [REPLY], mode="never", evidence=2)
    [write] = [event for event in answer.trace.events if event.node == "write"]
    assert write.detail["shown"] == [hit.chunk.id for hit in answer.evidence[:2]]


# "Wexcombe" is in no passage, so the claim's name is not borne out.
GUESS = "Answer: Wexcombe\nThe surveyor of the Harrow Pass Railway was born in Wexcombe [1]."


def test_a_claim_that_no_quote_bears_out_is_looked_into(collection: Collection) -> None:
    answer = ask(collection, [GUESS, PLAN, "Answer: Ottilie Brandvold", REPLY])
    assert (answer.short_answer, answer.status) == ("Kestmark", "answered")
    drafts = [event.detail for event in answer.trace.events if event.node in ("write", "conclude")]
    assert [(draft["short_answer"], draft["borne_out"]) for draft in drafts] == [
        ("Wexcombe", False),
        ("Kestmark", True),
    ]


@pytest.mark.parametrize("second", [NOT_THERE, "Answer: Lund\nOttilie Brandvold was born in Lund in 1874."])
def test_the_draft_that_is_better_borne_out_is_kept(collection: Collection, second: str) -> None:
    first = "Answer: Kestmark\nThe surveyor of the Harrow Pass Railway was born in Kestmark [1]."
    answer = ask(collection, [first, PLAN, "Answer: Ottilie Brandvold", second, second])
    assert answer.short_answer == "Kestmark"
    assert answer.trace.events[-1].detail["draft"] == 1


def test_an_order_without_amounts_hides_nothing_from_the_writer(collection: Collection) -> None:
    answer = ask(collection, [REPLY], mode="never", min_share=1.0)
    [write] = [event for event in answer.trace.events if event.node == "write"]
    assert write.detail["shown"] == [hit.chunk.id for hit in answer.evidence]


def test_a_follow_up_leans_on_what_the_caller_says_was_asked_before(collection: Collection) -> None:
    earlier = (Exchange("Who surveyed the Harrow Pass Railway?", "Ottilie Brandvold did. [1]"),)
    asked = "When did it open?"
    opened = "Answer: 1911\nThe Harrow Pass Railway opened in 1911 [1]."
    script: Script = [Rewritten(question="When did the Harrow Pass Railway open?"), opened]
    answer = ask(collection, script, question=asked, mode="never", earlier=earlier)
    assert (answer.question, answer.steps[0].question) == (asked, "When did the Harrow Pass Railway open?")
    assert answer.trace.events[0].node == "rewrite"
    as_it_is = ask(collection, [opened], question=asked, mode="never", earlier=earlier, rewrite=False)
    assert as_it_is.steps[0].question == asked
