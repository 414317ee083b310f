"""Citing: claims are tied to the sentences that hold their words, and nothing else is quoted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.cite import Cited, cite, extract, verified
from hopcite.types import Chunk

RAILWAY = "The Harrow Pass Railway is a narrow-gauge line. It opened in 1911. It was surveyed by Ottilie Brandvold."
ENGINEER = "Ottilie Brandvold (1874–1950) was an engineer. She was born in Kestmark and studied in Lund."


def chunk(name: str, title: str, text: str, *, start: int = 0) -> Chunk:
    return Chunk(
        id=name,
        document_id=f"doc-{name}",
        title=title,
        source=f"{name}.md",
        text=text,
        start=start,
        end=start + len(text),
        position=0,
    )


PASSAGES = (chunk("a", "Harrow Pass Railway", RAILWAY, start=100), chunk("b", "Ottilie Brandvold", ENGINEER))


def check(cited: Cited) -> Cited:
    """The two rules that hold always, for any cited answer."""
    by_n = {citation.n: citation for citation in cited.citations}
    chunks = {c.id: c for c in PASSAGES}
    for claim in cited.claims:
        assert cited.answer[claim.start : claim.end] == claim.text
        assert set(claim.citations) <= set(by_n)
        assert all(f"[{n}]" in claim.text for n in claim.citations)
    for citation in cited.citations:
        stored = chunks[citation.chunk_id]
        assert stored.text[citation.start - stored.start : citation.end - stored.start] == citation.quote
    return cited


def test_each_claim_gets_the_sentence_that_holds_it() -> None:
    cited = check(cite("Ottilie Brandvold surveyed the railway [1]. She was born in Kestmark [2].", PASSAGES))
    assert [citation.quote for citation in cited.citations] == [
        "It was surveyed by Ottilie Brandvold.",
        "She was born in Kestmark and studied in Lund.",
    ]
    assert cited.answer == "Ottilie Brandvold surveyed the railway. [1] She was born in Kestmark. [2]"
    assert [claim.supported for claim in cited.claims] == [True, True]
    assert cited.citations[0].start == 100 + RAILWAY.index("It was surveyed")


@pytest.mark.parametrize("marker", ["[2]", "", "[7]", "[0]"], ids=["wrong", "missing", "out of range", "zero"])
def test_the_words_decide_where_the_marker_is_no_use(marker: str) -> None:
    cited = check(cite(f"The Harrow Pass Railway opened in 1911 {marker}.", PASSAGES))
    assert [citation.quote for citation in cited.citations] == ["It opened in 1911."]
    assert cited.citations[0].document_id == "doc-a"


@pytest.mark.parametrize("text", ["It opened in 1911 [1].", "It opened in 1911. [1]", "It opened in 1911.[1]"])
def test_markers_count_before_and_after_the_full_stop(text: str) -> None:
    assert check(cite(text, PASSAGES)).claims[0].citations == (1,)


def test_two_claims_on_one_sentence_share_its_number() -> None:
    cited = check(cite("Ottilie was born in Kestmark [2]. Ottilie studied in Lund [2].", PASSAGES))
    assert [claim.citations for claim in cited.claims] == [(1,), (1,)]
    assert len(cited.citations) == 1


def test_a_claim_may_need_two_sentences() -> None:
    cited = check(cite("The line surveyed by Ottilie Brandvold opened in 1911 [1].", PASSAGES))
    assert {citation.quote for citation in cited.citations} == {
        "It was surveyed by Ottilie Brandvold.",
        "It opened in 1911.",
    }


def test_what_no_passage_holds_is_not_cited() -> None:
    cited = check(cite("Penguins swim under polar ice [1].", PASSAGES))
    assert cited.citations == ()
    assert cited.claims[0].supported is None
    assert "[" not in cited.answer


def test_a_number_that_the_quotes_do_not_hold_is_not_supported() -> None:
    assert check(cite("The Harrow Pass Railway opened in 1914 [1].", PASSAGES)).claims[0].supported is False


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("The Harrow Pass Railway opened in 1911", True),
        ("The Harrow Pass Railway never opened in 1911", None),
        ("The Harrow Pass Railway didn't open in 1911", None),
        ("The Harrow Pass Railway opened not only in 1911", True),
    ],
)
def test_a_denial_is_not_borne_out_by_the_words_of_what_it_denies(claim: str, supported: bool | None) -> None:
    assert check(cite(f"{claim} [1].", PASSAGES)).claims[0].supported is supported


@pytest.mark.parametrize(
    ("text", "supported"),
    [
        ("Kestmark is the capital of Valdor.", True),
        ("Kestmark is no longer the capital of Valdor.", None),
        ("Kestmark denied that it is the capital of Valdor.", None),
        ("Kestmark failed to become the capital of Valdor.", None),
        ("But is Kestmark really the capital of Valdor?", None),
        ("Kestmark is no doubt the capital of Valdor.", True),
        ("Kestmark is the capital of Valdor, and no. 3 by its size.", True),
        ("Kestmark is the capital of Valdor and has no fewer than nine bridges.", True),
    ],
)
def test_a_quote_that_denies_or_asks_bears_nothing_out(text: str, supported: bool | None) -> None:
    assert cite("Kestmark is the capital of Valdor [1].", [chunk("k", "Notes", text)]).claims[0].supported is supported


@pytest.mark.parametrize(("said", "supported"), [("three", True), ("3", True), ("five", False), ("two", False)])
def test_a_number_in_words_is_a_number(said: str, *, supported: bool) -> None:
    passage = chunk("t", "Tarn", "The market town on the Oss has three stone bridges.")
    assert cite(f"The market town has {said} stone bridges [1].", [passage]).claims[0].supported is supported


def test_markers_within_markers_are_none() -> None:
    cited = check(cite("The Harrow Pass Railway opened in 1911 [[1]2,3].", PASSAGES))
    assert "[2,3]" not in cited.answer
    assert verified(cited, {}).citations == ()


@pytest.mark.parametrize(
    ("claim", "text", "supported"),
    [
        ("Imre Valko was born in 1931", "Coxswains: Imre Valko 1931 - 1969, Sena Oduya 1969 - 1980.", None),
        ("Imre Valko was coxswain from 1931 to 1969", "Coxswains: Imre Valko 1931 - 1969.", True),
        ("Imre Valko was born in 1901", "Imre Valko (3 May 1901 (baptised) – 1970) was a novelist.", True),
        ("Imre Valko was born in 1901", "Imre Valko (b. 1901) was a novelist.", True),
        ("Imre B. Valko moved to Lund in 1970", "Imre Valko moved to Lund, with the B. of his father, in 1970.", True),
        ("Imre B. Valko moved to Lund in 1970", "In 1970 the novelist Imre B Valko moved to Lund.", True),
        ("Imre Valko died in 1970", "Imre Valko was born in 1901 and moved to Lund in 1970.", None),
        ("Imre Valko died in 1970", "Imre Valko was killed near Lund in 1970.", True),
    ],
)
def test_a_birth_or_death_must_be_one_in_the_quote(claim: str, text: str, supported: bool | None) -> None:
    cited = cite(f"{claim} [1].", [chunk("v", "The station", text)])
    assert cited.claims[0].supported is supported


def test_a_title_that_speaks_of_death_holds_a_claim_that_names_it() -> None:
    film = chunk("f", "The Count Must Die", "It was directed by Imre Valko in 1957.")
    assert cite("The Count Must Die was directed by Imre Valko [1].", [film]).claims[0].supported is True


def test_nothing_to_cite() -> None:
    assert cite("", PASSAGES) == Cited("", (), ())
    assert cite("It opened in 1911 [1].", ()).citations == ()


def test_extract_answers_with_the_evidence_itself() -> None:
    text = extract("When was the railway opened?", PASSAGES)
    assert text.startswith("It opened in 1911. [1]")
    assert check(cite(text, PASSAGES)).citations[0].quote == "It opened in 1911."


def test_a_quote_that_is_no_longer_stored_is_dropped_and_its_claim_flagged() -> None:
    cited = cite("It opened in 1911 [1]. Ottilie Brandvold was born in Kestmark [2].", PASSAGES)
    changed = replace(PASSAGES[0], text=RAILWAY.replace("1911", "1912"))
    after = verified(cited, {"a": changed, "b": PASSAGES[1]})
    assert [citation.document_id for citation in after.citations] == ["doc-b"]
    assert after.claims[0].citations == ()
    assert after.claims[0].supported is None
    assert after.claims[1].supported is True
    assert after.answer == "It opened in 1911. Ottilie Brandvold was born in Kestmark. [2]"
    assert all(after.answer[claim.start : claim.end] == claim.text for claim in after.claims)
    assert verified(cited, {c.id: c for c in PASSAGES}) == cited


def test_a_claim_that_loses_one_of_its_quotes_is_not_supported_by_the_other() -> None:
    cited = cite("The Harrow Pass Railway was surveyed by Ottilie Brandvold, born in Kestmark [1][2].", PASSAGES)
    assert len(cited.claims[0].citations) == 2
    [claim] = verified(cited, {"a": PASSAGES[0]}).claims
    assert len(claim.citations) == 1
    assert claim.supported is False


def test_what_the_heading_states_bears_a_claim_out() -> None:
    dated = replace(PASSAGES[0], metadata={"publisher": "Ossel Gazette", "published_at": "2023-10-03T08:00:00+00:00"})
    told = "In October 2023 the Ossel Gazette wrote that the railway opened in 1911 [1]."
    assert cite(told, [dated]).claims[0].supported is True
    assert cite(told, PASSAGES).claims[0].supported is False
    assert cite("Of the Harrow Pass Railway 3 lines opened in 1911 [1].", [dated]).claims[0].supported is False


def test_what_is_said_again_counts_once() -> None:
    cited = check(cite("It was surveyed by Ottilie Brandvold [1]. It was surveyed by Ottilie Brandvold [1].", PASSAGES))
    assert cited.answer == "It was surveyed by Ottilie Brandvold. [1]"


def test_no_heading_is_quoted() -> None:
    page = chunk("t", "Tarn House", "# Tarn House\n\nIt was restored by its owner in 1911.")
    [citation] = cite("The owner of Tarn House restored it [1].", [page], question="Who restored Tarn House?").citations
    assert citation.quote == "It was restored by its owner in 1911."
    assert cite("Tarn House [1].", [chunk("t", "Tarn House", "# Tarn House")]).citations == ()


def test_an_extract_takes_no_heading() -> None:
    page = chunk("t", "Tarn House", "# Tarn House\n\nTarn House opened in 1911.")
    assert extract("When did Tarn House open?", [page]) == "Tarn House opened in 1911. [1]"


@pytest.mark.parametrize(
    "opening", ["The passages state that the", "According to the passage, the", "Passage [1] says that the", "The"]
)
def test_that_a_passage_says_so_is_left_to_the_citation(opening: str) -> None:
    cited = check(cite(f"{opening} railway opened in 1911 [1].", PASSAGES))
    assert cited.answer == "The railway opened in 1911. [1]"


def test_an_answer_has_three_sentences_at_most() -> None:
    text = "It opened in 1911 [1]. She was born in Kestmark [2]. She studied in Lund [2]. The line is narrow [1]."
    assert len(check(cite(text, PASSAGES)).claims) == 3


def test_a_list_keeps_its_lines_and_its_items() -> None:
    items = ["1. It opened in 1911 [1].", "2. Kestmark, where she was born [2].", "- Lund, where she studied [2]."]
    more = [f"- Ottilie Brandvold, engineer, number {n} [2]." for n in range(3)]
    cited = check(cite("\n".join(["In short:", *items, *more]), PASSAGES))
    assert cited.answer.splitlines()[:4] == [
        "In short:",
        "1. It opened in 1911. [1]",
        "2. Kestmark, where she was born. [2]",
        "- Lund, where she studied. [2]",
    ]
    assert len(cited.claims) == 7
    kept = verified(cited, {PASSAGES[0].id: PASSAGES[0]})
    assert kept.answer.splitlines()[2] == "2. Kestmark, where she was born."
    assert all(kept.answer[claim.start : claim.end] == claim.text for claim in kept.claims)


def test_the_trail_from_the_question_is_quoted_too() -> None:
    question = "Where was the surveyor of the Harrow Pass Railway born?"
    bare = check(cite("She was born in Kestmark [2].", PASSAGES))
    assert [citation.title for citation in bare.citations] == ["Ottilie Brandvold"]
    cited = check(cite("She was born in Kestmark [2].", PASSAGES, question=question, short_answer="Kestmark"))
    assert [citation.title for citation in cited.citations] == ["Ottilie Brandvold", "Harrow Pass Railway"]
    assert cited.claims[0].citations == (1, 2)


@pytest.mark.parametrize(
    ("text", "claim", "quotes", "supported"),
    [
        ("How long is the ferry? 62.4 metres.", "The ferry is 62.4 metres long.", [(0, 35)], True),
        ("## Q: Who wrote the Tide Carol?\nSunniva Aske.", "Sunniva Aske wrote the Tide Carol.", [(0, 45)], True),
        ("Is the ferry 133 metres long? She carries 310.", "The ferry is 133 metres long.", [(0, 46)], None),
        ("Is the ferry long? She is 62.4 metres.", "She is 62.4 metres.", [(19, 38)], True),
        ("Can I climb Drumlow Light? Yes, on Sundays.", "Drumlow Light can be climbed on Sundays.", [(0, 43)], True),
        ("Is the Ossel safe? Above Thrane, yes. Ask.", "The Ossel is safe above Thrane.", [(0, 37)], True),
        ("Is the ferry 133 metres long? No.", "The ferry is 133 metres long.", [(0, 33)], None),
        ("Is the ferry 133 metres long? No.", "The ferry is not 133 metres long.", [(0, 33)], True),
        ("Is He Dead? is a play.", "Is He Dead is a play.", [(0, 22)], True),
        ("The ferry sails daily. Is she 133 metres long?", "The ferry sails daily.", [(0, 22)], True),
        ("Who designed the bridge?", "Who designed the bridge is not known.", [], None),
        ("He was seen in Are You Being Served?", "He was seen in Are You Being Served.", [(0, 36)], True),
    ],
    ids=[
        "answered",
        "heading",
        "left open",
        "beside it",
        "yes",
        "yes at last",
        "no",
        "denied",
        "a title's",
        "behind",
        "alone",
        "title",
    ],
)
def test_a_question_bears_out_nothing_and_goes_with_its_answer(
    text: str, claim: str, quotes: list[tuple[int, int]], *, supported: bool | None
) -> None:
    cited = cite(claim, [chunk("q", "Notes", text)])
    assert [(citation.start, citation.end) for citation in cited.citations] == quotes
    assert [claim.supported for claim in cited.claims] == [supported]
