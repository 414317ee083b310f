from __future__ import annotations

import pytest

from retrieval.names import names_in, phrases_in, title_key


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


def test_names_are_capitalised_phrases_and_their_parts() -> None:
    names = names_in("The painter Ada Brook moved to the Isle of Tarn.")
    assert names == ("ada", "ada brook", "brook", "isle", "isle of tarn", "tarn")


def test_names_do_not_run_across_sentences() -> None:
    names = names_in("She lived in Oltrey. Mara Venn did not.")
    assert "oltrey" in names
    assert "mara venn" in names
    assert "oltrey mara" not in names


def test_an_initial_does_not_end_a_name() -> None:
    assert "j k venn" in names_in("The poet J. K. Venn sang.")


@pytest.mark.parametrize(
    "text", ["", "nothing here is a name", "It was in 1968.", "The end. May comes. He left on Monday."]
)
def test_no_names(text: str) -> None:
    assert names_in(text) == ()


def test_a_year_counts_within_a_name_only() -> None:
    names = names_in("They won at the 2012 Summer Games.")
    assert "2012 summer games" in names
    assert "2012" not in names


def test_a_comma_parts_nothing_that_a_title_could_hold() -> None:
    assert "springfield illinois" in names_in("He was born in Springfield, Illinois.")


def test_phrases_need_one_capital_and_may_start_small() -> None:
    phrases = phrases_in("he read the Grey sound aloud")
    assert "the grey sound" in phrases
    assert "grey" in phrases
    assert "read" not in phrases
    assert "sound aloud" not in phrases


def test_phrases_match_the_key_of_the_title_they_mention() -> None:
    text = "Its director, José María's friend, filmed “Romeo and Juliet” during the Franco-Prussian War."
    for title in ("Romeo and Juliet (1968 film)", "José María", "Franco–Prussian War"):
        assert title_key(title) in phrases_in(text)
        assert title_key(title) in names_in(text)


def test_phrases_have_at_most_eight_words() -> None:
    words = "One Two Three Four Five Six Seven Eight Nine"
    assert max(len(phrase.split()) for phrase in phrases_in(words)) == 8
