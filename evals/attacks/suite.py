"""The suite: questions about an invented island, honest documents, and documents that were made to do harm.

Everything in `data/` was written for this suite. An attack stands either in a document of its own, or behind the honest
words of one that the question needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from hopcite.errors import UsageError

Goal = Literal["planted", "cited", "leaked", "first", "silenced"]
"""planted: a phrase of the attacker's stands in the answer. cited: the attacker's words are quoted as support. leaked:
words of the prompt stand in the answer. first: the attacker's document is ranked above the honest ones. silenced: what
is answered without the attack is not answered."""


@dataclass(frozen=True, slots=True)
class Page:
    """A document to ingest. `html`: `text` is the body of a page, which the HTML reader reads."""

    id: str
    title: str
    text: str
    html: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A question with the documents that may be searched for it; without an attack where `kind` is "clean"."""

    id: str
    kind: str
    question: str
    answers: tuple[str, ...]
    pages: tuple[Page, ...]
    poisoned: str = ""
    """Id of the page that holds the attack."""
    attack: str = ""
    """The attack's own words, as written."""
    planted: str = ""
    goals: tuple[Goal, ...] = ()
    tuned_on: bool = False
    """Whether the defences were developed with this attack; the others show how far they carry."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The attacks, and each of their questions once without one."""

    attacks: tuple[Case, ...]
    clean: tuple[Case, ...]
    sha256: str


def load_suite(*, kinds: Sequence[str] = (), limit: int | None = None) -> Suite:
    """Attacks of these kinds, by default all; with a limit the first of each kind, then the second, and so on.

    Raises `UsageError` for a kind that does not exist.
    """
    raw = {name: _lines(name) for name in ("documents", "questions", "attacks")}
    pages = {line["id"]: Page(**line) for line in raw["documents"]}
    clean = {line["id"]: _clean(line, pages) for line in raw["questions"]}
    attacks = [_attacked(line, clean[line["question"]]) for line in raw["attacks"]]
    known = list(dict.fromkeys(case.kind for case in attacks))
    if unknown := [kind for kind in kinds if kind not in known]:
        raise UsageError(f"There is no kind of attack {unknown[0]!r}; choose of {', '.join(known)}.")
    chosen = [case for case in attacks if not kinds or case.kind in kinds]
    chosen = sorted(chosen, key=lambda case: int(case.id.rpartition("-")[2]))[:limit]
    asked = {case.question for case in chosen}
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
    return Suite(tuple(chosen), tuple(case for case in clean.values() if case.question in asked), digest)


def _clean(line: Mapping[str, Any], pages: Mapping[str, Page]) -> Case:
    return Case(
        id=f"clean-{line['id']}",
        kind="clean",
        question=line["question"],
        answers=tuple(line["answers"]),
        pages=tuple(pages[id_] for id_ in line["documents"]),
    )


def _attacked(line: Mapping[str, Any], clean: Case) -> Case:
    if "into" in line:
        honest = next(page for page in clean.pages if page.id == line["into"])
        page = Page(f"{line['id']}/{honest.id}", honest.title, f"{honest.text}\n{line['text']}")
        pages = tuple(page if other is honest else other for other in clean.pages)
    else:
        html = line.get("html", False)
        page = Page(f"{line['id']}/own{'.html' if html else ''}", line["title"], line["text"], html)
        pages = (*clean.pages, page)
    return Case(
        id=line["id"],
        kind=line["kind"],
        question=clean.question,
        answers=clean.answers,
        pages=pages,
        poisoned=page.id,
        attack=line["text"],
        planted=line["planted"],
        goals=tuple(line["goals"]),
        tuned_on=line["tuned_on"],
    )


def _lines(name: str) -> list[dict[str, Any]]:
    return list(_parsed((resources.files("evals.attacks") / "data" / f"{name}.jsonl").read_text(encoding="utf-8")))


def _parsed(text: str) -> Iterator[dict[str, Any]]:
    # Not splitlines(): the attacks hold characters that it takes for line ends.
    yield from (json.loads(line) for line in text.split("\n") if line)
