"""Chunks: exact, whole, within the encoder's reach, and named by their content."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopcite.types import Chunk, Document
from ingest.chunking import chunk_documents
from tests.fakes import words

Count = Callable[[Sequence[str]], list[int]]


def by_words(texts: Sequence[str]) -> list[int]:
    return [len(words(text)) for text in texts]


def by_characters(texts: Sequence[str]) -> list[int]:
    return [len(text) + 2 for text in texts]  # two special tokens, as encoders add


def by_thirds(texts: Sequence[str]) -> list[int]:
    return [len(text) // 3 for text in texts]  # a text has more than its sentences together, rounded down each


def chunks(
    text: str, *, title: str = "T", count: Count = by_words, max_tokens: int = 16, overlap: int = 0
) -> list[Chunk]:
    document = Document("d", title, text, "d.txt")
    [found] = chunk_documents([document], count_tokens=count, max_tokens=max_tokens, overlap_sentences=overlap)
    return found


@pytest.mark.parametrize("count", [by_words, by_characters, by_thirds])
@given(
    text=st.text(alphabet=st.sampled_from("ab c.\n é🚂?"), max_size=300),
    title=st.text(alphabet=st.sampled_from("ab c"), max_size=60),
    overlap=st.integers(min_value=0, max_value=2),
)
def test_every_chunk_is_a_slice_that_fits_and_nothing_is_lost(
    count: Count, text: str, title: str, overlap: int
) -> None:
    found = chunks(text, title=title, count=count, overlap=overlap)
    for chunk in found:
        assert chunk.text == text[chunk.start : chunk.end] != ""
        assert count([f"{chunk.title}\n{chunk.text}"])[0] <= 16
    assert [chunk.position for chunk in found] == list(range(len(found)))
    assert all(a.start < b.start and a.end < b.end for a, b in itertools.pairwise(found))
    covered = {place for chunk in found for place in range(chunk.start, chunk.end)}
    assert all(place in covered for place, character in enumerate(text) if not character.isspace())


def test_sentences_stay_whole_and_fill_a_chunk() -> None:
    # Five words each; title 1: three sentences make 16.
    text = "One two three four five. Six seven eight nine ten. Red blue green grey white. Small things come last here."
    assert [chunk.text for chunk in chunks(text)] == [
        "One two three four five. Six seven eight nine ten. Red blue green grey white.",
        "Small things come last here.",
    ]


def test_the_overlap_repeats_the_last_sentence() -> None:
    text = "One two three four five. Six seven eight nine ten. Red blue green grey white. Small things come last here."
    assert [chunk.text for chunk in chunks(text, overlap=1)][
        1
    ] == "Red blue green grey white. Small things come last here."


def test_half_of_a_chunk_that_the_next_one_repeats_is_left_out() -> None:
    # Both sentences together are a token too long, so they are halved; the next chunk repeats the second whole.
    text = "two two two. one two one one one one one two one. two"
    assert [chunk.text for chunk in chunks(text, count=by_thirds, overlap=1)] == [
        "two two two. one two one",
        "one two one one one one one two one. two",
    ]


def test_a_sentence_longer_than_a_chunk_is_cut_between_words() -> None:
    text = " ".join(f"word{n}" for n in range(40))
    found = chunks(text)
    assert len(found) >= 3
    assert [word for chunk in found for word in chunk.text.split()] == text.split()


def test_a_title_takes_no_more_than_half_of_a_chunk() -> None:
    found = chunks("One two three four five. " * 4, title=" ".join(f"title{n}" for n in range(50)))
    assert [chunk.text for chunk in found] == ["One two three four five."] * 4
    assert {chunk.title for chunk in found} == {found[0].title}
    assert found[0].title.startswith("title0 title1 ")
    assert found[0].title.endswith("…")
    assert by_words([found[0].title])[0] <= 8


def test_text_without_spaces_is_cut_too() -> None:
    found = chunks("湖" * 50, count=by_characters)
    assert "".join(chunk.text for chunk in found) == "湖" * 50
    assert max(len(chunk.text) for chunk in found) <= 12  # 16, less 2 special tokens, the title and its line feed


def test_what_the_encoder_takes_for_one_word_is_cut_too() -> None:
    found = chunks("x" * 1000 + " y.", max_tokens=8)
    assert max(len(chunk.text) for chunk in found) <= 8 * 16
    assert "".join(chunk.text for chunk in found).replace(" ", "") == "x" * 1000 + "y."


def test_ids_are_uuid5_of_document_position_and_content() -> None:
    text = "One two three four five. Six seven eight nine ten. Red blue green grey white. Small things come last here."
    first, again = chunks(text), chunks(text)
    assert [chunk.id for chunk in first] == [chunk.id for chunk in again]
    assert {uuid.UUID(chunk.id).version for chunk in first} == {5}
    assert chunks(text.replace("One", "Une"))[0].id != first[0].id
    assert chunks(text.replace("One", "Une"))[1].id == first[1].id


def test_the_page_is_that_of_the_first_character() -> None:
    text = "On page one here.\n\nOn page two here."
    document = Document("d", "T", text, "d.pdf", page_starts=(0, 19))
    [found] = chunk_documents([document], count_tokens=by_words, max_tokens=6, overlap_sentences=0)
    assert [(chunk.text, chunk.page) for chunk in found] == [("On page one here.", 1), ("On page two here.", 2)]


def test_a_chunk_ends_with_its_page_and_repeats_nothing_of_the_page_before() -> None:
    text = "The island has a harbour. It is old.\n\nThe bridge is long. It was opened in 1931.\n\nThe end."
    document = Document("d", "T", text, "d.pdf", page_starts=(0, 38, 82))
    [found] = chunk_documents([document], count_tokens=by_words, max_tokens=100, overlap_sentences=1)
    assert [(chunk.text, chunk.page) for chunk in found] == [
        ("The island has a harbour. It is old.", 1),
        ("The bridge is long. It was opened in 1931.", 2),
        ("The end.", 3),
    ]


def test_without_pages_a_chunk_goes_on_after_a_blank_line() -> None:
    text = "The island has a harbour. It is old.\n\nThe bridge is long. It was opened in 1931."
    assert [(chunk.text, chunk.page) for chunk in chunks(text, max_tokens=100, overlap=1)] == [(text, None)]


def test_no_text_gives_no_chunk() -> None:
    assert chunks(" \n ") == []
