"""What the prompts of the reranking methods share: how passages are listed and cut, and the choice among letters."""

from __future__ import annotations

import string
from collections.abc import Sequence

from hopcite.chat import Message
from hopcite.types import Chunk

LETTERS = string.ascii_uppercase[:20]  # servers report the probabilities of at most 20 first tokens
PASSAGE_BYTES = 1200  # about 300 tokens; a chunk of the default size is never cut
TITLE_BYTES = 300
_BYTES_PER_TOKEN = 4  # of UTF-8 in most scripts: it is the characters of a token that differ
_INSTRUCTION_TOKENS = 512  # what a prompt holds beside the passages, the question included

CHOOSER = "You judge which passage helps most to answer a question. You reply with one letter."


def passage_limit(context_tokens: int, passages: int, *, reply_tokens: int) -> int:
    """Bytes of each passage, so that `passages` of them fit a window together with the question and the reply."""
    room = _BYTES_PER_TOKEN * (context_tokens - _INSTRUCTION_TOKENS - reply_tokens)
    return max(1, min(PASSAGE_BYTES, room // max(passages, 1)))


def shown(passage: Chunk, *, limit: int) -> str:
    """A passage below its title, cut to `limit` bytes."""
    text = clipped(passage.text, limit)
    return f"{clipped(passage.title, min(limit, TITLE_BYTES))}\n{text}" if passage.title else text


def listing(passages: Sequence[Chunk], labels: Sequence[str], *, limit: int) -> str:
    """The passages, each after its label in brackets."""
    return "\n\n".join(
        f"[{label}] {shown(passage, limit=limit)}" for label, passage in zip(labels, passages, strict=True)
    )


def choice(query: str, listed: str, labels: Sequence[str], *, least: bool = False) -> list[Message]:
    """Ask for the letter of one passage.

    The question stands before and after the passages: a causal model reads them with it in mind.
    """
    which = "least" if least else "most"
    return [
        {"role": "system", "content": CHOOSER.replace("most", which)},
        {
            "role": "user",
            "content": f"Question: {query}\n\nPassages:\n\n{listed}\n\nQuestion: {query}\n"
            f"Which passage ({labels[0]} to {labels[-1]}) helps {which} to answer it? Reply with its letter only.",
        },
    ]


def clipped(text: str, limit: int) -> str:
    """The beginning of `text`, at most `limit` bytes long in UTF-8. Never half a character."""
    return text.encode("utf-8", errors="replace")[:limit].decode("utf-8", errors="ignore")
