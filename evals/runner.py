"""A run: a data set's corpus is ingested once, its questions are asked through the one public door, and scored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from agent import Deps, open_deps
from agent.calibration import read_calibration
from evals import manifest as manifests
from evals.asking import Job, OnOutcome, Outcome, ask_all
from evals.cache import ReplyCache, with_cache
from evals.corpus import ingest_corpus
from evals.datasets import Dataset, Question, load_dataset, select, without_gold
from evals.datasets import custom as own
from evals.datasets.download import SOURCES, fetch_dataset
from evals.records import Record, RunFolder, answer_record, open_run
from evals.request import RunRequest, check_request
from evals.scoring import failed_scores, score
from evals.summary import summarise
from evals.systems import settings_of, system_named
from hopcite.errors import NotFound, UsageError
from hopcite.settings import Settings
from ingest import Ledger, open_ledger
from retrieval import Encoder, open_encoder

_EVIDENCE_KEPT = 50


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
async def open_parts_of(settings: Settings, collection: str) -> AsyncIterator[Deps]:
    """The parts that the settings name."""
    async with open_deps(settings, collection=collection) as deps:
        yield deps


def run_evaluation(
    request: RunRequest,
    *,
    settings: Settings,
    progress: OnProgress,
    encoder: Encoder | None = None,
    open_parts: OpenParts = open_parts_of,
) -> FinishedRun:
    """Run, or go on with the run that lies in the same folder, and write its summary. Blocks.

    A question that fails is a record with its error, and is tried again by the next run of the same folder. What would
    fail for every question, a missing model or server, ends the run with its error; the records so far are kept.
    """
    system = system_named(request.system)
    check_request(request, system)
    settings = settings_of(system, settings)
    with open_ledger(settings) as ledger:
        dataset = _load(request, settings, ledger, progress)
        questions = select(dataset.questions, limit=request.limit, seed=request.seed)
        if request.pool == "distractor" and not all(question.pool for question in questions):
            raise UsageError(
                f"{request.dataset} here does not say which documents belong to a question; use --pool open, or the "
                "official file."
            )
        encoder = encoder or open_encoder(settings)
        manifest = _manifest(request, dataset, settings, encoder.fingerprint)
        default = f"{dataset.name}-{dataset.split}-{request.system}-{manifests.fingerprint(manifest['identity'])}"
        path = request.out or settings.data_dir / "runs" / default
        with open_run(path, manifest, retry={question.id for question in questions}) as folder:
            collection = _collection(dataset, encoder, ledger, settings, progress)
            job = Job(system, written=not request.retrieval_only, pool=request.pool)
            have = {record["id"] for record in folder.records}
            todo = [question for question in questions if question.id not in have]
            total = len(have) + len(todo)
            writer = _Writer(job, dataset, folder, ledger, collection, progress, total=total)
            writer.show()
            if todo and request.executor == "ray":
                from evals.on_ray import ask_on_ray

                workers = request.concurrency
                ask_on_ray(todo, job, settings=settings, collection=collection, workers=workers, tell=writer.tell)
            elif todo:
                asyncio.run(_ask_here(todo, job, request, settings, collection, open_parts, writer.tell))
            summary = _summary(request, dataset, folder)
            limit = None if request.limit is None else max(request.limit, len(folder.records))
            folder.complete(summary, finished=_now(), limit=limit)
    return FinishedRun(path, summary)


def _load(request: RunRequest, settings: Settings, ledger: Ledger, progress: OnProgress) -> Dataset:
    data = request.data
    if request.dataset == own.NAME:
        if data is None:
            raise UsageError("Name the file of your questions with --data; each line has a question and its gold.")
        return own.load_questions(data, ledger=ledger, collection=settings.collection)
    if data is None and request.dataset in SOURCES:
        split = SOURCES[request.dataset].split
        if request.split != split:
            raise UsageError(
                f"What is published of {request.dataset} has its answers in the split {split}; add --split {split}, or "
                "name a folder of your own with --data."
            )
        data = fetch_dataset(
            request.dataset,
            settings.data_dir / "datasets" / request.dataset,
            progress=lambda done, total: progress(RunProgress("Downloading", done, total)),
        )
    dataset = load_dataset(request.dataset, data or Path(), split=request.split)
    return without_gold(dataset) if request.without_gold else dataset


def _collection(dataset: Dataset, encoder: Encoder, ledger: Ledger, settings: Settings, progress: OnProgress) -> str:
    """The collection to search: of the data set's corpus or, for a person's own questions, the one that is there."""
    if dataset.name == own.NAME:
        return settings.collection
    return ingest_corpus(
        dataset,
        encoder=encoder,
        ledger=ledger,
        settings=settings,
        progress=lambda done, total: progress(RunProgress("Ingesting", done, total)),
    )


async def _ask_here(
    questions: Sequence[Question],
    job: Job,
    request: RunRequest,
    settings: Settings,
    collection: str,
    open_parts: OpenParts,
    tell: OnOutcome,
) -> None:
    with ExitStack() as stack:
        async with open_parts(settings, collection) as deps:
            if request.cache:
                cache = ReplyCache(settings.data_dir / "replies.sqlite")
                stack.callback(cache.close)
                deps = with_cache(deps, cache)
            await ask_all(questions, job, deps=deps, concurrency=request.concurrency, tell=tell)


class _Writer:
    """Scores each outcome, appends its record, and shows how the run stands."""

    def __init__(
        self,
        job: Job,
        dataset: Dataset,
        folder: RunFolder,
        ledger: Ledger,
        collection: str,
        progress: OnProgress,
        *,
        total: int,
    ) -> None:
        self._job, self._dataset, self._folder, self._progress, self._total = job, dataset, folder, progress, total

        @lru_cache(maxsize=10_000)
        def stored_text(document_id: str) -> str | None:
            try:
                return ledger.document(collection, document_id).text
            except NotFound:
                return None

        self._stored_text = stored_text

    def tell(self, outcome: Outcome) -> None:
        """Write one record. `NoSpace` leaves the earlier ones intact."""
        self._folder.append(self._record(outcome))
        self.show()

    def _record(self, outcome: Outcome) -> Record:
        question, answer, error = outcome.question, outcome.answer, outcome.error
        scored = score(
            answer,
            question,
            dataset=self._dataset,
            stored_text=self._stored_text,
            retrieved=self._job.system.evidence == "retrieved",
            written=self._job.written,
        )
        body = answer_record(answer)
        body["evidence"] = body["evidence"][:_EVIDENCE_KEPT]
        return {
            "id": question.id,
            "type": question.type,
            **body,
            "gold": {
                "answers": list(question.answers),
                "answerable": question.answerable,
                "passages": [gold.name for gold in question.gold],
                "document_ids": [list(gold.document_ids) for gold in question.gold],
            },
            "scores": scored.scores if error is None else failed_scores(scored.scores),
            "unlocated_sentences": scored.unlocated_sentences,
            "error": error,
        }

    def show(self) -> None:
        """Tell how many of the folder's questions are done, and how they score so far."""
        told = []
        for name in ("f1", "recall@5"):
            values = [record["scores"].get(name) for record in self._folder.records]
            known = [value for value in values if value is not None]
            if known:
                told.append(f"{name} {100 * sum(known) / len(known):.1f}")
        self._progress(RunProgress("Asking", len(self._folder.records), self._total, ", ".join(told)))


def _manifest(request: RunRequest, dataset: Dataset, settings: Settings, encoder: str) -> dict[str, Any]:
    return {
        "identity": manifests.identity(
            dataset,
            settings,
            encoder=encoder,
            system=request.system,
            seed=request.seed,
            pool=request.pool,
            retrieval_only=request.retrieval_only,
            calibration=_calibration(settings),
        ),
        "settings": manifests.masked(settings),
        "machine": manifests.machine(),
        "code": manifests.code_version(),
        "limit": request.limit,
        "concurrency": request.concurrency,
        "executor": request.executor,
        "cache": request.cache and request.executor == "local",
        "started": _now(),
        "resumed": [],
        "status": "running",
        "finished": None,
    }


def _calibration(settings: Settings) -> str | None:
    found = read_calibration(settings.data_dir)
    return found.fingerprint if found else None


def _summary(request: RunRequest, dataset: Dataset, folder: RunFolder) -> dict[str, Any]:
    """Over all that the folder holds, also of an earlier run with a higher limit: report and compare read no less."""
    records = {record["id"]: record for record in folder.records}
    order = select(dataset.questions, limit=None, seed=request.seed)
    return {
        "dataset": dataset.name,
        "split": dataset.split,
        "system": request.system,
        "notes": list(dataset.notes),
        **summarise([records[question.id] for question in order if question.id in records]),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
