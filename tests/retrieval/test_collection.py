from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hopcite.errors import CollectionMismatch, NotFound, UsageError
from hopcite.settings import SearchSettings, Settings
from hopcite.types import Chunk
from retrieval import Collection, drop_collection, list_collections, open_collection
from retrieval.hops import Further, Search, follow, fuse
from retrieval.index.port import Scored
from tests.fakes import HashingEncoder

PASSAGES = {
    "Salt Road": "Salt Road is an opera that Mara Venn composed for the harbour theatre.",
    "Mara Venn": "Mara Venn learned the organ as a child in Oltrey and left it at nineteen.",
    "Oltrey": "Oltrey lies where two rivers meet, below a lighthouse.",
    "Lighthouse Keepers": "Keepers painted their towers white; a song tells of a keeper from Oltrey.",
    **{f"Filler {n}": f"The composed opera number {n} was born of a theatre town." for n in range(30)},
}


def chunk(title: str, text: str) -> Chunk:
    return Chunk(str(uuid.uuid5(uuid.NAMESPACE_URL, title)), title, title, f"{title}.txt", text, 0, len(text), 0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, search=SearchSettings(prefetch=10, hop_seeds=2, name_seeds=0))


@pytest.fixture
def collection(settings: Settings) -> Iterator[Collection]:
    opened = open_collection(settings, HashingEncoder(), create=True)
    opened.add([chunk(title, text) for title, text in PASSAGES.items()])
    yield opened
    opened.close()


def titles(collection: Collection, question: str, *, limit: int = 10, hops: bool | None = None) -> list[str]:
    return [hit.chunk.title for hit in collection.search([question], limit=limit, hops=hops)[0]]


QUESTION = "Where did the woman who composed the opera Salt Road learn her organ?"


def test_hops_find_what_the_first_passages_name(settings: Settings) -> None:
    question = "Which opera was composed by Mara Venn, and what lies beside her town?"
    # Fillers of equal score come in any order: with six seeds Mara Venn is one of them in every order.
    seeded = settings.model_copy(update={"search": settings.search.model_copy(update={"hop_seeds": 6})})
    with closing(open_collection(seeded, HashingEncoder(), create=True)) as opened:
        opened.add([chunk(title, text) for title, text in PASSAGES.items()])
        assert "Oltrey" not in titles(opened, question, limit=3, hops=False)
        assert "Oltrey" in titles(opened, question, limit=3, hops=True)


def test_a_publisher_that_the_question_names_leads_to_its_passages(settings: Settings) -> None:
    told = [
        replace(chunk(title, text), metadata={"publisher": publisher})
        for title, publisher, text in (
            ("First page", "The Oss Gazette", "The owner of the works is old."),
            ("Second page", "Sun & Rain", "The owner of the works is young."),
            ("Third page", "Harbour News", "The owner of the mill of Tarn is rich."),
        )
    ]
    with closing(open_collection(settings, HashingEncoder(), create=True)) as opened:
        opened.add(told)
        asked = "Do The Oss Gazette and Sun & Rain agree on who is the owner of the mill of Tarn?"
        assert titles(opened, asked, hops=False)[0] == "Third page"
        assert set(titles(opened, asked)[:2]) == {"First page", "Second page"}


def test_ranks_count_from_one_and_scores_fall(collection: Collection) -> None:
    hits = collection.search([QUESTION], limit=7)[0]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6, 7]
    assert [hit.retrieval_score for hit in hits] == sorted((hit.retrieval_score for hit in hits), reverse=True)
    assert len({hit.chunk.id for hit in hits}) == 7


def test_the_settings_decide_on_hops_unless_the_call_does(collection: Collection) -> None:
    collection.search_settings = collection.search_settings.model_copy(update={"hops": False})
    assert titles(collection, QUESTION) == titles(collection, QUESTION, hops=False)
    assert titles(collection, QUESTION) != titles(collection, QUESTION, hops=True)


def test_a_batch_is_the_same_as_its_queries_alone(collection: Collection) -> None:
    questions = [QUESTION, "Where two rivers meet?", "lighthouse"]
    batch = collection.search(questions, limit=5)
    assert batch == [collection.search([question], limit=5)[0] for question in questions]
    assert collection.search([], limit=5) == []


@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_single_modes(collection: Collection, mode: str) -> None:
    hits = collection.search(["keepers painted towers"], limit=3, mode=mode)[0]  # type: ignore[arg-type]  # pytest gives str
    assert hits[0].chunk.title == "Lighthouse Keepers"


def test_a_word_is_held_where_a_chunk_has_it(collection: Collection) -> None:
    assert collection.holds(["organ", "Kamakalawa", "oltrey", "lighthouse"]) == [True, False, True, True]
    assert collection.holds(["organ", "oltrey"], within=("Salt Road", "Oltrey")) == [False, True]
    assert collection.holds([]) == []


def test_the_title_is_embedded_with_the_text(collection: Collection) -> None:
    collection.add([chunk("Zorvane", "Its walls are of slate.")])
    assert titles(collection, "zorvane", limit=1, hops=False) == ["Zorvane"]


def test_adding_reports_progress_and_replaces(collection: Collection) -> None:
    before = collection.index.count()
    done: list[int] = []
    again = chunk("Oltrey", PASSAGES["Oltrey"])
    collection.add([again, replace(again, id=str(uuid.uuid4()))], progress=done.append)
    assert done[-1] == 2
    assert collection.index.count() == before + 1


@pytest.mark.parametrize(
    ("question", "limit", "mode", "message"),
    [
        ("  ", 5, "hybrid", "empty"),
        ("\ud800", 5, "hybrid", "UTF-8"),
        ("x", 0, "hybrid", "at least 1"),
        ("x", 5, "dense", "hybrid mode"),
    ],
)
def test_calls_that_make_no_sense(collection: Collection, question: str, limit: int, mode: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        collection.search([question], limit=limit, mode=mode, hops=True)  # type: ignore[arg-type]  # pytest gives str


def neighbours(collection: Collection, question: str, seeds: list[Scored], **hops: int) -> list[Further]:
    [vectors] = collection.encoder.encode_queries([question])
    settings = SearchSettings(**{"hop_seeds": 2, "hop_limit": 9, "name_seeds": 0, **hops})  # type: ignore[arg-type]
    search = Search(question, vectors, seeds)
    return follow(collection.index, [search], settings=settings, sparse=collection.encoder.encode_words)[0]


def test_neighbours_come_by_seed_and_then_by_nearness(collection: Collection) -> None:
    seeds = [
        Scored(chunk("First", "It names Oltrey and the Lighthouse Keepers."), 1.0),
        Scored(chunk("Second", "It names Mara Venn, the Lighthouse Keepers and Second itself."), 0.9),
        Scored(chunk("Third", "It names Salt Road."), 0.8),
    ]
    question = "keepers painted their towers"
    [found] = neighbours(collection, question, seeds)
    assert [hit.chunk.title for hit in found.hits] == ["Lighthouse Keepers", "Oltrey", "Mara Venn"]
    assert neighbours(collection, question, seeds, hop_limit=2) == [Further(found.hits[:2], 1.5)]
    assert neighbours(collection, question, []) == [Further([], 1.5)]


def test_a_shared_name_that_is_no_title_is_followed(collection: Collection) -> None:
    """Half the weight for the second seed; a name that is everywhere leads nowhere. The question's names come last."""
    collection.add([chunk(f"Walk {n}", f"Walk {n} ends at Copper Street.") for n in range(6)])
    collection.add([chunk("Tailors", "The tailor Ines Quoll moved here from the coast."), chunk("Coast", "Quoll Bay.")])
    first = chunk("First", "Built in Copper Street by Pell Arden, not far from Oltrey.")
    second = chunk("Second", "Ines Quoll lived in Copper Street.")
    seeds = [Scored(first, 1.0), Scored(second, 0.9)]
    shared = neighbours(collection, "Who was Pell Arden, of Oltrey?", seeds, name_seeds=2)[1:]
    assert [([hit.chunk.title for hit in of_seed.hits], of_seed.weight, of_seed.below) for of_seed in shared] == [
        ([], 1.0, first.id),
        (["Tailors"], 0.5, second.id),
        ([], 1.0, None),
        (["Oltrey", "Lighthouse Keepers", "Mara Venn"], 1.0, None),
    ]


def test_each_name_in_the_question_finds_what_mentions_it(collection: Collection) -> None:
    """In full: another Quoll is another. The passage that leads to a title makes it a collection that names link."""
    collection.add([chunk("Coast", "Quoll Bay."), chunk("Tailors", "The tailor Ines Quoll moved here from the coast.")])
    collection.add([chunk("Bridge", "Built for Ines Quoll."), chunk("Rope", "Pell Quoll, ropemaker.")])
    seeds = [Scored(chunk("First", "Not far from Oltrey."), 1.0)]
    asked = "Did Ines Quoll marry Pell Quoll?"
    of_seed, ines, pell = neighbours(collection, asked, seeds, name_seeds=1)[1:]
    assert of_seed.below == seeds[0].chunk.id
    assert sorted(hit.chunk.title for hit in ines.hits) == ["Bridge", "Tailors"]
    assert [hit.chunk.title for hit in pell.hits] == ["Rope"]
    assert neighbours(collection, asked, seeds, name_seeds=0)[1:] == []


def test_names_are_not_followed_where_no_passage_names_another(collection: Collection) -> None:
    collection.add([chunk("Tailors", "The tailor Ines Quoll moved here from the coast.")])
    seeds = [Scored(chunk("Second", "Ines Quoll lived in Copper Street."), 0.9)]
    assert neighbours(collection, "Who lived there?", seeds, name_seeds=2) == [Further([], 1.5)]


def test_further_lists_add_their_weighted_reciprocal_ranks() -> None:
    a, b, c = (chunk(name, name) for name in "abc")
    fused = fuse(
        [Scored(a, 0.03), Scored(b, 0.02)], [Further([Scored(c, 0.9), Scored(b, 0.1)], 2.0), Further([], 1.0)], k=60
    )
    assert [hit.chunk.title for hit in fused] == ["b", "c", "a"]
    assert {hit.chunk.title: hit.score for hit in fused} == pytest.approx({"a": 0.03, "b": 0.02 + 2 / 62, "c": 2 / 61})


def test_what_a_passage_leads_to_stays_below_it() -> None:
    a, b, c, d = (chunk(name, name) for name in "abcd")
    hits = [Scored(a, 0.04), Scored(b, 0.03), Scored(c, 0.02)]
    fused = fuse(hits, [Further([Scored(d, 9.0), Scored(a, 8.0), Scored(c, 7.0)], 3.0, below=b.id)], k=60)
    assert [hit.chunk.title for hit in fused] == ["a", "b", "d", "c"]
    assert [hit.score for hit in fused] == pytest.approx([0.04, 0.03, 0.03, 0.03], rel=1e-5)


def test_an_absent_collection_names_the_command_that_makes_it(settings: Settings) -> None:
    with pytest.raises(NotFound, match="hopcite ingest PATH --collection papers"):
        open_collection(settings, HashingEncoder(), name="papers")
    assert not (settings.data_dir / "collections").exists()


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65])
def test_names_that_are_no_folder(settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a collection"):
        open_collection(settings, HashingEncoder(), name=name, create=True)
    with pytest.raises(UsageError, match="no name for a collection"):
        drop_collection(settings, name)


def test_another_encoder_is_refused(settings: Settings) -> None:
    open_collection(settings, HashingEncoder(), create=True).close()
    other = HashingEncoder()
    other.fingerprint = "other-encoder"
    with pytest.raises(CollectionMismatch, match=r"'hashing-64'.*'other-encoder'.*--collection") as refused:
        open_collection(settings, other, create=True)
    folder = settings.data_dir / "collections" / settings.collection
    assert f"delete the folder {folder} " in str(refused.value)
    shutil.rmtree(folder)
    open_collection(settings, other, create=True).close()


def test_collections_are_listed_and_dropped(settings: Settings) -> None:
    assert list_collections(settings) == []
    for name in ("b", "a"):
        open_collection(settings, HashingEncoder(), name=name, create=True).close()
    assert list_collections(settings) == ["a", "b"]
    drop_collection(settings, "a")
    assert list_collections(settings) == ["b"]
    with pytest.raises(NotFound):
        drop_collection(settings, "a")


def test_a_passage_that_the_question_names_comes_first(collection: Collection) -> None:
    question = "Which lake is deeper than Oltrey is high above the sea?"
    assert titles(collection, question, limit=1, hops=True) == ["Oltrey"]
