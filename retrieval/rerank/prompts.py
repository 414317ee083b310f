"""The choice among lettered passages, which several reranking methods ask for."""

from __future__ import annotations

import string
from collections.abc import Sequence

from hopcite.chat import Message

LETTERS = string.ascii_uppercase[:20]  # servers report the probabilities of at most 20 first tokens

CHOOSER = "You judge which passage helps most to answer a question. You reply with one letter."


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
