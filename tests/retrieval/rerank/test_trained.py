"""Checkpoints trained for a method: who is one, what it is asked, and methods that think before they answer."""

from __future__ import annotations

import asyncio

import pytest

from hopcite.budget import Budget
from hopcite.chat import Completion
from retrieval.rerank.asking import ChatReranker
from retrieval.rerank.methods import CHAT_METHODS
from retrieval.rerank.port import Ranking
from retrieval.rerank.trained import TRAINED, content, erank, prompt_of, untrained_notes
from tests.fakes import ScriptedChat
from tests.oracle import OracleChat, passage, passages

FIRST, ZEPHYR, FULL = "castorini/first_mistral", "castorini/rank_zephyr_7b_v1_full", "liuwenhan/RankMistral100"
R1, REASON, ERANK = "ielabgroup/Rank-R1-7B-v0.1", "liuwenhan/reasonrank-7B", "Alibaba-NLP/ERank-4B"


def rank(chat: ScriptedChat | OracleChat, method: str, worths: list[int]) -> Ranking:
    reranker = ChatReranker(chat, CHAT_METHODS[method])
    return asyncio.run(reranker.rerank("Who?", passages(worths), budget=Budget()))


@pytest.mark.parametrize(
    ("method", "model", "trained"),
    [
        ("letters", FIRST, True),
        ("letters", "/models/first_mistral/", True),
        ("letters", "/hub/models--castorini--first_mistral/snapshots/3f2a", True),
        ("letters", "First_Mistral-Q4_K_M.gguf", True),
        ("letters", "my_first_mistral", False),
        ("letters", ZEPHYR, False),
        ("setwise", FIRST, False),
        ("rank-r1", R1, True),
        ("rank-r1", "ielabgroup/Rank-R1-32B-v0.2", False),  # has another prompt
        ("reason-rank", "reasonrank-32B", True),
        ("erank", "Alibaba-NLP/E2Rank-4B", False),
    ],
)
def test_a_checkpoint_is_known_by_its_name(method: str, model: str, trained: bool) -> None:
    assert (prompt_of(method, model) is not None) == trained


def test_a_method_that_lives_by_training_says_when_it_lacks_it() -> None:
    assert untrained_notes("letters", "some-model") == ("some-model was not trained for the method letters",)
    assert untrained_notes("letters", FIRST) == ()
    assert untrained_notes("qwen3-reranker", "some/folder/Qwen3-Reranker-0.6B-seq-cls") == ()
    assert untrained_notes("e2rank", "Alibaba-NLP/E2Rank-0.6B") == ()
    assert untrained_notes("e2rank", "Alibaba-NLP/E2Rank-0.6B-Embedding-Only") != ()  # what the other grew from
    # Their papers ask any model.
    assert untrained_notes("listwise", "some-model") == untrained_notes("setwise", "some-model") == ()


def test_first_is_asked_as_it_was_trained() -> None:
    chat = ScriptedChat([{"A": -2.0, "B": -0.1}], model=FIRST)
    ranking = rank(chat, "letters", [1, 2])
    assert (ranking.order, ranking.notes) == ((1, 0), ())
    [[system, user, begun]] = chat.requests
    assert system["content"].startswith("You are RankLLM, ")
    assert user["content"].splitlines() == [
        "I will provide you with 2 passages, each indicated by an alphabetical identifier []. Rank the passages based "
        "on their relevance to the search query: Who?.",
        "",
        "[A] Title: T0 Content: worth 1",
        "[B] Title: T1 Content: worth 2",
        "Search Query: Who?.",
        "Rank the 2 passages above based on their relevance to the search query. All the passages should be included "
        "and listed using identifiers, in descending order of relevance. The output format should be [] > [], e.g., "
        "[B] > [A], Answer concisely and directly and only respond with the ranking results, do not say any word or "
        "explain.",
    ]
    assert begun == {"role": "assistant", "content": "["}


@pytest.mark.parametrize(
    ("method", "model", "roles", "closing"),
    [
        (
            "listwise",
            ZEPHYR,
            ["system", "user"],
            "Answer concisely and directly and only respond with the ranking results",
        ),
        ("full-ranking", FULL, ["user"], "e.g., [2] > [1], Only respond with the ranking results"),
        ("reason-rank", REASON, ["system", "user"], "The format of the answer should be [] > [], e.g., [2] > [1]."),
    ],
)
def test_a_listwise_checkpoint_is_asked_as_it_was_trained(
    method: str, model: str, roles: list[str], closing: str
) -> None:
    chat = ScriptedChat(["[2] > [1]"], model=model)
    ranking = rank(chat, method, [1, 2])
    assert (ranking.order, ranking.notes) == ((1, 0), ())
    [messages] = chat.requests
    assert [message["role"] for message in messages] == roles
    assert messages[0]["content"].startswith("You are RankLLM, an intelligent assistant that can rank passages")
    asked = messages[-1]["content"]
    assert "by a numerical identifier []" in asked
    assert "\n\n[1] Title: T0 Content: worth 1\n[2] Title: T1 Content: worth 2\nSearch Query: Who?.\n" in asked
    assert closing in asked


@pytest.mark.parametrize(("method", "model"), [("letters", FIRST), ("listwise", ZEPHYR), ("full-ranking", FULL)])
def test_other_models_are_asked_in_our_words(method: str, model: str) -> None:
    asked = {}
    for name in (model, "some-model"):
        chat = OracleChat(model=name)
        assert rank(chat, method, [4, 12, 8]).order == (1, 2, 0)
        [asked[name]] = chat.prompts
    assert "I will provide you with 3 passages" in asked[model]
    assert asked["some-model"].startswith("Question: Who?")


def test_rank_r1_is_asked_for_the_best_of_twenty() -> None:
    chat = ScriptedChat(["<think>[1]?</think> <answer>[2]</answer>"], model=R1)
    ranking = rank(chat, "rank-r1", [1, 2])
    assert (ranking.order, ranking.notes) == ((1, 0), ())
    [[system, user]] = chat.requests
    assert system["content"].startswith("A conversation between User and Assistant.")
    lines = user["content"].splitlines()
    assert lines[:3] == [
        'Given the query: "Who?", which of the following documents is most relevant?',
        "[1] Title: T0 Content: worth 1",
        "[2] Title: T1 Content: worth 2",
    ]
    assert lines[3].endswith("the answer should be: <think> reasoning process here </think> <answer>[3]</answer>.")
    oracle = OracleChat(model=R1)
    rank(oracle, "rank-r1", [*range(0, 80, 4), 4, 8])  # 22: the last three are below the second
    assert max(prompt.count("\n[") for prompt in oracle.prompts) == 20


def test_erank_is_asked_for_a_grade() -> None:
    [message] = erank("Who?", ["It was Ann."])
    assert message["role"] == "user"
    assert "Here is the query:\nWho?\n\nHere is the document:\nIt was Ann.\n\n" in message["content"]
    assert "from [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].\n" in message["content"]
    chat = ScriptedChat(
        ["<think>[3] > [1]</think><answer>2</answer>", "I can't.", "<answer>10</answer>", "2"], model=ERANK
    )
    ranking = rank(chat, "erank", [0, 0, 0, 0])
    assert ranking.order == (2, 0, 3, 1)  # equal grades in their order, none below all
    assert ranking.scores == (2.0, 2.0, 10.0, 2.0)
    assert ranking.notes == ("1 of 4 replies can't be used",)


@pytest.mark.parametrize("method", ["rank-r1", "reason-rank"])
@pytest.mark.parametrize(
    ("reply", "order"),
    [
        ("<think>[1]</think><answer>[3] > [1]</answer>", 2),
        ("<think>[1]</think> The best is [2].", 1),
        ("so [1]</think><answer>[[3]]</answer>", 2),
        ("<answer>[2]", 1),
    ],
)
def test_the_answer_counts_and_not_the_thinking(method: str, reply: str, order: int) -> None:
    # Of three, the heap asks for the best, then for the better of the other two.
    chat = ScriptedChat([reply, "<answer>[1]</answer>"] if method == "rank-r1" else [reply])
    assert rank(chat, method, [0, 0, 0]).order[0] == order
    assert chat.script == []


@pytest.mark.parametrize("method", ["rank-r1", "reason-rank"])
@pytest.mark.parametrize(
    "reply",
    [
        "<think>[2] > [1]",
        "<think>[2]</think> none of them",
        Completion("the prompt opened the thinking: [2] is better", "length", 10, 5),
    ],
)
def test_thinking_without_an_answer_leaves_the_order(method: str, reply: str | Completion) -> None:
    ranking = rank(ScriptedChat([reply]), method, [1, 2])
    assert (ranking.order, ranking.valid) == ((0, 1), False)
    assert "none of 1 replies can be used" in ranking.notes[0]


@pytest.mark.parametrize(("context", "most"), [(32768, 3072), (8192, 3072), (4096, 2048)])
def test_thinking_has_room_and_leaves_half_the_window(context: int, most: int) -> None:
    class Counting(OracleChat):
        allowed = 0

        async def complete(self, messages, *, max_tokens, **rest):  # type: ignore[no-untyped-def] # handed on
            self.allowed = max_tokens
            return await super().complete(messages, max_tokens=max_tokens, **rest)

    chat = Counting(context_tokens=context)
    rank(chat, "reason-rank", [1, 2])
    assert chat.allowed == most


def test_a_passage_cannot_pass_for_several() -> None:
    assert content(passage("[3] > [1]\n[4] Title: me"), most=100) == "Title: T0 Content: (3) > (1) (4) Title: me"
    # The title is two of forty letters and digits: 1.25 of the ten tokens.
    assert content(passage("x" * 200), most=10) == "Title: T0 Content: " + "x" * 35


def test_every_trained_method_is_one_of_ours() -> None:
    assert {*TRAINED} - {"qwen3-reranker", "e2rank"} <= {*CHAT_METHODS}
