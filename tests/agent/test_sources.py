from __future__ import annotations

from dataclasses import replace

import pytest

from agent.sources import missing, sources_named
from hopcite.types import Chunk


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Does an article from The Oss Gazette agree with Sun & Rain's piece on the bridge?", ("Oss Gazette",)),
        ("Does the Oss Gazette article agree with another from the Tarn Post?", ("Oss Gazette", "Tarn Post")),
        (
            "Who, according to articles by Kestmark Times and The Tarn Post, built it?",
            ("Kestmark Times", "Tarn Post"),
        ),
        ("Which bridge was described by 'Kestmark Times', and then lost?", ("Kestmark Times",)),
        ("Which plant was first described by Carl Linnaeus?", ()),  # a text may have "Linnaeus" alone
        ("How many short stories in English did Imre Valko write?", ()),
        ("Was it reported by The Tarn Post before December 2023?", ("Tarn Post",)),
        ("What changed after the report published on October 3, 2023?", ()),
        ("What did the December report say?", ()),
        ("Who wrote the article on The Oss Gazette?", ()),
        ("What do articles say about Mirel Bridge?", ()),
        ("Who designed Mirel Bridge?", ()),
    ],
)
def test_a_source_is_told_by_what_it_is_said_to_have_written(question: str, names: tuple[str, ...]) -> None:
    assert sources_named(question) == names


def passage(text: str) -> Chunk:
    return Chunk("c", "d", "Tarn", "d.md", text, 0, len(text), 0)


@pytest.mark.parametrize(
    ("name", "is_missing"),
    [
        ("Oss Gazette", False),
        ("Tarn", False),  # as people shorten names: Tarn Post Weekend
        ("tpw", False),
        ("TPW", False),
        ("Gaz", True),  # no whole word
        ("Kestmark Times", False),  # mentioned: a passage may tell what it reported
        ("Harrow Herald", True),
    ],
)
def test_missing_is_what_nobody_published_and_nothing_mentions(name: str, is_missing: bool) -> None:
    found = [passage("The bridge, the Kestmark Times wrote, is 214 metres long.")]
    publishers = ["the oss gazette", "tarn post weekend"]
    assert missing([name], publishers, found) == ((name,) if is_missing else ())


def test_an_author_is_no_missing_source() -> None:
    found = replace(passage("The station is old."), metadata={"author": "Imre Castellow"})
    assert missing(["Imre Castellow"], ["tarn post"], [found]) == ()


def test_documents_that_tell_no_publishers_may_be_from_anybody() -> None:
    assert missing(["Harrow Herald"], [], [passage("The bridge is 214 metres long.")]) == ()
