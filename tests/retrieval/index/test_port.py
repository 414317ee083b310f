"""What every store must do alike: Qdrant Edge, qdrant-client in memory, and a real server if there is one."""

from __future__ import annotations

import itertools
import math
import random
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from hopcite.errors import CollectionMismatch
from hopcite.settings import SearchMode
from hopcite.types import Chunk
from retrieval.fusion import reciprocal_rank_fusion
from retrieval.index.edge import open_edge
from retrieval.index.port import Index, LinkFilter, Point, Query, SparseVector, Vectors
from retrieval.index.server import open_server
from retrieval.index.stored import Record
from tests.fakes import HashingEncoder

Open = Callable[..., Index | None]
ENCODER = HashingEncoder()


def chunk(document: str, text: str, *, position: int = 0, title: str = "") -> Chunk:
    return Chunk(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{document}/{position}/{text}")),
        document_id=document,
        title=title or document.title(),
        source=f"{document}.txt",
        text=text,
        start=0,
        end=len(text),
        position=position,
    )


def point(one: Chunk, *, title_key: str = "", publisher_key: str = "") -> Point:
    return Point(one, ENCODER.encode_documents([one.text])[0], title_key, publisher_key)


def ask(text: str, *, limit: int = 10, mode: SearchMode = "hybrid", links: LinkFilter | None = None) -> Query:
    return Query(ENCODER.encode_queries([text])[0], limit, mode, links)


def texts(index: Index, query: Query) -> list[str]:
    return [hit.chunk.text for hit in index.query([query])[0]]


def test_a_chunk_comes_back_as_it_went_in(index: Index) -> None:
    stored = replace(chunk("a", "häfen und Schiffe 🚢"), page=3, metadata={"author": "Ada", "url": "http://x"})
    index.upsert([point(stored)])
    assert index.fetch([stored.id]) == [stored]
    assert index.query([ask("Schiffe")])[0][0].chunk == stored
    assert list(index.scroll()) == [stored]


def test_publishers_are_those_of_the_chunks_that_are_there(index: Index) -> None:
    first, second, third = chunk("a", "one"), chunk("b", "two"), chunk("c", "three")
    index.upsert([point(first, publisher_key="tarn post"), point(second, publisher_key="oss gazette"), point(third)])
    index.upsert([point(chunk("b", "more", position=1), publisher_key="oss gazette")])
    assert index.publishers() == ["oss gazette", "tarn post"]
    index.delete_documents(["a"])
    assert index.publishers() == ["oss gazette"]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
def test_the_chunk_with_the_words_comes_first(index: Index, mode: SearchMode) -> None:
    index.upsert([point(chunk("a", "red apples grow")), point(chunk("b", "grey seals swim"))])
    assert texts(index, ask("seals swim", mode=mode))[0] == "grey seals swim"


def test_dense_scores_are_cosines(index: Index) -> None:
    index.upsert([point(chunk("a", "red apples"))])
    # One of two words in common, each vector of length √2: 1 / (√2 · √2).
    assert index.query([ask("red pears", mode="dense")])[0][0].score == pytest.approx(0.5, abs=1e-6)


def test_sparse_scores_weigh_rare_words_more(index: Index) -> None:
    index.upsert([point(chunk(str(n), f"common word{n}")) for n in range(9)] + [point(chunk("x", "common rare"))])
    hits = index.query([ask("common rare", mode="sparse")])[0]
    # Qdrant's IDF is ln((N - n + 0.5) / (n + 0.5) + 1), the weights of both vectors are 1.
    rare, common = (math.log((10 - n + 0.5) / (n + 0.5) + 1) for n in (1, 10))
    assert hits[0].chunk.text == "common rare"
    assert hits[0].score == pytest.approx(rare + common, rel=1e-5)
    assert hits[1].score == pytest.approx(common, rel=1e-5)


def test_hybrid_scores_are_reciprocal_ranks_from_one(index: Index) -> None:
    index.upsert([point(chunk("a", "red apples")), point(chunk("b", "red apples red pears plums"))])
    query = "red apples"
    lists = [[hit.chunk.id for hit in index.query([ask(query, mode=mode)])[0]] for mode in ("dense", "sparse")]
    expected = dict(reciprocal_rank_fusion(lists, k=60))
    assert {hit.chunk.id: hit.score for hit in index.query([ask(query)])[0]} == pytest.approx(expected, rel=1e-5)


def test_equal_hits_come_by_chunk_id_and_the_limit_cuts_there(index: Index) -> None:
    same = [chunk(f"d{n}", "twin text") for n in range(6)]
    index.upsert([point(one) for one in same])
    by_id = sorted(one.id for one in same)
    assert [hit.chunk.id for hit in index.query([ask("twin", mode="dense", limit=4)])[0]] == by_id[:4]


def test_equal_hits_of_one_list_are_fused_by_chunk_id_whatever_was_written_first(index: Index) -> None:
    zeros = (0.0,) * 62
    words = SparseVector((7,), (1.0,))
    near, far = Vectors((1.0, 0.0, *zeros), words), Vectors((0.6, 0.8, *zeros), words)
    first, second = sorted((chunk("a", "one"), chunk("b", "two")), key=lambda one: one.id)
    for points in itertools.permutations([Point(first, far, ""), Point(second, near, "")]):
        index.delete_chunks([first.id, second.id])
        index.upsert(points)
        hits = index.query([Query(near, 2)])[0]
        # By words they are equal, so the first id comes first; by meaning the second does.
        assert [hit.chunk.id for hit in hits] == [first.id, second.id]
        assert [hit.score for hit in hits] == pytest.approx([1 / 61 + 1 / 62] * 2)


def test_a_batch_answers_each_query_in_its_place(index: Index) -> None:
    index.upsert([point(chunk("a", "red apples")), point(chunk("b", "grey seals"))])
    nobody = LinkFilter((), "a")
    found = index.query([ask("seals", limit=1), ask("seals", links=nobody), ask("apples", limit=1)])
    assert [[hit.chunk.text for hit in hits] for hits in found] == [["grey seals"], [], ["red apples"]]
    assert index.query([]) == []


def test_a_query_without_words_falls_back_on_meaning(index: Index) -> None:
    index.upsert([point(chunk("a", "red apples"))])
    wordless = Vectors(ENCODER.encode_queries(["red apples"])[0].dense, SparseVector((), ()))
    assert [len(hits) for hits in index.query([Query(wordless, 5, "hybrid"), Query(wordless, 5, "sparse")])] == [1, 0]


def test_a_chunk_without_words_is_stored(index: Index) -> None:
    wordless = chunk("a", "…")
    index.upsert([point(wordless)])
    assert index.fetch([wordless.id]) == [wordless]


@pytest.mark.parametrize(
    ("links", "found"),
    [
        (LinkFilter(("oltrey",), "-"), {"about oltrey", "more about oltrey"}),
        (LinkFilter(("oltrey",), None), {"about oltrey", "more about oltrey"}),
        (LinkFilter(("oltrey", "mara venn", "nothing"), "-"), {"about oltrey", "more about oltrey", "about mara"}),
        (LinkFilter(("oltrey", "mara venn"), "town"), {"about mara"}),
        (LinkFilter(("nothing",), "-"), set()),
        (LinkFilter((), "-"), set()),
        (LinkFilter(("oss gazette",), None, "publisher_key"), {"about mara"}),
        (LinkFilter(("oltrey",), None, "publisher_key"), set()),
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "dense"])
def test_links(index: Index, links: LinkFilter, found: set[str], mode: SearchMode) -> None:
    index.upsert(
        [
            point(chunk("town", "about oltrey"), title_key="oltrey"),
            point(chunk("town", "more about oltrey", position=1), title_key="oltrey"),
            point(chunk("person", "about mara"), title_key="mara venn", publisher_key="oss gazette"),
            point(chunk("none", "about oltrey and mara"), title_key="none"),
        ]
    )
    assert set(texts(index, ask("about", links=links, mode=mode))) == found


@pytest.mark.parametrize("mode", ["hybrid", "dense", "sparse"])
def test_a_search_within_documents_finds_no_others(index: Index, mode: SearchMode) -> None:
    index.upsert([point(chunk(document, "about oltrey")) for document in ("a", "b", "c")])
    vectors = ENCODER.encode_queries(["oltrey"])[0]
    for within, found in ((("a", "c"), {"a", "c"}), (("z",), set()), ((), set()), (None, {"a", "b", "c"})):
        [hits] = index.query([Query(vectors, 10, mode, within=within)])
        assert {hit.chunk.document_id for hit in hits} == found
    links = LinkFilter(("oltrey",), "-")
    index.upsert([point(chunk(document, "more"), title_key="oltrey") for document in ("d", "e")])
    [hits] = index.query([Query(vectors, 10, "dense", links, ("e", "a"))])
    assert [hit.chunk.document_id for hit in hits] == ["e"]


def test_upsert_replaces(index: Index) -> None:
    old = chunk("a", "red apples")
    index.upsert([point(old)])
    new = replace(old, text="grey seals", title="New")
    index.upsert([point(new)])
    assert index.count() == 1
    assert texts(index, ask("seals")) == ["grey seals"]
    assert index.fetch([old.id]) == [new]


def test_deletion_by_document_and_by_chunk(index: Index) -> None:
    chunks = [chunk(document, f"{document} {n}", position=n) for document in "abc" for n in range(3)]
    index.upsert([point(one) for one in chunks])
    index.delete_documents(["a", "unknown"])
    index.delete_chunks([chunks[3].id, str(uuid.uuid4())])
    index.delete_documents([])
    index.delete_chunks([])
    assert index.count() == 5
    assert {one.text for one in index.scroll()} == {"b 1", "b 2", "c 0", "c 1", "c 2"}


def test_chunk_ids_by_position(index: Index) -> None:
    chunks = [chunk("a", f"part {n}", position=n) for n in range(12)]
    index.upsert([point(one) for one in reversed(chunks)] + [point(chunk("b", "other"))])
    assert index.chunk_ids("a") == [one.id for one in chunks]
    assert index.chunk_ids("unknown") == []


def test_fetch_keeps_the_order_and_leaves_out_the_unknown(index: Index) -> None:
    chunks = [chunk("a", f"part {n}", position=n) for n in range(3)]
    index.upsert([point(one) for one in chunks])
    assert index.fetch([chunks[2].id, str(uuid.uuid4()), chunks[0].id]) == [chunks[2], chunks[0]]
    assert index.fetch([]) == []


def test_scroll_goes_through_all_pages(index: Index) -> None:
    chunks = [chunk("a", f"part {n}", position=n) for n in range(1203)]
    index.upsert([point(one) for one in chunks])
    index.optimize()
    assert sorted(one.position for one in index.scroll()) == list(range(1203))
    assert index.count() == 1203


def test_an_empty_collection(index: Index) -> None:
    assert index.query([ask("anything")]) == [[]]
    assert list(index.scroll()) == []
    assert index.count() == 0
    index.upsert([])
    index.optimize()


def test_an_absent_collection_is_none(open_index: Open) -> None:
    assert open_index() is None


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (Record("other-encoder", 64), ["hashing-64", "other-encoder"]),
        (Record("hashing-64", 64, schema=2), ["layout 1"]),
    ],
)
def test_another_encoder_is_refused_and_nothing_changes(open_index: Open, record: Record, words: list[str]) -> None:
    made = open_index(create=True)
    assert made is not None
    made.upsert([point(chunk("a", "red apples"))])
    if isinstance_edge(made):
        made.close()
    with pytest.raises(CollectionMismatch, match="ingest its documents again") as caught:
        open_index(record, create=True)
    assert all(word in str(caught.value) for word in words)
    again = open_index()
    assert again is not None
    assert again.count() == 1
    if isinstance_edge(again):
        again.close()


def isinstance_edge(index: Index) -> bool:
    """Closing the others would close the client that the fixture shares out, and with it the memory."""
    return type(index).__name__ == "EdgeIndex"


def random_vectors(text: str, rng: random.Random) -> Vectors:
    """Weights that are never equal, so that no two hits are."""
    terms = ENCODER.encode_documents([text])[0].sparse.indices
    dense = [rng.gauss(0, 1) for _ in range(64)]
    length = math.hypot(*dense)
    return Vectors(tuple(x / length for x in dense), SparseVector(terms, tuple(rng.uniform(0.5, 2.0) for _ in terms)))


def test_edge_and_memory_find_the_same_on_random_data(tmp_path: Path) -> None:
    rng = random.Random(7)
    vocabulary = [f"w{n}" for n in range(300)]
    chunks = [chunk(f"d{n}", " ".join(rng.choices(vocabulary, k=rng.randint(5, 30)))) for n in range(400)]
    points = [Point(one, random_vectors(one.text, rng), rng.choice(vocabulary)) for one in chunks]
    record = Record("hashing-64", 64)
    edge = open_edge(tmp_path / "t", record, create=True, prefetch=100, rrf_k=60)
    client = QdrantClient(":memory:")
    memory = open_server(client, "t", record, url=":memory:", create=True, prefetch=100, rrf_k=60)
    assert edge is not None
    assert memory is not None
    edge.upsert(points)
    memory.upsert(points)
    queries = []
    for mode in ("dense", "sparse", "hybrid"):
        for _ in range(20):
            links = LinkFilter(tuple(rng.sample(vocabulary, 20)), "d1")
            text = " ".join(rng.choices(vocabulary, k=6))
            vectors = random_vectors(text, rng)
            queries += [Query(vectors, 20, mode), Query(vectors, 20, mode, links)]
    for ours, theirs in zip(edge.query(queries), memory.query(queries), strict=True):
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], rel=1e-4)
        assert [hit.chunk.id for hit in ours] == [hit.chunk.id for hit in theirs]
    edge.close()
    memory.close()
