"""Following names to passages, without a language model: those in the question, then those in the first hits.

A passage is named when its title is mentioned; a question can also name who published it. The first hits of a search
are seeds; their neighbours are the passages that they name, and those that mention a name that they, or the question,
mention. Measured on multi-hop question sets in docs/decisions.md, as are the ways that were not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hopcite.settings import SearchSettings
from hopcite.types import Chunk
from retrieval.index.port import Index, LinkFilter, Query, Scored, SparseVector, Vectors
from retrieval.names import mentions, names_in, phrases_in, title_key

_NAMED = 10  # passages that the question names
_PUBLISHED = 40  # passages of the publishers that the question names
_NAMES = 10  # of one seed that are followed: those that it mentions first
_SHARING = 20  # passages that are looked at for each of these
_COMMON = 5  # a name that more of them mention leads nowhere in particular
_STEP = 1e-6  # keeps the order of those that are held below their seed


@dataclass(frozen=True, slots=True)
class Further:
    """Passages, best first, to be fused with the hits of a search."""

    hits: Sequence[Scored]
    weight: float
    below: str | None = None
    """Id of the chunk that led to them, above which they are not lifted: the way to the evidence is evidence."""


@dataclass(frozen=True, slots=True)
class Search:
    """A question, its vectors, and the first hits for it."""

    question: str
    vectors: Vectors
    hits: Sequence[Scored]


@dataclass(frozen=True, slots=True)
class _Lead:
    """From a seed to what it names: by its title, or as `name` does. Without a seed it is the question's name."""

    search: Search
    seed: Chunk | None
    name: str = ""


def named_in(text: str, vectors: Vectors, *, within: tuple[str, ...] | None = None) -> Query:
    """The search for the passages that a question names, nearest first."""
    return Query(vectors, _NAMED, "dense", LinkFilter(phrases_in(text), None), within)


def published_in(text: str, vectors: Vectors, *, within: tuple[str, ...] | None = None) -> Query:
    """The search among the passages whose publisher a question names."""
    return Query(vectors, _PUBLISHED, "hybrid", LinkFilter(phrases_in(text), None, "publisher_key"), within)


def by_publisher(hits: Sequence[Scored], *, weight: float) -> list[Further]:
    """A list for each publisher, so that none crowds out another: what a question compares must all be found."""
    lists: dict[str, list[Scored]] = {}
    for hit in hits:
        lists.setdefault(title_key(hit.chunk.metadata.get("publisher", "")), []).append(hit)
    return [Further(of_one, weight) for of_one in lists.values()]


def follow(
    index: Index,
    searches: Sequence[Search],
    *,
    settings: SearchSettings,
    sparse: Callable[[str], SparseVector],
    within: tuple[str, ...] | None = None,
) -> list[list[Further]]:
    """The neighbours of each search's first hits, all found in one round trip.

    For each search: one list of the passages that its seeds name by their titles, those of the first seed first, and of
    one seed's those nearest to the question; then, for each of the first `name_seeds` seeds, the passages that share
    one of its names, by BM25 for that name and the question, each of these lists with half the weight of the last;
    then, for each name in the question, those that mention it. There are none of the last two kinds where the seeds
    name no passage at all: names do not link such a collection, and would mislead.
    """
    leads = [lead for search in searches for lead in _leads(search, settings)]
    found = index.query([_query(lead, settings, sparse, within) for lead in leads])
    results = list(zip(leads, found, strict=True))
    return [_lists([(lead, hits) for lead, hits in results if lead.search is search], settings) for search in searches]


def fuse(hits: Sequence[Scored], further: Iterable[Further], *, k: int) -> list[Scored]:
    """Hybrid hits with further lists.

    The store's hybrid score is already the sum of 1 / (k + rank) over two lists, so weight / (k + rank) is added to it
    for each further one.
    """
    fused = {hit.chunk.id: hit for hit in hits}
    for ranking in further:
        ceiling = fused.get(ranking.below or "")
        for rank, found in enumerate(ranking.hits, start=1):
            known = fused.get(found.chunk.id)
            before = known.score if known else 0.0
            score = before + ranking.weight / (k + rank)
            if ceiling is not None:
                score = max(before, min(score, ceiling.score * (1 - _STEP * rank)))
            fused[found.chunk.id] = Scored(found.chunk, score)
    return sorted(fused.values(), key=lambda hit: (-hit.score, hit.chunk.id))


def _leads(search: Search, settings: SearchSettings) -> list[_Lead]:
    seeds = [hit.chunk for hit in search.hits]
    titles = [_Lead(search, seed) for seed in seeds[: settings.hop_seeds]]
    if not settings.name_seeds:
        return titles
    asked = search.question.casefold()
    of_question = [_Lead(search, None, name) for name in names_in(search.question)[:_NAMES]]
    of_seeds = [
        _Lead(search, seed, name)
        for seed in seeds[: settings.name_seeds]
        for name in [name for name in names_in(f"{seed.title}. {seed.text}") if not mentions(asked, name)][:_NAMES]
    ]
    return titles + of_question + of_seeds


def _query(
    lead: _Lead,
    settings: SearchSettings,
    sparse: Callable[[str], SparseVector],
    within: tuple[str, ...] | None,
) -> Query:
    vectors, seed = lead.search.vectors, lead.seed
    if seed is not None and not lead.name:
        return Query(vectors, settings.hop_limit, "dense", LinkFilter(phrases_in(seed.text), seed.document_id), within)
    words = sparse(f"{lead.name} {lead.search.question}")
    return Query(Vectors(vectors.dense, words), _SHARING, "sparse", None, within)


def _lists(results: Sequence[tuple[_Lead, Sequence[Scored]]], settings: SearchSettings) -> list[Further]:
    titled: dict[str, Scored] = {}
    asked: list[Further] = []
    sharing: dict[str, dict[str, Scored]] = {}
    for lead, hits in results:
        if lead.seed is None:
            asked.append(Further(_mentioning(lead.name, hits), settings.name_weight))
        elif not lead.name:
            for hit in hits:
                titled.setdefault(hit.chunk.id, hit)
        else:
            seed = lead.seed
            best = sharing.setdefault(seed.id, {})
            for hit in _mentioning(lead.name, [hit for hit in hits if hit.chunk.document_id != seed.document_id]):
                document = hit.chunk.document_id  # one passage of each: a long document must not fill the list
                if document not in best or hit.score > best[document].score:
                    best[document] = hit
    lists = [Further(list(titled.values())[: settings.hop_limit], settings.hop_weight)]
    if not titled:
        return lists
    for place, (seed_id, of_seed) in enumerate(sharing.items()):
        ranked = sorted(of_seed.values(), key=lambda hit: (-hit.score, hit.chunk.id))
        lists.append(Further(ranked[: settings.hop_limit], settings.name_weight / 2**place, below=seed_id))
    return lists + asked


def _mentioning(name: str, hits: Sequence[Scored]) -> list[Scored]:
    """Of the hits, those that mention the name; none when it is common."""
    found = [hit for hit in hits if mentions(f"{hit.chunk.title} {hit.chunk.text}".casefold(), name)]
    return found if len(found) <= _COMMON else []
