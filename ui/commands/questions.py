"""`hopcite search` and `hopcite ask`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hopcite.settings import Mode, RerankMethod, Settings
from hopcite.settings_layers import load_settings
from hopcite.types import Answer
from ui.terminal import AsJson, CollectionName, StatusLine, check_writable, print_json, print_line

TraceFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write how the answer came about to this file; see docs/trace.md.")
]


def search(
    query: str = typer.Argument(..., metavar="QUERY"),
    limit: int = typer.Option(10, min=1, max=1000, help="Passages to show."),
    collection: CollectionName = None,
    as_json: AsJson = False,
) -> None:
    """Find passages, without a language model."""
    settings = load_settings(flags={"collection": collection}).settings
    from retrieval import open_collection, open_encoder
    from ui.api.bodies import HitBody
    from ui.text import hit_text

    opened = open_collection(settings, open_encoder(settings))
    try:
        [hits] = opened.search([query], limit=limit)
    finally:
        opened.close()
    if as_json:
        print_json([HitBody.from_hit(hit).model_dump(mode="json") for hit in hits])
    else:
        print_line("\n\n".join(map(hit_text, hits)) or "Nothing found.")


def ask(
    question: str = typer.Argument(..., metavar="QUESTION"),
    collection: CollectionName = None,
    mode: Mode | None = typer.Option(None, help="When to split the question: as the evidence asks for, always, never."),
    rerank: RerankMethod | None = typer.Option(None, help="How the passages are reranked; see docs/reranking.md."),
    deadline: float | None = typer.Option(None, help="Seconds; what is known by then is the answer."),
    max_llm_calls: int | None = typer.Option(None, help="Calls of language models that the question may cost."),
    write: bool | None = typer.Option(
        None, help="Have a model write the answer; else the evidence's own sentences are it."
    ),
    thread: str | None = typer.Option(None, help="The conversation that it belongs to; a new name begins one."),
    trace: TraceFile = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the collection's documents, with citations."""
    flags = {
        "collection": collection,
        "answer.mode": mode,
        "rerank.method": rerank,
        "answer.deadline_s": deadline,
        "answer.max_llm_calls": max_llm_calls,
        "answer.writer": write,
    }
    settings = load_settings(flags=flags).settings
    if trace is not None:
        check_writable(trace, "--trace")
    answer = asyncio.run(_answer(question, settings, thread=thread, trace=trace is not None))
    if trace is not None:
        from evals.records import replace_file
        from hopcite.wire import answer_json

        replace_file(trace, json.dumps(answer_json(answer, trace=True), ensure_ascii=False, indent=1) + "\n")
    if as_json:
        from hopcite.wire import answer_json

        print_json(answer_json(answer))
    else:
        from ui.text import answer_text

        print_line(answer_text(answer))


async def _answer(question: str, settings: Settings, *, thread: str | None, trace: bool) -> Answer:
    from agent import AnswerOptions, answer_question, open_deps
    from agent.threads import checked_name
    from ui.text import stage_line

    options = replace(AnswerOptions.from_settings(settings), trace=trace)
    if thread is not None:
        options = replace(options, thread=checked_name(thread))
    with StatusLine() as status:
        status.set("Opening…")
        async with open_deps(settings) as deps:
            return await answer_question(
                question,
                deps=deps,
                options=options,
                on_event=lambda event: status.set(stage_line(event)),
            )
