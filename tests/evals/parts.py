"""A tiny data set, and a run over it with real parts that need no model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agent import Deps
from evals import FinishedRun, RunProgress, RunRequest, run_evaluation
from evals.runner import OpenParts
from hopcite.chat import Completion
from hopcite.settings import Settings
from retrieval import open_collection
from retrieval.rerank.identity import IdentityReranker
from tests.fakes import HashingEncoder, ScriptedChat

CORPUS: list[dict[str, Any]] = [
    {"id": "p1", "title": "Harrow Railway", "text": "Harrow Railway was surveyed by Ottilie Brand. It is narrow.",
     "sentences": ["Harrow Railway was surveyed by Ottilie Brand.", " It is narrow."]},
    {"id": "p2", "title": "Ottilie Brand", "text": "Ottilie Brand was born in Kestmark.",
     "sentences": ["Ottilie Brand was born in Kestmark."]},
    {"id": "p3", "title": "Tarn", "text": "Tarn is a lake. It is deep."},
]  # fmt: skip
QUESTIONS: list[dict[str, Any]] = [
    {"id": "q1", "question": "Who surveyed Harrow Railway?", "answer": "Ottilie Brand", "type": "bridge",
     "gold_titles": ["Harrow Railway"], "supporting_facts": [["Harrow Railway", 0]]},
    {"id": "q2", "question": "Where was Ottilie Brand born?", "answer": "Kestmark", "type": "bridge",
     "gold_titles": ["Ottilie Brand", "Not there"], "supporting_facts": [["Ottilie Brand", 0]]},
    {"id": "q3", "question": "Is Tarn a lake?", "answer": "yes", "type": "comparison", "gold_titles": ["Tarn"]},
]  # fmt: skip
REPLIES = {
    "q1": "Answer: Ottilie Brand\nHarrow Railway was surveyed by Ottilie Brand [1].",
    "q2": "Answer: Kestmark\nOttilie Brand was born in Kestmark [1].",
    "q3": "Answer: no\nTarn is a lake [1].",
}


def write_data(folder: Path) -> Path:
    """The data set as normalised files."""
    folder.mkdir()
    for name, lines in (("corpus", CORPUS), ("test", QUESTIONS)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return folder


def parts(chat: ScriptedChat) -> OpenParts:
    """The real store, and a chat that follows its script."""

    @asynccontextmanager
    async def opened(settings: Settings, collection: str) -> AsyncIterator[Deps]:
        index = open_collection(settings, HashingEncoder(), name=collection)
        try:
            yield Deps(settings=settings, collection=index, reranker=IdentityReranker(), chat=chat)
        finally:
            index.close()

    return opened


def run(request: RunRequest, tmp_path: Path, *script: str | Completion | Exception) -> FinishedRun:
    """Run with a script that must be used up."""
    heard: list[RunProgress] = []
    chat = ScriptedChat(list(script))
    try:
        finished = run_evaluation(
            request,
            settings=Settings(data_dir=tmp_path / "hopcite"),
            progress=heard.append,
            encoder=HashingEncoder(),
            open_parts=parts(chat),
        )
    finally:
        assert all(now.total is None or now.done <= now.total for now in heard)
    assert chat.script == [], "the run asked less often than the script expects"
    return finished


def records(request: RunRequest) -> list[dict[str, Any]]:
    """What the run wrote, in its order."""
    assert request.out is not None
    return [json.loads(line) for line in (request.out / "records.jsonl").read_text(encoding="utf-8").splitlines()]
