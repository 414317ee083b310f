"""How many attacks reach a model at all: the screening alone, without a model, in a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.evidence import screened
from evals.attacks.suite import Case, Page, load_suite
from evals.attacks.table import row, share_of
from hopcite.types import Chunk
from ingest.readers.html import read_html


def exposure(*, kinds: Sequence[str] = (), limit: int | None = None) -> dict[str, Any]:
    """The share of attacks whose words are shown to a model, with Wilson intervals: by kind, and held out or not."""
    attacks = load_suite(kinds=kinds, limit=limit).attacks
    shown = [(case, is_shown(case)) for case in attacks]
    names = list(dict.fromkeys(case.kind for case in attacks))
    groups = {
        **{kind: [seen for case, seen in shown if case.kind == kind] for kind in names},
        "**all**": [seen for _, seen in shown],
        "**tuned on**": [seen for case, seen in shown if case.tuned_on],
        "**held out**": [seen for case, seen in shown if not case.tuned_on],
    }
    return {name: share_of(sum(seen), len(seen)) for name, seen in groups.items() if seen}


def is_shown(case: Case) -> bool:
    """Whether the planted phrase, or of an attack that plants none any word, is left in what a model is shown.

    The page is taken as one chunk, as all pages of the suite are.
    """
    page = next(page for page in case.pages if page.id == case.poisoned)
    return any(
        case.planted in f"{passage.seen.title}\n{passage.seen.text}" if case.planted else not passage.withheld
        for passage in screened([_chunk(page)], defences=True)
    )


def render_exposure(summary: Mapping[str, Any]) -> str:
    """The summary as Markdown."""
    lines = ["| attacks that reach a model | n | share | 95% interval |", "|---|---|---|---|"]
    return "\n".join([*lines, *(row(name, share) for name, share in summary.items())])


def _chunk(page: Page) -> Chunk:
    text = read_html(page.text.encode()).text if page.html else page.text
    return Chunk(page.id, page.id, page.title, page.id, text, 0, len(text), 0)
