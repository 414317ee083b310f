"""Passages as the reranking methods read them: cut to `rerank.passage_tokens` and to what fits.

In prompts, nothing is left in them that looks like a label of the prompt, or that a server would read as a control
token of the model's chat template. A model in this process counts its own tokens; of one behind a server nothing is
known, so that four bytes stand for a token.
"""

from __future__ import annotations

import math
import re
import string
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from hopcite.errors import PromptTooLong
from hopcite.settings import RerankSettings
from hopcite.types import Chunk

PASSAGE_TOKENS = RerankSettings().passage_tokens  # a chunk of the default size is never cut
_BYTES_PER_TOKEN = 4
_HEADING_PART = 4  # a heading has at most one in so many of a passage's tokens
SHORT_TOKENS = 50  # of a passage: with fewer, a note says so
_LEAST_TOKENS = 8  # with fewer, a passage says nothing
_INSTRUCTION_TOKENS = 256  # what the longest prompt holds beside passages and question
_LABEL_TOKENS = 10  # "[12] Title: Content: " and what stands between two passages
_LETTERS_PER_TOKEN = 4
_LETTERS = frozenset(string.ascii_letters + string.whitespace)
_LABEL = re.compile(r"\[(\s*(?:[A-Za-z]|\d+)\s*)\]")
# "<|im_end|>" and its like, and those of Mistral, Llama 2 and Gemma.
_CONTROL = re.compile(r"<(?=\||/?s>|/?think>|(?:start|end)_of_turn>|<(?:/?)SYS>)|\[(?=/?INST\])")


def harmless(text: str) -> str:
    """Text in which "[B]" and "[2]" are "(B)" and "(2)", and control tokens are broken by a space."""
    return _LABEL.sub(r"(\1)", without_control_tokens(text))


def without_control_tokens(text: str) -> str:
    """Text in which no control token of the common chat templates is left."""
    return _CONTROL.sub(r"\g<0> ", text)


def share(context_tokens: int, passages: int, *, query: str, reply_tokens: int) -> int:
    """Tokens of a model's window that each of `passages` can have, beside the question, which a prompt holds twice.

    Raises `PromptTooLong` when that leaves them next to nothing.
    """
    room = context_tokens - _INSTRUCTION_TOKENS - reply_tokens - 2 * math.ceil(tokens(query))
    each = room // max(passages, 1) - _LABEL_TOKENS
    if each < _LEAST_TOKENS:
        raise PromptTooLong(
            f"The model's window of {context_tokens} tokens has no room for a question with {passages} passages; "
            "lower rerank.passages, or raise llm.context_tokens if the model takes more."
        )
    return each


def cut(passage: Chunk, *, limit: int = PASSAGE_TOKENS, most: float = math.inf) -> tuple[str, str]:
    """Heading and text, harmless and cut for a model whose tokens can't be counted.

    The text has at most `limit` tokens of four bytes, and the heading a quarter of that beside it. Together they have
    at most `most` by the estimate of `tokens`, and of these the heading has a quarter at most.
    """
    size = limit * _BYTES_PER_TOKEN
    heading = _clipped(passage.heading, size // _HEADING_PART, most / _HEADING_PART)
    return heading, _clipped(passage.text, size, most - tokens(heading))


def shown(passage: Chunk, *, limit: int = PASSAGE_TOKENS, most: float = math.inf) -> str:
    """A passage below its heading, as `cut` leaves them."""
    heading, text = cut(passage, limit=limit, most=most)
    return f"{heading}\n{text}" if heading else text


def listing(
    passages: Sequence[Chunk], labels: Sequence[str], *, limit: int = PASSAGE_TOKENS, most: float = math.inf
) -> str:
    """The passages, each cut so and after its label in brackets, which begins a line."""
    return "\n\n".join(
        f"[{label}] {shown(passage, limit=limit, most=most)}" for label, passage in zip(labels, passages, strict=True)
    )


def first_tokens(text: str, limit: int, tokenizer: Any) -> str:
    """The beginning of `text`, at most `limit` tokens long by a fast tokenizer of transformers."""
    ends = tokenizer(text, add_special_tokens=False, truncation=True, max_length=limit, return_offsets_mapping=True)[
        "offset_mapping"
    ]
    return text[: ends[-1][1]] if ends else ""


def tokens(text: str) -> float:
    """Tokens that text may take, a cautious estimate for today's tokenizers.

    One is four Latin letters, two of the alphabets around the Mediterranean, or a digit, a mark, any other character.
    """
    return sum(_weights(text)) / _LETTERS_PER_TOKEN


def _first_bytes(text: str, limit: int) -> str:
    """The beginning of `text`, at most `limit` bytes long in UTF-8. Never half a character."""
    return text.encode("utf-8", errors="replace")[:limit].decode("utf-8", errors="ignore")


def _clipped(text: str, most_bytes: int, most_tokens: float) -> str:
    text = harmless(_first_bytes(text, most_bytes))
    return text[: bisect_right(list(accumulate(_weights(text))), _LETTERS_PER_TOKEN * most_tokens)]


def _weights(text: str) -> Iterator[int]:
    """Each character's part of a token, where a letter's is 1."""
    return (1 if c in _LETTERS else 2 if "\x7f" < c < "\u0800" else _LETTERS_PER_TOKEN for c in text)
