"""Sources that disagree, and those that only seem to."""

from __future__ import annotations

import pytest

from agent.cite import cite
from agent.dissent import differ, statements, with_dissent
from hopcite.types import Chunk


def chunk(text: str, *, title: str = "Pellan Bridge", document: str = "a", dated: str = "", start: int = 0) -> Chunk:
    metadata = {"published_at": dated} if dated else {}
    return Chunk(f"{document}1", document, title, f"{document}.md", text, start, start + len(text), 0, None, metadata)


def contradicted(first: str, second: str) -> set[str]:
    """The values of the first text that the second gives otherwise."""
    mine, others = statements(chunk(first)), list(statements(chunk(second, title="A survey", document="b")))
    return {value for said in mine for other in others for value in differ(said, other)}


@pytest.mark.parametrize(
    ("first", "second", "values"),
    [
        ("It is 214 metres long.", "The Pellan Bridge is 211 metres long.", {"214"}),
        ("The Pellan Bridge is 1,214 metres in length.", "The Pellan Bridge is 211 metres long.", {"1214"}),
        ("The Kelp Fair of 2024 drew 6,400 visitors.", "The Kelp Fair of 2024 had 4,900 visitors.", {"6400"}),
        ("The Pellan Bridge opened on 21 June 1893.", "The Pellan Bridge was opened in 1894.", {"1893"}),
        ("The Tarn Council has 9 members.", "The Tarn Council, in Ossland, has 7 members.", {"9"}),
        ("The Tarn Council has 2 million members.", "The Tarn Council has 3 million members.", {"2"}),
    ],
)
def test_one_thing_with_two_values(first: str, second: str, values: set[str]) -> None:
    assert contradicted(first, second) == values


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("It is 214 metres long.", "The Pellan Bridge is 214 metres long.", id="same value"),
        pytest.param(
            "It is 6,400 metres long.", "The Pellan Bridge is 6400 metres long.", id="same, written otherwise"
        ),
        pytest.param("It is 214 metres long.", "The Tarn Bridge is 211 metres long.", id="another subject"),
        pytest.param("It is 214 metres long.", "The Pellan Bridge is 12 metres wide.", id="another dimension"),
        pytest.param("It is 214 metres long.", "The Pellan Bridge lies 211 metres from it.", id="not a dimension"),
        pytest.param("The Kelp Fair of 2023 drew 90 visitors.", "The Kelp Fair of 2024 drew 80 visitors.", id="years"),
        pytest.param("It had 90 lamps in 1950.", "The Pellan Bridge had 80 lamps in 2020.", id="other years"),
        pytest.param(
            "The Oss Rovers scored 3 goals against Tarn.", "The Oss Rovers scored 5 goals against Moss.", id="whom"
        ),
        pytest.param("It built a bridge in 1893.", "The Pellan Bridge built a mill in 1894.", id="another thing"),
        pytest.param("It was opened in 1893.", "The Pellan Bridge was closed in 1974.", id="another event"),
        pytest.param("However, 90 lamps failed.", "However, 80 lamps failed.", id="no subject"),
        pytest.param("It has 5 arches.", "The Pellan Bridge has 4 lamps and 5 arches.", id="another noun"),
        pytest.param("It cost 44 million crowns.", "The Pellan Bridge cost 38 million crowns.", id="amount of money"),
    ],
)
def test_what_can_both_be_true(first: str, second: str) -> None:
    assert contradicted(first, second) == set()


def test_one_document_does_not_contradict_itself() -> None:
    [one], [other] = (statements(chunk(f"It is {n} metres long.")) for n in (214, 211))
    assert differ(one, other) == frozenset()


GUIDE = chunk("It has iron arches and is 214 metres long.")
SURVEY = chunk(
    "Findings. The Pellan Bridge is 211 metres long.", title="A survey", document="b", dated="2024-04-09", start=100
)


def test_the_answer_tells_the_other_value_and_cites_both() -> None:
    cited = with_dissent(cite("The Pellan Bridge is 214 metres long [1].", [GUIDE, SURVEY]), [GUIDE, SURVEY])
    quote = "The Pellan Bridge is 211 metres long."
    assert (
        cited.answer
        == f"The Pellan Bridge is 214 metres long. [1] Sources differ: one of 2024-04-09 says “{quote}” [2]"
    )
    assert [citation.document_id for citation in cited.citations] == ["a", "b"]
    second = cited.citations[1]
    assert SURVEY.text[second.start - 100 : second.end - 100] == second.quote == quote
    for claim in cited.claims:
        assert cited.answer[claim.start : claim.end] == claim.text


def test_a_footnote_in_a_quote_is_no_marker() -> None:
    noted = chunk("The Pellan Bridge is 211 metres long[7].", title="A survey", document="b")
    cited = with_dissent(cite("The Pellan Bridge is 214 metres long [1].", [GUIDE, noted]), [GUIDE, noted])
    assert cited.answer.endswith("Sources differ: “The Pellan Bridge is 211 metres long.” [2]")
    assert cited.citations[1].quote == noted.text


def test_a_value_that_the_answer_does_not_give_is_left_alone() -> None:
    for told in ("The Pellan Bridge has iron arches [1].", "The Pellan Bridge has 1214 iron arches [1]."):
        cited = cite(told, [GUIDE, SURVEY])
        assert cited.citations
        assert with_dissent(cited, [GUIDE, SURVEY]) == cited


def test_an_answer_that_cites_both_has_said_so() -> None:
    text = "The Pellan Bridge is 214 metres long [1]. The Pellan Bridge is 211 metres long [2]."
    cited = cite(text, [GUIDE, SURVEY])
    assert with_dissent(cited, [GUIDE, SURVEY]) == cited
