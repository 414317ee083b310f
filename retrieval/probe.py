"""Where documents stand in each list of a search, far below what the search hands on."""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from retrieval.collection import Collection
from retrieval.hops import Search, by_publisher, follow, named_in, published_in
from retrieval.index.port import Query, Scored


@dataclass(frozen=True, slots=True)
class Places:
    """The best place, from 1, that a document's passages have in each list; None: not among the first `depth`.

    dense: nearest by meaning. sparse: by words. hybrid: both fused. named: passages that the query names, nearest
    first, or those of a publisher that it names. followed: passages that the first hits name, or that share a name with
    them. found: all fused, as a search ranks them.
    """

    dense: int | None
    sparse: int | None
    hybrid: int | None
    named: int | None
    followed: int | None
    found: int | None
    depth: int


def probe(
    collection: Collection,
    query: str,
    document_ids: Container[str],
    *,
    depth: int,
    within: tuple[str, ...] | None = None,
) -> Places:
    """Search once in each way, `depth` passages deep; the query's own search stays as the settings have it.

    A fused list is made of `depth` passages of each kind, so its tail differs from that of a shallower search, but a
    passage among the first of any list can't be missed.
    """
    settings, index = collection.search_settings, collection.index
    [vectors] = collection.encoder.encode_queries([query])
    dense, sparse, hybrid, named, published = index.query(
        [
            Query(vectors, depth, "dense", within=within),
            Query(vectors, depth, "sparse", within=within),
            Query(vectors, depth, within=within),
            replace(named_in(query, vectors, within=within), limit=depth),
            published_in(query, vectors, within=within),
        ]
    )
    usual = index.query([Query(vectors, settings.prefetch, within=within)])
    search = Search(query, vectors, usual[0])
    deep = settings.model_copy(update={"hop_limit": depth})
    [followed] = follow(index, [search], settings=deep, sparse=collection.encoder.encode_words, within=within)
    [found] = collection.search([query], limit=depth, within=within)

    def place(hits: Sequence[Scored]) -> int | None:
        return next((n for n, hit in enumerate(hits, start=1) if hit.chunk.document_id in document_ids), None)

    def best(lists: Iterable[Sequence[Scored]]) -> int | None:
        return min(filter(None, map(place, lists)), default=None)

    return Places(
        dense=place(dense),
        sparse=place(sparse),
        hybrid=place(hybrid),
        named=best([named, *(further.hits for further in by_publisher(published, weight=1))]),
        followed=best(further.hits for further in followed),
        found=next((hit.rank for hit in found if hit.chunk.document_id in document_ids), None),
        depth=depth,
    )
