"""The form in which Qwen3-Reranker (arXiv 2506.05176) was trained to be asked, from its model card."""

from __future__ import annotations

from collections.abc import Sequence

from retrieval.rerank.passages import without_control_tokens

PREFIX = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
)
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


def query_part(query: str) -> str:
    """What follows `PREFIX`."""
    return f"<Instruct>: {INSTRUCTION}\n<Query>: {query}\n"


def passage_part(passage: str) -> str:
    """What follows that, and stands before `SUFFIX`."""
    return f"<Document>: {passage}"


def wrapped(query: str, passages: Sequence[str]) -> tuple[str, list[str]]:
    """Question and passages with the template around them, for a server that joins the two and has no template.

    Such a server reads control tokens everywhere, so that only the template's own may be left.
    """
    inside = [passage_part(without_control_tokens(passage)) for passage in passages]
    return PREFIX + query_part(without_control_tokens(query)), [part + SUFFIX for part in inside]
