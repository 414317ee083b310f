"""Sentences: where they end, and that their offsets are exact."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hopcite.sentences import split_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t \n", []),
        ("One.", ["One."]),
        ("It opened in 1911. It closed in 1960.", ["It opened in 1911.", "It closed in 1960."]),
        ("Dr. Brandvold met Mr. Lund at 3.5 km.", ["Dr. Brandvold met Mr. Lund at 3.5 km."]),
        ("Why? Because!", ["Why?", "Because!"]),
        ("A heading\nA paragraph. Its end", ["A heading", "A paragraph.", "Its end"]),
        ("Table B\u00a0.", ["Table B\u00a0."]),
        ("Pourquoi\u00a0? Alors\u202f!", ["Pourquoi\u00a0?", "Alors\u202f!"]),
        ("1. One item. Its end\n 12. Another", ["1. One item.", "Its end", "12. Another"]),
        ("  indented  \n\n  twice.  ", ["indented", "twice."]),
    ],
)
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_offsets_count_characters_also_beyond_the_basic_plane() -> None:
    text = "Ægir 🚂 rode north. Señora Núñez waved. 列車は来た。"
    assert sentences(text)[:2] == ["Ægir 🚂 rode north.", "Señora Núñez waved."]
    assert "".join(sentences(text)).replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet=st.sampled_from("aB. ?!\n\t\r\u00a0é🚂.\"'()1"), max_size=60))
def test_every_character_but_white_space_is_in_exactly_one_sentence(text: str) -> None:
    spans = split_sentences(text)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    for start, end in spans:
        assert text[start:end] == text[start:end].strip() != ""
    covered = {position for start, end in spans for position in range(start, end)}
    assert all(position in covered for position, character in enumerate(text) if not character.isspace())
