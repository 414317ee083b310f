"""An answer as the text of a chat message, and that text as a part of the conversation when a client sends it back."""

from __future__ import annotations

import re

from agent import Exchange
from hopcite.types import Answer, Citation
from ui.text import doubts, headline, place, rewritten

_NOT_FOUND = "The documents do not hold the answer."
# Chat clients load images in what they show, and some take HTML: an address there could tell others what was asked.
_LOADED = re.compile(r"!(?=\[)|<(?=[a-z/!?])", re.IGNORECASE)
_LEAD = re.compile(r"\*\*(.+)\*\*\n\n")
_BELOW = re.compile(r"\n\n\*\*(?:Partly answered|Searched for|Sources|Check these):\*\*.*", re.DOTALL)
_SEARCHED = re.compile(r"^\*\*Searched for:\*\* (.+)$", re.MULTILINE)


def reply_text(answer: Answer) -> str:
    """The short answer, the answer, and below it what a reader needs to check it.

    That is: what was searched for, the sources, and what they do not show.
    Markdown, in which what documents and models wrote loads nothing.
    """
    parts = [answer.answer]
    if answer.status == "unanswerable":
        parts = [_NOT_FOUND, answer.answer] if answer.answer != _NOT_FOUND else parts
    elif short := headline(answer):
        parts.insert(0, f"**{short}**")
    if answer.status == "partial":
        parts.append("**Partly answered:** check it against the sources.")
    if searched := rewritten(answer):
        parts.append(f"**Searched for:** {searched}")
    if answer.citations:
        parts.append("\n".join(["**Sources:**", *map(_source, answer.citations)]))
    if doubtful := doubts(answer):
        parts.append("\n".join(["**Check these:**", *(f"- {line}" for line in doubtful)]))
    return _LOADED.sub(lambda found: "&#33;" if found[0] == "!" else "&lt;", "\n\n".join(parts))


def exchange_of(question: str, reply: str) -> Exchange:
    """A question and its reply as a later question can lean on them: undoes what `reply_text` puts around an answer.

    The reply may be another model's, which has nothing of that.
    """
    searched, lead = _SEARCHED.search(reply), _LEAD.match(reply)
    text = _BELOW.sub("", reply)
    return Exchange(
        question=searched[1] if searched else question,
        answer=text[lead.end() :] if lead else text,
        short_answer=lead[1] if lead else "",
    )


def _source(citation: Citation) -> str:
    title = place(citation.title or citation.source, citation.page)
    checked = "" if citation.verified else " (not verified)"
    return f"- [{citation.n}] {title} — “{' '.join(citation.quote.split())}”{checked}"
