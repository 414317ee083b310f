from __future__ import annotations

import pytest

from retrieval.names import mentions, names_in, phrases_in, title_key


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Romeo and Juliet (1968 film)", "romeo and juliet"),
        ("Franco–Prussian War", "franco prussian war"),
        ("José María Aznar", "jose maria aznar"),
        ("Rosemary's Baby", "rosemary baby"),
        ("Springfield, Illinois", "springfield illinois"),
        ("J. R. R. Tolkien", "j r r tolkien"),
        ("&quot;Q&quot; Is for Quarry", "q is for quarry"),
        ("  Grey   Sound ", "grey sound"),
        ("Straße", "strasse"),
        ("(untitled)", "untitled"),
        ("???", ""),
        ("", ""),
    ],
)
def test_title_key(title: str, key: str) -> None:
    assert title_key(title) == key


def test_phrases_are_runs_that_hold_a_capital() -> None:
    assert phrases_in("the Isle of Tarn") == (
        "the isle", "the isle of", "the isle of tarn", "isle", "isle of", "isle of tarn", "of tarn", "tarn"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "nothing here is a name", "1968.", "May", "He", "…"])
def test_no_phrases(text: str) -> None:
    assert phrases_in(text) == ()


def test_a_year_counts_within_a_phrase_only() -> None:
    phrases = phrases_in("They won at the 2012 Summer Games.")
    assert "2012 summer games" in phrases
    assert "2012" not in phrases


def test_phrases_need_one_capital_and_may_start_small() -> None:
    phrases = phrases_in("he read the Grey sound aloud")
    assert "the grey sound" in phrases
    assert "grey" in phrases
    assert "read" not in phrases
    assert "sound aloud" not in phrases


def test_phrases_match_the_key_of_the_title_they_mention() -> None:
    text = (
        "J. K. Venn, José María's friend, filmed “Romeo and Juliet” in Springfield, Ohio, in the Franco-Prussian War."
    )
    for title in (
        "Romeo and Juliet (1968 film)",
        "José María",
        "Franco–Prussian War",
        "Springfield, Ohio",
        "J. K. Venn",
    ):
        assert title_key(title) in phrases_in(text)


def test_phrases_have_at_most_eight_words() -> None:
    words = "One Two Three Four Five Six Seven Eight Nine"
    assert max(len(phrase.split()) for phrase in phrases_in(words)) == 8


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The tailor Ines Quoll moved to Ostrava, Moravia. He died there.", ("Ines Quoll", "Ostrava", "Moravia")),
        ("She studied at the University of Ghent in 1911.", ("University of Ghent",)),
        ("St. Anne's Church and J. R. Vane's inn", ("St. Anne", "Church", "J. R. Vane")),
        ("Apollo 11 landed; Ghent, Ghent again", ("Apollo 11", "Ghent")),
        ("In May it was of no use.", ()),
        ("", ()),
    ],
)
def test_proper_names(text: str, names: tuple[str, ...]) -> None:
    assert names_in(text) == names


@pytest.mark.parametrize(
    ("text", "found"), [("in old ghent.", True), ("ghentish", False), ("the ghentish of ghent", True), ("", False)]
)
def test_names_are_mentioned_as_whole_words(text: str, *, found: bool) -> None:
    assert mentions(text, "Ghent") is found
