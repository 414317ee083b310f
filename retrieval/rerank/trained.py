"""Checkpoints that were trained for one method, and the prompts that they were trained with.

A prompt is a fact of its checkpoint, as the tokenizer is: it stands here as the authors' own code writes it, which is
named beside it. Any other model is asked in our words, or in these where a method has no others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from hopcite.chat import Message
from hopcite.types import Chunk
from retrieval.rerank.passages import PASSAGE_TOKENS, cut, harmless
from retrieval.rerank.prompts import LETTERS

Prompt = Callable[[str, Sequence[str]], list[Message]]
"""A question and passages (`content`) to a conversation. One that ends with the assistant's turn is to be continued."""

_RANK_LLM = "You are RankLLM, an intelligent assistant that can rank passages based on their relevancy to the query"
_REASON_RANK = (
    "You are RankLLM, an intelligent assistant that can rank passages based on their relevance to the query. Given a "
    "query and a passage list, you first thinks about the reasoning process in the mind and then provides the answer "
    "(i.e., the reranked passage list). The reasoning process and answer are enclosed within <think> </think> and "
    "<answer> </answer> tags, respectively, i.e., <think> reasoning process here </think> <answer> answer here "
    "</answer>."
)
_RANK_R1 = (
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant "
    "first thinks about the reasoning process in the mind and then provides the user with the answer. The reasoning "
    "process and answer are enclosed within <think> </think> and <answer> </answer> tags, respectively, i.e., <think> "
    "reasoning process here </think> <answer> answer here </answer>."
)
_ERANK_GOAL = "Given a question, retrieve passages that help to answer it."  # ours: the model takes any


@dataclass(frozen=True, slots=True)
class Trained:
    """The checkpoints of a method by their names on the hub, and their prompt; None where it is not one of these."""

    names: tuple[str, ...] = ()
    prompt: Prompt | None = None
    needed: bool = True
    """Whether the method's published quality comes from them."""


def content(passage: Chunk, *, limit: int = PASSAGE_TOKENS, most: float) -> str:
    """A passage as `cut` leaves it, in one line, in which nothing looks like a label."""
    title, text = cut(passage, limit=limit, most=most)
    return " ".join((f"Title: {title} Content: {text}" if title else text).split())


def first(query: str, passages: Sequence[str]) -> list[Message]:
    """FIRST: RankZephyr's prompt with letters, and the bracket before the first one (castorini/rank_llm)."""
    closing = (
        "The output format should be [] > [], e.g., [B] > [A], Answer concisely and directly and only respond with the "
        "ranking results, do not say any word or explain."
    )
    return [
        {"role": "system", "content": _RANK_LLM},
        {"role": "user", "content": _ranking(query, passages, LETTERS, closing)},
        {"role": "assistant", "content": "["},
    ]


def rank_zephyr(query: str, passages: Sequence[str]) -> list[Message]:
    """RankZephyr (castorini/rank_llm, with a variable number of passages)."""
    closing = (
        "The output format should be [] > [], e.g., [2] > [1], Answer concisely and directly and only respond with the "
        "ranking results, do not say any word or explain."
    )
    return [
        {"role": "system", "content": _RANK_LLM},
        {"role": "user", "content": _ranking(query, passages, _numbers(passages), closing)},
    ]


def full_rank(query: str, passages: Sequence[str]) -> list[Message]:
    """FullRank (RUC-NLPIR/fullrank). Its template has no system's turn: what it would say begins the user's."""
    closing = (
        "The output format should be [] > [], e.g., [2] > [1], Only respond with the ranking results, do not say any "
        "word or explain."
    )
    asked = _ranking(query, passages, _numbers(passages), closing)
    return [{"role": "user", "content": f"{_RANK_LLM}.\n{asked}"}]


def reason_rank(query: str, passages: Sequence[str]) -> list[Message]:
    """ReasonRank (8421BCD/ReasonRank)."""
    closing = "The format of the answer should be [] > [], e.g., [2] > [1]."
    return [
        {"role": "system", "content": _REASON_RANK},
        {"role": "user", "content": _ranking(query, passages, _numbers(passages), closing)},
    ]


def rank_r1(query: str, passages: Sequence[str]) -> list[Message]:
    """Rank-R1 v0.1 (ielab/llm-rankers, and the model card)."""
    documents = "\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, start=1))
    return [
        {"role": "system", "content": _RANK_R1},
        {
            "role": "user",
            "content": f'Given the query: "{query}", which of the following documents is most relevant?\n{documents}\n'
            "After completing the reasoning process, please provide only the label of the most relevant document to "
            "the query, enclosed in square brackets, within the answer tags. For example, if the third document is "
            "the most relevant, the answer should be: <think> reasoning process here </think> <answer>[3]</answer>.",
        },
    ]


def erank(query: str, passages: Sequence[str]) -> list[Message]:
    """ERank (arXiv 2509.00520), for one passage."""
    [passage] = passages
    scale = ", ".join(map(str, range(11)))
    return [
        {
            "role": "user",
            "content": "Given a query and a document, please give a relevance score of 0~10.\n"
            f"The goal or relevance definition is: {_ERANK_GOAL}\n\nHere is the query:\n{query}\n\n"
            f"Here is the document:\n{passage}\n\n"
            f"After thinking, directly choose a relevance score from [{scale}].\n"
            "- 0 represents completely not related\n- 10 means perfectly related.\n\n"
            "Desired output format:\n<think>put your thinking here</think><answer>Only allows an integer here</answer>"
            "\n\nYour output:",
        }
    ]


TRAINED: Mapping[str, Trained] = MappingProxyType(
    {
        "letters": Trained(("castorini/first_mistral",), first),
        "listwise": Trained(("castorini/rank_zephyr_7b_v1_full",), rank_zephyr, needed=False),
        "full-ranking": Trained(("liuwenhan/RankMistral100",), full_rank),
        "rank-r1": Trained(
            ("ielabgroup/Rank-R1-3B-v0.1", "ielabgroup/Rank-R1-7B-v0.1", "ielabgroup/Rank-R1-14B-v0.1"), rank_r1
        ),
        "reason-rank": Trained(("liuwenhan/reasonrank-7B", "liuwenhan/reasonrank-32B"), reason_rank),
        "erank": Trained(("Alibaba-NLP/ERank-4B", "Alibaba-NLP/ERank-14B", "Alibaba-NLP/ERank-32B"), erank),
        "qwen3-reranker": Trained(
            ("Qwen/Qwen3-Reranker-0.6B", "Qwen/Qwen3-Reranker-4B", "Qwen/Qwen3-Reranker-8B")
        ),  # its prompt: `qwen3_template`
        "e2rank": Trained(
            ("Alibaba-NLP/E2Rank-0.6B", "Alibaba-NLP/E2Rank-4B", "Alibaba-NLP/E2Rank-8B")
        ),  # its prompt: `e2rank`
        "groups": Trained(),
        "elimination": Trained(),
    }
)
"""By method. Without names: trained by its paper, but we have no checkpoint or not its prompt (docs/reranking.md)."""


def prompt_of(method: str, model: str) -> Prompt | None:
    """The prompt that `model` was trained with for `method`; None when it was not."""
    trained = TRAINED.get(method)
    return trained.prompt if trained and _is_one_of(model, trained.names) else None


def untrained_notes(method: str, model: str) -> tuple[str, ...]:
    """A note for a ranking by a model that lacks the training from which the method's published quality comes."""
    trained = TRAINED.get(method)
    if trained is None or not trained.needed or _is_one_of(model, trained.names):
        return ()
    return (f"{model} was not trained for the method {method}",)


def _is_one_of(model: str, checkpoints: Sequence[str]) -> bool:
    """Whether a name on the hub, a folder, a file or a served name begins like a checkpoint's, in any part of it."""
    # E2Rank-0.6B-Embedding-Only is what E2Rank-0.6B was trained from.
    parts = [part for part in re.split("/|--", model.lower()) if not part.endswith("-embedding-only")]
    return any(part.startswith(name.rpartition("/")[2].lower()) for part in parts for name in checkpoints)


def _ranking(query: str, passages: Sequence[str], labels: Sequence[str], closing: str) -> str:
    """The request that the models of this family share."""
    query, n = harmless(query).strip(), len(passages)
    kind = "an alphabetical" if labels[0].isalpha() else "a numerical"
    listed = "".join(f"[{label}] {passage}\n" for label, passage in zip(labels, passages, strict=False))
    return (
        f"I will provide you with {n} passages, each indicated by {kind} identifier []. Rank the passages based on "
        f"their relevance to the search query: {query}.\n\n{listed}Search Query: {query}.\nRank the {n} passages above "
        "based on their relevance to the search query. All the passages should be included and listed using "
        f"identifiers, in descending order of relevance. {closing}"
    )


def _numbers(passages: Sequence[str]) -> list[str]:
    return [str(number) for number in range(1, len(passages) + 1)]
