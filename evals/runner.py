"""A run: a data set's corpus is ingested once, its questions are asked through the one public door, and scored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from agent import AnswerOptions, Deps, answer_question, open_deps
from evals import manifest as manifests
from evals.corpus import ingest_corpus
from evals.datasets import Dataset, Question, load_dataset, select
from evals.records import Record, RunFolder, open_run
from evals.scoring import failed_scores, score
from evals.summary import summarise
from evals.systems import settings_of
from hopcite.errors import HopciteError, NotFound, OperatorError, UsageError
from hopcite.settings import Settings
from hopcite.types import Answer, Usage
from hopcite.wire import answer_json
from ingest import Ledger, open_ledger
from retrieval import Encoder, open_encoder

_EVIDENCE_KEPT = 50


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to measure. `data` is the folder of the data set; `out` the run's folder, by default in the data folder."""

    dataset: str
    data: Path | None = None
    split: str = "test"
    system: str = "default"
    limit: int | None = None
    seed: int | None = None
    concurrency: int = 1
    out: Path | None = None
    retrieval_only: bool = False


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a stage of the run is, and in `note` how the scores stand."""

    stage: str
    done: int
    total: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """Where the run lies, and its summary."""

    folder: Path
    summary: dict[str, Any]


OnProgress = Callable[[RunProgress], None]
OpenParts = Callable[[Settings, str], AbstractAsyncContextManager[Deps]]
"""From settings and a collection's name to the open parts."""


@asynccontextmanager
async def _open_parts(settings: Settings, collection: str) -> AsyncIterator[Deps]:
    async with open_deps(settings, collection=collection) as deps:
        yield deps


def run_evaluation(
    request: RunRequest,
    *,
    settings: Settings,
    progress: OnProgress,
    encoder: Encoder | None = None,
    open_parts: OpenParts = _open_parts,
) -> FinishedRun:
    """Run, or go on with the run that lies in the same folder, and write its summary. Blocks.

    A question that fails is a record with its error, and is tried again by the next run of the same folder. What would
    fail for every question, a missing model or server, ends the run with its error; the records so far are kept.
    """
    if request.data is None:
        raise UsageError(f"Name the folder of {request.dataset} with --data; it holds corpus.jsonl and test.jsonl.")
    settings = settings_of(request.system, settings)
    dataset = load_dataset(request.dataset, request.data, split=request.split)
    questions = select(dataset.questions, limit=request.limit, seed=request.seed)
    encoder = encoder or open_encoder(settings)
    manifest = _manifest(request, dataset, settings, encoder.fingerprint)
    default = f"{dataset.name}-{dataset.split}-{request.system}-{manifests.fingerprint(manifest['identity'])}"
    folder = open_run(request.out or settings.data_dir / "runs" / default, manifest)

    def report(done: int, total: int | None) -> None:
        progress(RunProgress("Ingesting", done, total))

    with open_ledger(settings) as ledger:
        collection = ingest_corpus(dataset, encoder=encoder, ledger=ledger, settings=settings, progress=report)
        run = _Run(request, settings, dataset, folder, ledger, collection, open_parts, progress)
        asyncio.run(run.ask(questions))
    summary = _summary(request, dataset, folder, questions)
    folder.complete(summary, finished=_now())
    return FinishedRun(folder.path, summary)


class _Run:
    """The asking of one run's questions."""

    def __init__(
        self,
        request: RunRequest,
        settings: Settings,
        dataset: Dataset,
        folder: RunFolder,
        ledger: Ledger,
        collection: str,
        open_parts: OpenParts,
        progress: OnProgress,
    ) -> None:
        self.request, self.settings, self.dataset = request, settings, dataset
        self.folder, self.collection, self.open_parts, self.progress = folder, collection, open_parts, progress

        @lru_cache(maxsize=10_000)
        def stored_text(document_id: str) -> str | None:
            try:
                return ledger.document(collection, document_id).text
            except NotFound:
                return None

        self.stored_text = stored_text

    async def ask(self, questions: Sequence[Question]) -> None:
        """Ask what has no record yet, `concurrency` at once."""
        have = {record["id"] for record in self.folder.records}
        todo = [question for question in questions if question.id not in have]
        done = len(questions) - len(todo)
        self._tell(done, len(questions))
        if not todo:
            return
        waiting = iter(todo)
        async with self.open_parts(self.settings, self.collection) as deps:

            async def work() -> None:
                nonlocal done
                for question in waiting:
                    self.folder.append(await self._record(question, deps))
                    done += 1
                    self._tell(done, len(questions))

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.request.concurrency, len(todo))):
                        group.create_task(work())
            except* HopciteError as group_error:
                # The workers stop together; the first cause says what to do.
                raise group_error.exceptions[0] from None

    async def _record(self, question: Question, deps: Deps) -> Record:
        written = not self.request.retrieval_only
        options = AnswerOptions.from_settings(self.settings, write=written)
        error: str | None = None
        try:
            answer = await answer_question(question.question, deps=deps, options=options)
        except OperatorError:
            raise
        except HopciteError as exc:
            error, answer = f"{type(exc).__name__}: {exc}", _no_answer(question.question)
        scored = score(answer, question, dataset=self.dataset, stored_text=self.stored_text, written=written)
        body = answer_json(answer)
        body["evidence"] = body["evidence"][:_EVIDENCE_KEPT]
        return {
            "id": question.id,
            "type": question.type,
            **body,
            "gold": {
                "answers": list(question.answers),
                "passages": [gold.name for gold in question.gold],
                "document_ids": [list(gold.document_ids) for gold in question.gold],
            },
            "scores": scored.scores if error is None else failed_scores(scored.scores),
            "unlocated_sentences": scored.unlocated_sentences,
            "error": error,
        }

    def _tell(self, done: int, total: int) -> None:
        told = []
        for name in ("f1", "recall@5"):
            values = [record["scores"].get(name) for record in self.folder.records]
            known = [value for value in values if value is not None]
            if known:
                told.append(f"{name} {100 * sum(known) / len(known):.1f}")
        self.progress(RunProgress("Asking", done, total, ", ".join(told)))


def _manifest(request: RunRequest, dataset: Dataset, settings: Settings, encoder: str) -> dict[str, Any]:
    return {
        "identity": manifests.identity(
            dataset,
            settings,
            encoder=encoder,
            system=request.system,
            seed=request.seed,
            retrieval_only=request.retrieval_only,
        ),
        "settings": manifests.masked(settings),
        "machine": manifests.machine(),
        "code": manifests.code_version(),
        "limit": request.limit,
        "concurrency": request.concurrency,
        "started": _now(),
        "resumed": [],
        "status": "running",
        "finished": None,
    }


def _summary(request: RunRequest, dataset: Dataset, folder: RunFolder, questions: Sequence[Question]) -> dict[str, Any]:
    """Over the selected questions: a folder may hold more, of an earlier run with a higher limit."""
    records = {record["id"]: record for record in folder.records}
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "system": request.system,
        "notes": list(dataset.notes),
        **summarise([records[question.id] for question in questions]),
    }


def _no_answer(question: str) -> Answer:
    return Answer(question, "", "", "unanswerable", 0.0, (), (), (), (), Usage(), {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
