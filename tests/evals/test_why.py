"""At which stage a document was lost, on a real store with three documents and a scripted writer."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import AnswerOptions, Deps
from evals.why import Diagnosis, diagnose, find_document
from hopcite.budget import Budget
from hopcite.errors import NotFound, UsageError
from hopcite.settings import RerankSettings, SearchSettings, Settings
from hopcite.types import Chunk
from ingest import LedgerEntry
from retrieval import Collection, open_collection
from retrieval.probe import probe
from retrieval.rerank.identity import IdentityReranker
from retrieval.rerank.port import Ranking, Reranker, by_score
from tests.agent.test_graph import PLAN, QUESTION, REPLY, Script, chunks
from tests.fakes import HashingEncoder, ScriptedChat
from tests.ui.test_cli import hopcite, refused

RAILWAY, SURVEYOR, BRIDGE = "Harrow Pass Railway", "Ottilie Brandvold", "Mirel Bridge"


class Grader:
    """Scores passages by their titles."""

    name = "grader"

    def __init__(self, **scores: float) -> None:
        self.scores = scores

    async def rerank(self, query: str, candidates: Sequence[Chunk], *, budget: Budget) -> Ranking:
        return by_score([self.scores[chunk.title.split()[0]] for chunk in candidates])

    async def aclose(self) -> None:
        return None


def entry(title: str, id_: str | None = None, source: str | None = None) -> LedgerEntry:
    return LedgerEntry(id_ or title, title, source or f"{title}.md", "ready", 1, "digest", "2026-01-01")


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    opened = open_collection(Settings(data_dir=tmp_path), HashingEncoder(), create=True)
    opened.add(chunks())
    yield opened
    opened.close()


def why(
    collection: Collection,
    expected: str,
    script: Script,
    *,
    reranker: Reranker | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Diagnosis:
    alone = Settings(rerank=RerankSettings(first_stage_weight=0.0))
    deps = Deps(settings or alone, collection, reranker or IdentityReranker(), ScriptedChat(script))
    asked = AnswerOptions(**{"mode": "never", **options})
    return asyncio.run(diagnose(QUESTION, entry(expected), deps=deps, options=asked))


def test_a_cited_document_is_found(collection: Collection) -> None:
    found = why(collection, SURVEYOR, [REPLY])
    assert (found.fate, found.cited, found.shown) == ("found", (2,), True)
    assert "[2]" in found.reason


def test_what_the_writer_read_and_left_was_ignored(collection: Collection) -> None:
    found = why(collection, BRIDGE, [REPLY])
    assert (found.fate, found.cited, found.shown) == ("ignored by the writer", (), True)


def test_reranked_out_tells_both_places_and_scores(collection: Collection) -> None:
    reranker = Grader(Harrow=1.0, Ottilie=3.0, Mirel=2.0)
    found = why(collection, RAILWAY, [REPLY], reranker=reranker, evidence=2)
    assert (found.fate, found.merged, found.ranked, found.candidates) == ("reranked out", 1, 3, 3)
    assert (found.rerank_score, found.best_rerank_score, found.shown) == (1.0, 3.0, False)
    assert "from place 1 to place 3" in found.reason


def test_a_score_far_below_the_first_is_cut_from_the_prompt(collection: Collection) -> None:
    lake = replace(
        chunks()[0], id=str(uuid.uuid4()), document_id="Lake", title="Lake", text="A railway passes the lake."
    )
    collection.add([lake])
    found = why(collection, BRIDGE, [REPLY], reranker=Grader(Harrow=10.0, Ottilie=9.0, Lake=8.0, Mirel=1.0))
    assert found.fate == "cut from the prompt"
    assert "10% of the first" in found.reason
    assert "answer.min_share" in found.reason


def test_what_comes_after_the_candidates_is_lost_in_merge(collection: Collection) -> None:
    settings = Settings(rerank=RerankSettings(passages=1))
    found = why(collection, BRIDGE, [REPLY], settings=settings, evidence=1)
    assert (found.fate, found.merged) == ("lost in merge", 3)
    assert "rerank.passages" in found.reason


def test_what_no_search_handed_on_has_its_place_further_down(collection: Collection) -> None:
    settings = Settings(search=SearchSettings(candidates=1))
    collection.search_settings = settings.search
    found = why(collection, BRIDGE, [REPLY], settings=settings)
    assert (found.fate, found.merged, found.ranked) == ("not retrieved", None, None)
    [search] = found.searches
    assert (search.handed_on, search.places.found, search.places.named) == (None, 3, None)
    assert "search.candidates" in found.reason


def test_a_listed_document_without_passages_is_not_indexed(collection: Collection) -> None:
    found = why(collection, "Ghost", [REPLY])
    assert found.fate == "not indexed"
    assert found.searches[0].places.dense is None


def test_every_search_of_a_plan_is_looked_into(collection: Collection) -> None:
    found = why(collection, SURVEYOR, [PLAN, "Answer: Ottilie Brandvold", REPLY], mode="always")
    assert [(one.step, one.question) for one in found.searches] == [
        ("q", QUESTION),
        ("s1", "Who surveyed the Harrow Pass Railway?"),
        ("s2", "In which town was Ottilie Brandvold born?"),
    ]
    assert (found.searches[2].places.named, found.searches[2].handed_on) == (1, 1)


def test_without_writing_no_model_is_asked(collection: Collection) -> None:
    found = why(collection, SURVEYOR, [], write=False)
    assert (found.fate, found.answer.usage.llm_calls) == ("found", 0)


@pytest.mark.parametrize("title", [RAILWAY, SURVEYOR, BRIDGE])
def test_places_are_those_of_searches_in_each_way(collection: Collection, title: str) -> None:
    places = probe(collection, QUESTION, [title], depth=3)

    def place(**search: Any) -> int | None:
        [hits] = collection.search([QUESTION], limit=3, **search)
        return next((hit.rank for hit in hits if hit.chunk.document_id == title), None)

    assert places.dense == place(mode="dense")
    assert places.sparse == place(mode="sparse")
    assert places.hybrid == place(hops=False)
    assert places.found == place()
    # The question names the railway; the railway's passage, the first seed, names its surveyor. The second seed shares
    # a name with the railway's passage.
    assert (places.named, places.followed) == {RAILWAY: (1, 1), SURVEYOR: (None, 1), BRIDGE: (None, None)}[title]


ENTRIES = [
    entry("Tarn", "in/tarn.md", "in/tarn.md"),
    entry("Mirel Bridge", "in/mirel.md", "in/mirel.md"),
    entry("News", "n1", "news.jsonl#1"),
    entry("News", "n2", "news.jsonl#2"),
]


@pytest.mark.parametrize(
    ("named", "id_"),
    [("in/tarn.md", "in/tarn.md"), ("tarn.md", "in/tarn.md"), ("mirel bridge", "in/mirel.md"), ("n2", "n2")],
)
def test_a_document_is_named_by_id_title_source_or_file(named: str, id_: str) -> None:
    assert find_document(named, ENTRIES, collection="c").id == id_


def test_an_unknown_document_gets_its_nearest_names() -> None:
    with pytest.raises(NotFound, match="did you mean 'Mirel Bridge'"):
        find_document("Mirell Bridge", ENTRIES, collection="c")
    with pytest.raises(NotFound, match="docs list"):
        find_document("zzz", ENTRIES, collection="c")
    with pytest.raises(NotFound, match="holds no documents"):
        find_document("Tarn", [], collection="c")


def test_a_title_that_several_documents_have_is_not_enough() -> None:
    with pytest.raises(UsageError, match="'n1', 'n2'"):
        find_document("News", ENTRIES, collection="c")


def test_the_command_refuses_an_unknown_document_at_once(tmp_path: Path) -> None:
    refused(hopcite("why", "Who?", "--expect", "x", folder=tmp_path), 2, "holds no documents")
    refused(hopcite("why", "Who?", folder=tmp_path), 2, "--expect")


@pytest.mark.models
def test_the_command_from_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "tarn.md").write_text("# Tarn House\n\nTarn House opened in 1911.\n", encoding="utf-8")
    assert hopcite("ingest", "tarn.md", folder=tmp_path).status == 0
    arguments = ("why", "When did Tarn House open?", "--expect", "Tarn House", "--no-write", "--rerank", "none")
    told = json.loads(hopcite(*arguments, "--json", folder=tmp_path).out)
    assert (told["fate"], told["merged"], told["document"]["id"]) == ("found", 1, "tarn.md")
    assert told["searches"][0]["places"]["dense"] == 1
    assert hopcite(*arguments, folder=tmp_path).out.startswith("found: Place 1")
