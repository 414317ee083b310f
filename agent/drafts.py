"""A draft with what it cites, and how far that bears it out: whether to look further, and which draft to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.cite import NOTHING, Cited, Withheld, cite
from agent.words import content_words
from agent.write import Draft
from hopcite.types import Chunk, Claim


@dataclass(frozen=True, slots=True)
class Written:
    """One reply of the writer, the passages that it read, and its claims tied to their words."""

    draft: Draft
    passages: tuple[Chunk, ...]
    cited: Cited

    @property
    def borne_out(self) -> bool:
        """Whether the draft gives an answer and each claim is held, names and all, by one quote."""
        claims = self.cited.claims
        return not self.draft.unknown and bool(claims) and all(claim.supported for claim in claims)


def written(draft: Draft, passages: Sequence[Chunk], *, withheld: Withheld = NOTHING) -> Written:
    """Tie a draft to the passages that it was written from. A draft without an answer claims nothing."""
    text = "" if draft.unknown else draft.text or draft.short_answer
    return Written(draft, tuple(passages), cite(text, passages, withheld=withheld))


def better(first: Written, second: Written) -> Written:
    """The draft that is better borne out; of equals the first (docs/decisions.md, "When to decompose")."""
    return first if confidence(first.draft, first.cited) >= confidence(second.draft, second.cited) else second


def confidence(draft: Draft | None, cited: Cited) -> float:
    """Mean of two signs, not calibrated: claims supported, short answer among the quotes. 0 without an answer."""
    if not cited.claims or (draft is not None and draft.unknown):
        return 0.0
    signs = [sum(_credit(claim) for claim in cited.claims) / len(cited.claims)]
    if draft and draft.short_answer.lower() not in ("yes", "no", ""):
        quoted = frozenset[str]().union(*(content_words(f"{c.title} {c.quote}") for c in cited.citations))
        signs.append(float(content_words(draft.short_answer) <= quoted))
    return round(sum(signs) / len(signs), 3)


def _credit(claim: Claim) -> float:
    return 0.5 if claim.supported is None else float(claim.supported)
