"""Passages as the prompts of the reranking methods hold them.

They are cut to what fits, and nothing in them is left that looks like a label of the prompt, or that a server would
read as a control token of the model's chat template.
"""

from __future__ import annotations

import math
import re
import string
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from hopcite.errors import PromptTooLong
from hopcite.types import Chunk

PASSAGE_BYTES = 1200  # about 300 tokens; a chunk of the default size is never cut
TITLE_BYTES = 300
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


def cut(passage: Chunk, *, most: float = math.inf) -> tuple[str, str]:
    """Title and text, harmless and cut to so many tokens together; of these the title has a quarter at most."""
    title = _clipped(passage.title, TITLE_BYTES, most / 4)
    return title, _clipped(passage.text, PASSAGE_BYTES, most - tokens(title))


def shown(passage: Chunk, *, most: float = math.inf) -> str:
    """A passage below its title, of at most so many tokens."""
    title, text = cut(passage, most=most)
    return f"{title}\n{text}" if title else text


def listing(passages: Sequence[Chunk], labels: Sequence[str], *, most: float = math.inf) -> str:
    """The passages, each of at most so many tokens after its label in brackets, which begins a line."""
    return "\n\n".join(
        f"[{label}] {shown(passage, most=most)}" for label, passage in zip(labels, passages, strict=True)
    )


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
