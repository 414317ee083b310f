"""Questions inside questions: which wordings hold one, and how those that end with it are split by rule."""

from __future__ import annotations

import pytest

from agent.nesting import nested, split_by_rule


@pytest.mark.parametrize(
    "question",
    [
        "Who designed Mirel Bridge?",
        "How long is the Harrow Pass Railway?",
        "Who is the author of The Salt Ledger?",
        "Who is Imre Valko's father?",
        "What was the name of Imre Valko's father?",
        "In which country is the village of Borgheim?",
        "What is the name of the bridge that crosses the Oss at Tarn?",
        "Which company made the Winter Tariff?",
        "What is the population of Tarn?",
        "What was coming to an end?",
        "When did the Battle of Kestmark end?",
    ],
)
def test_a_question_that_asks_one_thing_holds_no_other(question: str) -> None:
    assert not nested(question)
    assert split_by_rule(question) == ()


@pytest.mark.parametrize(
    "question",
    [
        "In which town was the surveyor of the Harrow Pass Railway born?",
        "Where did Imre Valko's father study?",
        "What nationality is the director of the film Winter Tariff?",
        "Who is Sena Oduya's paternal grandmother?",
        "When was the bridge that crosses the Oss at Tarn built?",
        "Mirel Bridge crosses a river that rises in which country?",
        "What is the population of the town containing Mirel Bridge?",
        "Who leads the country Tarn is in?",
        "When was the engineer known for Mirel Bridge born?",
    ],
)
def test_a_question_of_something_described_holds_another(question: str) -> None:
    assert nested(question)


def test_a_paragraph_is_no_chain() -> None:
    reports = "whether the Gazette's report on the bridge that fell agrees with what the Herald said of it, " * 3
    assert not nested(f"Tell me {reports}?")
    assert split_by_rule(f"Who wrote {reports} of the town where Valko lived?") == ()


def test_what_is_not_english_may_hold_another() -> None:
    assert nested("Wer hat Mirel Bridge entworfen?")
    assert split_by_rule("Wo wurde die Mutter von Imre Valko geboren?") == ()


@pytest.mark.parametrize(
    ("question", "steps"),
    [
        (
            "What is the population of the town where Mirel Bridge is located?",
            ("What is the town where Mirel Bridge is located?", "What is the population of #1?"),
        ),
        (
            "What river flows through the town Imre Valko is from?",
            ("What is the town Imre Valko is from?", "What river flows through #1?"),
        ),
        ("Who scored first for Imre Valko's team?", ("What is Imre Valko's team?", "Who scored first for #1?")),
        ("Where did Imre Valko's father study?", ("Who is Imre Valko's father?", "Where did #1 study?")),
        (
            "What nationality is the director of film The Long Winter of 1911?",
            ("Who is the director of film The Long Winter of 1911?", "What nationality is #1?"),
        ),
        (
            "Who is the spouse of the composer of the song Salt and Snow (1987)?",
            ("Who is the composer of the song Salt and Snow (1987)?", "Who is the spouse of #1?"),
        ),
        (
            "What lake lies near the birthplace of the author of The Salt Ledger?",
            (
                "Who is the author of The Salt Ledger?",
                "What is the birthplace of #1?",
                "What lake lies near #2?",
            ),
        ),
        (
            "Who is the spouse of Low Tarn's main director?",
            ("Who is Low Tarn's main director?", "Who is the spouse of #1?"),
        ),
        ("Who was king of Imre Valko's country?", ("What is Imre Valko's country?", "Who was king of #1?")),
        (
            "When did the first train run in the country that exports Tarn Gin?",
            (),  # "did the first train run in": the verb might stand behind the country
        ),
        (
            "When were the games held in the country that exports Tarn Gin?",
            ("What is the country that exports Tarn Gin?", "When were the games held in #1?"),
        ),
    ],
)
def test_a_question_that_ends_with_its_descriptions_is_split(question: str, steps: tuple[str, ...]) -> None:
    assert split_by_rule(question) == steps


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("When did the state where Mirel Bridge is located join the union?", id="a verb behind it"),
        pytest.param("What year was the man whose car broke down the champion?", id="a predicate behind it"),
        pytest.param("What part of the town where Valko lived are the stables?", id="another verb behind it"),
        pytest.param("Who was born in Tarn, Lower Kestmark's mayor?", id="a name behind a comma"),
        pytest.param("The bridge was built by a man who is the son of whom?", id="no question word in front"),
        pytest.param("What is the town where the author of The Salt Ledger was born?", id="that is what it asks"),
        pytest.param("Which people of Tarn and the county that borders it vote?", id="one of two"),
        pytest.param("What is the deadline for the forms that the auditors send?", id="several things"),
        pytest.param("What is the deadline for the form that I need?", id="the one who asks"),
        pytest.param("What is the birthday of the king of Tarn's wife?", id="whose wife"),
        pytest.param("Where was the king of Tarn's wife born?", id="where whose wife"),
        pytest.param("What lies between the agency and the ministry that funds it?", id="two things"),
        pytest.param("What is the difference between the plan that ends and the plan that stays?", id="two of a kind"),
    ],
)
def test_what_may_go_on_behind_a_description_is_left_to_the_planner(question: str) -> None:
    assert split_by_rule(question) == ()
