"""Threads: earlier turns are known, a broken run goes on where it stopped, and nothing is paid for twice."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from agent import AnswerOptions, Deps, Threads, answer_question
from agent.answer import _key
from agent.context import Context
from agent.conversation import run_in_thread
from agent.followup import Rewritten
from hopcite.budget import Budget
from hopcite.chat import Completion, Message
from hopcite.errors import ModelMisbehaved, NotFound, OperatorError, SettingsError, ThreadBusy, Unreachable, UsageError
from hopcite.settings import AnswerSettings, Settings, ThreadSettings
from hopcite.types import Answer
from retrieval import Collection, open_collection
from retrieval.rerank.identity import IdentityReranker
from tests.agent.test_graph import NO_ANSWER, NOT_THERE, PLAN, QUESTION, REPLY, Script, check, chunks
from tests.fakes import HashingEncoder, ScriptedChat

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
FOLLOW_UP = "And when did it open?"
REWRITTEN = Rewritten(question="When did the Harrow Pass Railway open?")
OPENED = "Answer: 1911\nThe Harrow Pass Railway opened in 1911 [1]."


class House:
    """One data folder with its collection; each question opens the threads anew, as another process would."""

    def __init__(self, folder: Path, *, postgres: str | None = None) -> None:
        self.settings = Settings(data_dir=folder, threads=ThreadSettings(url=SecretStr(postgres) if postgres else None))
        self.collection = open_collection(self.settings, HashingEncoder(), create=True)
        self.collection.add(chunks())

    def ask(
        self,
        question: str,
        script: Script,
        *,
        thread: str = "talk",
        chat: type[ScriptedChat] = ScriptedChat,
        **options: Any,
    ) -> Answer:
        model = chat(list(script))
        asked = replace(AnswerOptions(mode="never", thread=thread), **options)

        async def run(threads: Threads) -> Answer:
            return await answer_question(question, deps=self.deps(model, threads), options=asked)

        answer = self.do(run)
        assert model.script == [], "the agent asked less often than the script expects"
        check(answer)
        return answer

    def deps(self, chat: ScriptedChat, threads: Threads, collection: Collection | None = None) -> Deps:
        return Deps(self.settings, collection or self.collection, IdentityReranker(), chat, threads)

    def do(self, work: Callable[[Threads], Awaitable[T]]) -> T:
        async def opened() -> T:
            threads = Threads(self.settings)
            try:
                return await work(threads)
            finally:
                await threads.aclose()

        return asyncio.run(opened())


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    postgres = os.environ["HOPCITE_TEST_POSTGRES_URL"] if request.param == "postgres" else None
    house = House(tmp_path, postgres=postgres)
    if postgres:
        house.do(empty)
    yield house
    house.collection.close()


in_sqlite = pytest.mark.parametrize("house", ["sqlite"], indirect=True)


async def empty(threads: Threads) -> int:
    return await threads.delete([thread.name for thread in await threads.all()])


def nodes(answer: Answer) -> list[str]:
    return [event.node for event in answer.trace.events]


def test_a_follow_up_is_searched_with_what_it_leaves_out(house: House) -> None:
    first = house.ask(QUESTION, [REPLY])
    second = house.ask(FOLLOW_UP, [REWRITTEN, OPENED])
    assert nodes(first) == ["search", "rerank", "write", "verify"]
    assert nodes(second) == ["rewrite", "search", "rerank", "write", "verify"]
    assert second.question == FOLLOW_UP
    assert second.steps[0].question == REWRITTEN.question
    assert (second.short_answer, second.usage.llm_calls) == ("1911", 2)
    assert second.trace.events[0].detail["question"] == REWRITTEN.question


def test_a_question_that_stands_alone_costs_no_call(house: House) -> None:
    house.ask(QUESTION, [REPLY])
    answer = house.ask("How long is Mirel Bridge?", ["Answer: 214 metres\nMirel Bridge is 214 metres long [1]."])
    assert answer.usage.llm_calls == 1
    assert answer.steps[0].question == "How long is Mirel Bridge?"


@pytest.mark.parametrize(
    ("script", "calls"),
    [
        pytest.param([ModelMisbehaved("no JSON"), OPENED], None, id="no JSON"),
        pytest.param([Rewritten(question="When did Wexcombe open?"), OPENED], None, id="a name from nowhere"),
        pytest.param([OPENED], 1, id="the only call is the writer's"),
        pytest.param([Unreachable("The model is away."), OPENED], None, id="no model at that time"),
    ],
)
def test_what_cannot_be_rewritten_is_searched_as_it_is(house: House, script: Script, calls: int | None) -> None:
    house.ask(QUESTION, [REPLY])
    answer = house.ask(FOLLOW_UP, list(script), max_llm_calls=calls)
    assert answer.steps[0].question == FOLLOW_UP
    assert answer.usage.llm_calls == len(script)


def test_rewriting_can_be_switched_off(house: House) -> None:
    house.ask(QUESTION, [REPLY])
    answer = house.ask(FOLLOW_UP, [OPENED], rewrite=False)
    assert nodes(answer)[0] == "search"
    assert AnswerOptions.from_settings(Settings(answer=AnswerSettings(rewrite=False))).rewrite is False


def test_the_turns_of_a_thread_come_back_as_they_were(house: House) -> None:
    first, second = house.ask(QUESTION, [REPLY]), house.ask(FOLLOW_UP, [REWRITTEN, OPENED])
    thread = house.do(lambda threads: threads.get("talk"))
    assert (thread.name, thread.collection, thread.title, thread.unfinished) == ("talk", "documents", QUESTION, "")
    for turn, answer in zip(thread.turns, (first, second), strict=True):
        assert turn.answer == replace(answer, trace=turn.answer.trace)
        assert turn.at <= thread.updated_at


def test_a_turn_keeps_what_the_writer_read_and_what_is_cited(house: House) -> None:
    answer = house.ask(QUESTION, [REPLY], evidence=1)
    [turn] = house.do(lambda threads: threads.get("talk")).turns
    cited = {citation.chunk_id for citation in answer.citations}
    assert {hit.chunk.id for hit in turn.answer.evidence} == {answer.evidence[0].chunk.id, *cited}
    assert len(turn.answer.evidence) < len(answer.evidence)


BEFORE_THE_END: Script = [NOT_THERE, PLAN, "Answer: Ottilie Brandvold"]


class Fatal(ScriptedChat):
    """When its script is at an end, the process is gone: no handler and no `finally` runs."""

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        if not self.script:
            os._exit(9)
        return await super().complete(messages, max_tokens=max_tokens, budget=budget, stop=stop, on_text=on_text)


def die_in_the_second_draft(folder: str) -> None:
    """For a process of its own."""
    House(Path(folder)).ask(QUESTION, BEFORE_THE_END, mode="adaptive", chat=Fatal)


def test_a_run_that_was_killed_goes_on_and_pays_nothing_twice(tmp_path: Path) -> None:
    code = f"from tests.agent.test_threads import *; die_in_the_second_draft({str(tmp_path)!r})"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=300).returncode == 9
    house = House(tmp_path)
    unfinished = house.do(lambda threads: threads.get("talk"))
    assert (unfinished.turns, unfinished.title, unfinished.unfinished) == ((), QUESTION, QUESTION)
    answer = house.ask(QUESTION, [REPLY], mode="adaptive")
    whole = house.ask(QUESTION, [*BEFORE_THE_END, REPLY], mode="adaptive", thread="other")
    house.collection.close()
    assert nodes(answer) == nodes(whole)
    assert replace(answer, usage=whole.usage, trace=whole.trace) == whole
    # The call that broke off is not known to have cost anything; the three before it did.
    assert (answer.usage.llm_calls, answer.usage.prompt_tokens) == (4, 40)
    assert answer.usage.ms["total"] >= sum(event.ms for event in answer.trace.events)


def test_a_run_that_ended_just_before_its_turn_was_stored_costs_nothing_more(house: House) -> None:
    async def run_only(threads: Threads) -> None:
        options = AnswerOptions(mode="never", thread="talk")
        context = Context(house.deps(ScriptedChat([REPLY]), threads), options, Budget(), lambda _: None)
        async with threads.held("talk") as store:
            await run_in_thread("talk", QUESTION, key=_key(context), store=store, context=context)

    house.do(run_only)
    answer = house.ask(QUESTION, [])
    assert (answer.short_answer, answer.usage.llm_calls) == ("Kestmark", 1)
    assert len(house.do(lambda threads: threads.get("talk")).turns) == 1


def test_a_run_that_is_resumed_keeps_to_the_calls_of_the_whole(house: House) -> None:
    with pytest.raises(Unreachable):
        house.ask(QUESTION, [PLAN, Unreachable("no server")], mode="always", max_llm_calls=2, max_rounds=1)
    answer = house.ask(QUESTION, [REPLY], mode="always", max_llm_calls=2, max_rounds=1)
    assert answer.usage.llm_calls == 2


@pytest.mark.parametrize(
    ("question", "options"),
    [(FOLLOW_UP, {"mode": "never"}), (QUESTION, {"mode": "always", "max_rounds": 1}), (QUESTION, {"evidence": 2})],
    ids=["another question", "another mode", "other options"],
)
def test_another_question_begins_anew(house: House, question: str, options: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        house.ask(QUESTION, [Unreachable("no server")])
    script: Script = [PLAN, *NO_ANSWER, OPENED] if options.get("mode") == "always" else [OPENED]
    answer = house.ask(question, script, **options)
    assert nodes(answer)[0] == "search"
    assert len(house.do(lambda threads: threads.get("talk")).turns) == 1


def test_nothing_of_an_earlier_question_is_left_in_the_next(house: House) -> None:
    house.ask(QUESTION, [NOT_THERE, PLAN, "Answer: Ottilie Brandvold", REPLY], mode="adaptive")
    alone = "How long is Mirel Bridge?"
    reply = "Answer: 214 metres\nMirel Bridge is 214 metres long [1]."
    second = house.ask(alone, [reply], mode="adaptive")
    fresh = house.ask(alone, [reply], mode="adaptive", thread="other")
    assert nodes(second) == ["rewrite", *nodes(fresh)]
    assert replace(second, usage=fresh.usage, trace=fresh.trace) == fresh


@in_sqlite
def test_a_thread_keeps_one_checkpoint_however_long_it_grows(house: House, tmp_path: Path) -> None:
    for _ in range(3):
        house.ask(QUESTION, [REPLY])
    with sqlite3.connect(tmp_path / "threads.sqlite") as db:
        assert db.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
        assert db.execute("SELECT DISTINCT type FROM checkpoints").fetchall() == [("hopcite-1",)]
    db.close()
    assert len(house.do(lambda threads: threads.get("talk")).turns) == 3


def test_threads_are_listed_the_last_one_first_and_deleted_by_name(house: House) -> None:
    for name in ("first", "second", "third"):
        house.ask(QUESTION, [REPLY], thread=name)
    house.ask("How long is Mirel Bridge?", [NOT_THERE], thread="first")

    async def names(threads: Threads) -> list[str]:
        return [thread.name for thread in await threads.all()]

    assert house.do(names) == ["first", "third", "second"]
    with pytest.raises(NotFound, match="absent"):
        house.do(lambda threads: threads.delete(["second", "absent"]))
    assert house.do(lambda threads: threads.delete(["first", "second", "first"])) == 2
    assert house.do(names) == ["third"]
    with pytest.raises(NotFound, match="first"):
        house.do(lambda threads: threads.get("first"))
    assert nodes(house.ask(FOLLOW_UP, [OPENED], thread="first"))[0] == "search"


def test_a_question_without_a_thread_stores_nothing(house: House, tmp_path: Path) -> None:
    asyncio.run(
        answer_question(
            QUESTION,
            deps=house.deps(ScriptedChat([REPLY]), Threads(house.settings)),
            options=AnswerOptions(mode="never"),
        )
    )
    assert not list(tmp_path.glob("threads*"))


@dataclass
class Gate(ScriptedChat):
    """Says when it is asked, and replies when the gate is opened."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        budget: Budget,
        stop: Sequence[str] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        self.asked.set()
        await self.gate.wait()
        return await super().complete(messages, max_tokens=max_tokens, budget=budget, stop=stop, on_text=on_text)


def test_a_second_question_at_once_is_refused_and_a_busy_thread_is_not_deleted(house: House) -> None:
    async def together(threads: Threads) -> None:
        chat, elsewhere = Gate([REPLY]), Threads(house.settings)
        options = AnswerOptions(mode="never", thread="talk")
        first = asyncio.create_task(answer_question(QUESTION, deps=house.deps(chat, threads), options=options))
        await chat.asked.wait()
        for at_once in (threads, elsewhere):  # within one process, and as another one sees it
            with pytest.raises(ThreadBusy, match="talk"):
                await answer_question(FOLLOW_UP, deps=house.deps(ScriptedChat([]), at_once), options=options)
            with pytest.raises(ThreadBusy, match="talk"):
                await at_once.delete(["talk"])
        chat.gate.set()
        assert (await first).short_answer == "Kestmark"
        await elsewhere.aclose()
        assert await threads.delete(["talk"]) == 1

    house.do(together)


def test_a_thread_is_about_one_collection(house: House) -> None:
    house.ask(QUESTION, [REPLY])
    other = open_collection(house.settings, HashingEncoder(), name="letters", create=True)

    async def ask(threads: Threads) -> Answer:
        deps = house.deps(ScriptedChat([]), threads, other)
        return await answer_question(FOLLOW_UP, deps=deps, options=AnswerOptions(thread="talk"))

    try:
        with pytest.raises(UsageError, match="'documents', not 'letters'"):
            house.do(ask)
    finally:
        other.close()


@pytest.mark.parametrize("name", ["", "../x", "a b", "ä", "x" * 65, "-x", "a\n"])
def test_odd_names_are_refused(house: House, name: str) -> None:
    with pytest.raises(UsageError, match="no thread name"):
        house.ask(QUESTION, [], thread=name)
    with pytest.raises(UsageError, match="no thread name"):
        house.do(lambda threads: threads.get(name))


def test_parts_without_a_store_refuse_a_thread(house: House) -> None:
    deps = replace(house.deps(ScriptedChat([]), Threads(house.settings)), threads=None)
    with pytest.raises(UsageError, match="open_deps"):
        asyncio.run(answer_question(QUESTION, deps=deps, options=AnswerOptions(thread="talk")))


@in_sqlite
def test_a_file_that_is_no_database_is_named(house: House, tmp_path: Path) -> None:
    (tmp_path / "threads.sqlite").write_text("not a database" * 100)
    with pytest.raises(OperatorError, match=r"threads\.sqlite"):
        house.do(lambda threads: threads.all())


@in_sqlite
def test_a_state_of_another_format_is_said_to_be_so(house: House, tmp_path: Path) -> None:
    house.ask(QUESTION, [REPLY])
    with sqlite3.connect(tmp_path / "threads.sqlite") as db:
        db.execute("UPDATE checkpoints SET type = 'msgpack'")
    db.close()
    with pytest.raises(OperatorError, match="not written by this version"):
        house.do(lambda threads: threads.get("talk"))


def threads_at(url: str, folder: Path) -> None:
    async def run() -> None:
        await Threads(Settings(data_dir=folder, threads=ThreadSettings(url=SecretStr(url)))).all()

    asyncio.run(run())


@pytest.mark.skipif(importlib.util.find_spec("psycopg") is not None, reason="the extra `postgres` is installed")
def test_postgres_without_its_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"hopcite\[postgres\]"):
        threads_at("postgresql://127.0.0.1:9/x", tmp_path)


@pytest.mark.postgres
def test_a_postgres_that_is_away_is_unreachable_and_its_password_is_not_shown(tmp_path: Path) -> None:
    # Port 9 (discard) of loopback has no listener.
    with pytest.raises(Unreachable, match=r"threads\.url") as caught:
        threads_at("postgresql://who:secret@127.0.0.1:9/x", tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://who:secret@x", "threads.db"])
def test_an_address_that_is_no_postgres_is_refused_without_showing_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://") as caught:
        threads_at(url, tmp_path)
    assert url not in str(caught.value)
