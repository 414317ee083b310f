"""Plans: what the checker keeps, drops and renumbers, and how answers are filled in."""

from __future__ import annotations

import asyncio

import pytest

from agent.plan import Plan, PlannedStep, checked_steps, fill, linked_steps, plan_steps
from hopcite.budget import Budget
from hopcite.errors import BudgetExhausted
from hopcite.types import Step
from tests.fakes import ScriptedChat

BRIDGE = "In which town was the surveyor of the Harrow Pass Railway born?"


def test_a_reference_becomes_a_need() -> None:
    steps = checked_steps(BRIDGE, ["Who surveyed the Harrow Pass Railway?", "In which town was #1 born?"])
    assert steps == (
        Step(id="s1", question="Who surveyed the Harrow Pass Railway?"),
        Step(id="s2", question="In which town was #s1 born?", needs=("s1",)),
    )


@pytest.mark.parametrize(
    ("planned", "why"),
    [
        pytest.param([], "nothing planned", id="empty"),
        pytest.param([BRIDGE], "it repeats the question", id="the question itself"),
        pytest.param(["Who surveyed the Harrow Pass Railway?"], "one step adds nothing", id="one step"),
        pytest.param(["", "  ", "?"], "no words", id="blank steps"),
        pytest.param(["Who surveyed it in Borgheim?", "Who is Lina Teck?"], "names from nowhere", id="invented names"),
        pytest.param(["When was #2 built?", "Where was #1 born?"], "a circle", id="circular"),
        pytest.param(["Where was #1 born?", "When was #7 born?"], "own and missing references", id="bad references"),
    ],
)
def test_an_unsound_plan_is_no_plan(planned: list[str], why: str) -> None:
    assert checked_steps(BRIDGE, planned) == (), why


@pytest.mark.parametrize(
    ("question", "planned"),
    [
        ("Where did Karl Imre Valko's father study?", ["Who is Karl Imre Valko's father?", "Where did #1 study?"]),
        ("Where was the father of Sena II born?", ["Who is Sena II's father?", "Where was #1 born?"]),
        (
            "What nationality is the director of the film The Long Winter Tariff?",
            ["Who is the director of the film The Long Winter Tariff?", "What nationality is #1?"],
        ),
        (
            "Where was the director of film Salt Days (Film) born?",
            ["Who is the director of Film Salt Days?", "Where was #1 born?"],
        ),
        ("Who is Sena Oduya's maternal grandmother?", ["Who is Sena Oduya's mother?", "Who is #1's mother?"]),
    ],
)
def test_a_part_of_the_question_is_no_repetition_of_it(question: str, planned: list[str]) -> None:
    assert [step.question.replace("#s", "#") for step in checked_steps(question, planned)] == planned


@pytest.mark.parametrize("slip", ["#2", "#1"])
def test_the_second_side_of_a_comparison_is_asked_of_its_own_step(slip: str) -> None:
    question = "Which film has the director who died earlier, Low Water or Winter Tariff?"
    planned = [
        "Who directed the film Low Water?",
        "When was #1 born?",
        "Who directed the film Winter Tariff?",
        f"When was {slip} born?",
    ]
    # The question speaks of death alone: the planner's example spoke of births.
    assert [(step.question, step.needs) for step in checked_steps(question, planned)][1::2] == [
        ("When did #s1 die?", ("s1",)),
        ("When did #s3 die?", ("s3",)),
    ]


def test_a_title_that_speaks_of_death_leaves_a_birth_in_the_plan() -> None:
    question = "Where does the director of Dead Poets Society come from?"
    steps = checked_steps(question, ["Who is the director of Dead Poets Society?", "Where was #1 born?"])
    assert steps[-1].question == "Where was #s1 born?"


@pytest.mark.parametrize(
    ("question", "slip", "meant"),
    [
        ("Where was the director of Low Water born?", "When was #1 born?", "Where was #1 born?"),
        ("In which town was the director of Low Water born?", "When was #1 born?", "Where was #1 born?"),
        ("When did the director of Low Water die?", "Where did #1 die?", "When did #1 die?"),
        ("In the town where the director of Low Water died, when was a fire?", "When was a fire in #1?", ""),
        ("Where were the games of the year when the director of Low Water died?", "Where were the games of #1?", ""),
        ("Who is the daughter of the director of Low Water?", "When was #1 born?", ""),
    ],
)
def test_the_last_step_asks_where_or_when_as_the_question_does(question: str, slip: str, meant: str) -> None:
    steps = checked_steps(question, ["Who is the director of Low Water?", slip])
    assert steps[-1].question.replace("#s", "#") == (meant or slip)


@pytest.mark.parametrize(
    ("side", "parent", "meant"),
    [("paternal", "mother", ("father", "mother")), ("maternal", "father", ("mother", "father"))],
)
def test_a_grandparent_is_the_parent_of_the_parent_on_that_side(side: str, parent: str, meant: tuple[str, str]) -> None:
    question = f"Who is the {side} grand{parent} of Sena Oduya?"
    for slip in ("father", "mother"):
        steps = checked_steps(question, [f"Who is Sena Oduya's {slip}?", f"Who is #1's {slip}?"])
        assert [step.question for step in steps] == [f"Who is Sena Oduya's {meant[0]}?", f"Who is #s1's {meant[1]}?"]


def test_each_generation_is_asked_of_the_one_before() -> None:
    planned = ["Who is Sena Oduya's mother?", "Who is #1's mother?", "Who is #2's mother?", "When was #3 born?"]
    steps = checked_steps("When was the mother of Sena Oduya's grandmother born?", planned)
    assert [step.question.replace("#s", "#") for step in steps] == planned


def test_the_question_in_other_question_words_is_a_repetition() -> None:
    planned = ["Where was the surveyor of the Harrow Pass Railway born?", "Who surveyed the Harrow Pass Railway?"]
    assert checked_steps(BRIDGE, planned) == ()


def test_the_same_words_asked_for_another_thing_are_no_repetition() -> None:
    planned = ["Who surveyed the Harrow Pass Railway?", "When was #1 born?", "Where was #1 born?"]
    assert len(checked_steps("When and where was the surveyor of the Harrow Pass Railway born?", planned)) == 3


def test_repeated_steps_are_dropped_and_references_follow_the_new_numbers() -> None:
    planned = [
        "Who surveyed the Harrow Pass Railway?",
        "Who surveyed the Harrow Pass Railway?",
        "When was the Harrow Pass Railway opened?",
        "In which town was #1 born, before #3?",
    ]
    steps = checked_steps(BRIDGE, planned)
    assert [step.question for step in steps] == [
        "Who surveyed the Harrow Pass Railway?",
        "When was the Harrow Pass Railway opened?",
        "In which town was #s1 born, before #s2?",
    ]
    assert steps[2].needs == ("s1", "s2")


def test_a_step_that_needs_a_dropped_step_goes_with_it() -> None:
    planned = ["Who is Lina Teck?", "Who surveyed the Harrow Pass Railway?", "Where was #1 born?", "Where was #2 born?"]
    assert [step.question for step in checked_steps(BRIDGE, planned)] == [
        "Who surveyed the Harrow Pass Railway?",
        "Where was #s1 born?",
    ]


def test_fill_puts_answers_in() -> None:
    step = Step(id="s3", question="Is #s1 older than #s2?", needs=("s1", "s2"))
    assert fill(step, {"s1": "Tarn", "s2": "Oss"}) == "Is Tarn older than Oss?"


def test_planning_asks_once_and_charges_the_budget() -> None:
    chat = ScriptedChat([Plan(steps=[PlannedStep(question="Who surveyed the Harrow Pass Railway?")])])
    budget = Budget(max_llm_calls=1)
    assert asyncio.run(plan_steps(BRIDGE, chat=chat, budget=budget)) == ()
    assert chat.requests[0][-1] == {"role": "user", "content": BRIDGE}
    assert budget.llm_calls == 1
    with pytest.raises(BudgetExhausted):
        asyncio.run(plan_steps(BRIDGE, chat=chat, budget=budget))


def test_a_pronoun_stands_for_the_answer_of_the_step_before() -> None:
    question = "On which service was the film that features Pia Renn released, and who wrote its songs?"
    steps = checked_steps(
        question, ["Which film features Pia Renn?", "On which service was it released?", "Who wrote its songs?"]
    )
    assert [(step.question, step.needs) for step in steps] == [
        ("Which film features Pia Renn?", ()),
        ("On which service was #s1 released?", ("s1",)),
        ("Who wrote #s1's songs?", ("s1",)),
    ]


def test_a_pronoun_after_a_reference_stands_for_that_step() -> None:
    question = "How many people live in the town where the author of Low Water died?"
    steps = checked_steps(
        question, ["Who is the author of Low Water?", "In which town did #1 die?", "How many people live in it?"]
    )
    assert [step.question for step in steps][1:] == ["In which town did #s1 die?", "How many people live in #s2?"]


def test_a_pronoun_of_the_one_who_is_asked_for_is_left_alone() -> None:
    question = "Who designed the lighthouse whose keeper gave her name to the ferry?"
    steps = checked_steps(question, ["Who designed the lighthouse?", "Who gave her name to the ferry?"])
    assert [(step.question, step.needs) for step in steps][1:] == [("Who gave her name to the ferry?", ())]


def test_names_that_the_question_writes_small_are_no_news() -> None:
    question = "which series by the author of low water aired on oct 18?"
    steps = checked_steps(question, ["Who is the author of Low Water?", "Which series by #1 aired on Oct 18?"])
    assert len(steps) == 2


def test_who_a_name_is_tells_the_next_step_no_more_than_the_name() -> None:
    question = "What is the population of the town that Sena Oduya represents?"
    planned = ["Who is Sena Oduya?", "Which town does #1 represent?", "What is the population of #2?"]
    assert checked_steps(question, planned) == linked_steps(
        ["Which town does Sena Oduya represent?", "What is the population of #1?"]
    )


def test_who_a_name_is_leaves_nothing_to_split_where_the_rest_is_the_question() -> None:
    question = "Which school is Mirel Oduya, the painter, from?"
    assert checked_steps(question, ["Who is Mirel Oduya?", "Which school is #1, the painter, from?"]) == ()


def test_who_a_name_is_stays_where_nothing_leans_on_it() -> None:
    question = "Are Sena Oduya and Imre Valko both painters?"
    planned = ["Who is Sena Oduya?", "Who is Imre Valko?"]
    assert checked_steps(question, planned) == linked_steps(planned)


def test_a_step_that_asks_what_an_answer_is_asks_nothing() -> None:
    question = "Where was Imre Valko's father buried?"
    planned = ["Who is Imre Valko's father?", "Who is #1?", "Where was #2 buried?", "What is #3?"]
    assert checked_steps(question, planned) == linked_steps(["Who is Imre Valko's father?", "Where was #1 buried?"])


def test_a_description_with_a_capital_is_looked_up() -> None:
    question = "Where was the Duke of Tarn born?"
    planned = ["Who is the Duke of Tarn?", "Where was #1 born?"]
    assert checked_steps(question, planned) == linked_steps(planned)


def test_the_side_of_the_family_is_told_by_the_first_step_that_is_kept() -> None:
    question = "Who is Sena Oduya's maternal grandfather?"
    planned = ["Who is Sena Oduya?", "Who is #1's father?", "Who is #2's father?"]
    assert checked_steps(question, planned) == linked_steps(["Who is Sena Oduya's mother?", "Who is #1's father?"])


def test_steps_that_a_rule_made_wait_for_those_that_they_name() -> None:
    assert linked_steps(["Who made A?", "Who made B?", "Are #1 and #2 kin to #1?"]) == (
        Step(id="s1", question="Who made A?"),
        Step(id="s2", question="Who made B?"),
        Step(id="s3", question="Are #s1 and #s2 kin to #s1?", needs=("s1", "s2")),
    )
