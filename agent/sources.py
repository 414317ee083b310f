"""Sources that a question names: "What did The Oss Gazette report about ...?", and whether the collection has them.

A question about what a source says that is not here has no answer here, and a small writer gives one all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hopcite.types import Chunk
from retrieval.names import mentions, title_key

_KIND = r"(?:articles?|reports?|pieces?|stor(?:y|ies)|posts?|reporting|coverage|reviews?)"
# Bounded, so that a question of nothing but capitals is looked through in no time.
_NAME = r"(?:[Tt]he )?['\"‘“]?[A-Z][\w.&’-]*(?: (?:\| |- |of |& )?[A-Z][\w.&’-]*){0,7}['\"’”]?"
_NAMES = rf"(?P<names>{_NAME}(?:(?:, and|,| and) {_NAME}){{0,4}})"
_NAMED = [
    re.compile(pattern)
    for pattern in (
        rf"\b{_KIND} (?:published )?(?:from|in|by) (?:both )?{_NAMES}",
        rf"\b(?:[Aa]n?|[Tt]he|[Aa]nother|[Oo]ne|[Bb]oth|[Dd]oes|[Dd]id) {_NAMES} {_KIND}\b",
        rf"\b(?:another|one|the other) (?:from|in|by) {_NAMES}",
        rf"\b(?:reported|published|covered|highlighted|outlined) by {_NAMES}",
        # Not by two bare capitalised words: a person described it, and the text may give the last name alone.
        rf"\b(?:discussed|described|mentioned) by (?=[Tt]he |['\"‘“]|[A-Z][\w.&’-]*+(?! [A-Z])){_NAMES}",
    )
]
_APART = re.compile(r",? and |, ")
_NO_SOURCES = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday arabic chinese english french german greek hindi italian japanese latin "
    "portuguese russian spanish".split()
)


def sources_named(question: str) -> tuple[str, ...]:
    """The names that a question gives as those of its sources, without "the"; none twice."""
    found: dict[str, None] = {}
    for pattern in _NAMED:
        for match in pattern.finditer(question):
            for raw in _APART.split(match["names"]):
                name = re.sub(r"^[Tt]he |['’]s$", "", raw.strip("'\"‘’“” ")).rstrip(".")
                if name and title_key(name).split()[0] not in _NO_SOURCES:
                    found[name] = None
    return tuple(found)


def missing(sources: Iterable[str], publishers: Sequence[str], passages: Sequence[Chunk]) -> tuple[str, ...]:
    """Those that neither published anything in the collection nor are mentioned by the passages that were found.

    `publishers`: the keys of all that the collection knows. Where it knows none, documents do not tell who published
    them, and nothing is missing.
    """
    if not publishers:
        return ()
    texts = [" ".join((passage.title, passage.text, *passage.metadata.values())).casefold() for passage in passages]
    return tuple(
        name
        for name in sources
        if not any(_names(publisher, title_key(name)) for publisher in publishers)
        and not any(mentions(text, name) for text in texts)
    )


def _names(publisher: str, key: str) -> bool:
    """Whether the key is the publisher's, a part of it ("bbc" of "bbc news") or its initials ("wsj")."""
    initials = "".join(word[0] for word in publisher.removeprefix("the ").split())
    return mentions(publisher, key) or key == initials
