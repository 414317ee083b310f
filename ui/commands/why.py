"""`hopcite why`: at which stage of a question a document was lost."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from hopcite.settings import Mode, RerankMethod, Settings
from hopcite.settings_layers import load_settings
from ui.terminal import AsJson, CollectionName, StatusLine, print_json, print_line, print_table

if TYPE_CHECKING:
    from evals.why import Diagnosis, Searched


def why(
    question: str = typer.Argument(..., metavar="QUESTION"),
    expect: str = typer.Option(
        ..., metavar="DOC", help="The document that was expected: its id, title, source or file."
    ),
    collection: CollectionName = None,
    mode: Mode | None = typer.Option(None, help="As for `hopcite ask`."),
    rerank: RerankMethod | None = typer.Option(None, help="As for `hopcite ask`."),
    write: bool = typer.Option(
        True, help="Write the answer, too; without it, the stages before are told in less time."
    ),
    as_json: AsJson = False,
) -> None:
    """Ask a question and tell at which stage a document was lost, or that it was used."""
    flags = {"collection": collection, "answer.mode": mode, "rerank.method": rerank}
    found = asyncio.run(_diagnosis(question, expect, load_settings(flags=flags).settings, write=write))
    if as_json:
        print_json(_json(found))
    else:
        _print(found)


async def _diagnosis(question: str, expect: str, settings: Settings, *, write: bool) -> Diagnosis:
    from agent import AnswerOptions, open_deps
    from evals.why import diagnose, find_document
    from ingest import open_ledger
    from ui.text import stage_line

    with StatusLine() as status:
        status.set("Opening…")
        with open_ledger(settings) as ledger:
            document = find_document(expect, ledger.documents(settings.collection), collection=settings.collection)
        async with open_deps(settings) as deps:
            return await diagnose(
                question,
                document,
                deps=deps,
                options=AnswerOptions.from_settings(settings, write=write),
                on_event=lambda event: status.set(stage_line(event)),
            )


def _json(found: Diagnosis) -> dict[str, object]:
    values = {name: value for name, value in asdict(found).items() if name not in ("answer", "document")}
    document, answer = found.document, found.answer
    return {
        "question": answer.question,
        "document": {"id": document.id, "title": document.title, "source": document.source, "chunks": document.chunks},
        "answer": answer.answer,
        "status": answer.status,
        **values,
    }


def _lists(one: Searched) -> tuple[int | None, ...]:
    places = one.places
    return places.dense, places.sparse, places.hybrid, places.named, places.followed, places.found


def _place(place: int | None) -> str:
    return "–" if place is None else str(place)


def _print(found: Diagnosis) -> None:
    document = found.document
    print_line(f"{found.fate}: {found.reason}\n")
    print_line(f"document  {document.title}  ({document.source}; {document.chunks} passages)")
    if found.answer.claims or found.shown:
        print_line(f"answer    {found.answer.short_answer or '–'}  ({found.answer.status})")
    print_line("")
    header = ("search", "meaning", "words", "both", "named", "followed", "in all", "handed on")
    rows = [[f"{one.step}: {one.question}", *map(_place, _lists(one)), _place(one.handed_on)] for one in found.searches]
    print_table(header, rows)
    print_line("")
    print_line(f"merged    {_place(found.merged)} of {found.candidates}")
    score = (
        "" if found.rerank_score is None else f"  (score {found.rerank_score:.3g}; first {found.best_rerank_score:.3g})"
    )
    print_line(f"ranked    {_place(found.ranked)}{score}")
    print_line(f"shown     {'yes' if found.shown else 'no'}")
    print_line(f"cited     {' '.join(f'[{n}]' for n in found.cited) or 'no'}")
