"""Running the suite: its documents are ingested for real, and each question goes through the one public door."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent import AnswerOptions, Deps, answer_question
from evals import manifest as manifests
from evals.attacks.judge import harms, right, succeeded
from evals.attacks.suite import Case, Page, Suite, load_suite
from evals.attacks.table import summarise
from evals.cache import ReplyCache, with_cache
from evals.records import Record, open_run
from evals.runner import OpenParts, open_parts_of
from hopcite.errors import OperatorError
from hopcite.settings import Mode, Settings
from hopcite.types import Answer, Document
from hopcite.wire import answer_json
from ingest import ingest_documents, ingest_upload, open_ledger
from retrieval import Encoder, open_collection, open_encoder

_COLLECTION = "attacks"


@dataclass(frozen=True, slots=True)
class AttackRequest:
    """Which attacks. `out`: the run's folder, by default in the data folder. `mode`: as the settings say, if None."""

    kinds: tuple[str, ...] = ()
    limit: int | None = None
    defended: bool = True
    cache: bool = True
    out: Path | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class FinishedAttacks:
    """Where the run lies, and its summary."""

    folder: Path
    summary: dict[str, Any]


def run_attacks(
    request: AttackRequest,
    *,
    settings: Settings,
    progress: Callable[[int, int], None],
    encoder: Encoder | None = None,
    open_parts: OpenParts = open_parts_of,
) -> FinishedAttacks:
    """Run, or go on with the run that lies in the same folder. Blocks. `progress` hears of cases done and all.

    The documents lie in an index of their own, which is deleted at the end. Errors as of `evals.run_evaluation`.
    """
    suite = load_suite(kinds=request.kinds, limit=request.limit)
    mode = request.mode or settings.answer.mode
    answer = settings.answer.model_copy(update={"mode": mode, "defences": request.defended})
    settings = settings.model_copy(update={"answer": answer})
    encoder = encoder or open_encoder(settings)
    manifest = _manifest(suite, settings, encoder)
    name = f"attacks-{manifests.fingerprint(manifest['identity'])}"
    cases = (*suite.clean, *suite.attacks)
    wanted = {case.id for case in cases}
    with open_run(request.out or settings.data_dir / "runs" / name, manifest, retry=wanted) as folder:

        def tell(record: Record) -> None:
            folder.append(record)
            progress(len(folder.records), max(len(cases), len(folder.records)))

        have = {record["id"] for record in folder.records}
        todo = [case for case in cases if case.id not in have]
        if todo:
            _ask_todo(todo, request, settings, encoder, open_parts, tell)
        summary = {"defended": request.defended, **summarise([r for r in folder.records if r["id"] in wanted])}
        folder.complete(summary, finished=_now())
    return FinishedAttacks(folder.path, summary)


def _ask_todo(
    cases: Sequence[Case],
    request: AttackRequest,
    settings: Settings,
    encoder: Encoder,
    open_parts: OpenParts,
    tell: Callable[[Record], None],
) -> None:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        own = settings.model_copy(update={"data_dir": place, "collection": _COLLECTION})
        _ingest(list({page.id: page for case in cases for page in case.pages}.values()), own, encoder)
        cache = ReplyCache(settings.data_dir / "replies.sqlite") if request.cache else None
        if cache:
            stack.callback(cache.close)
        asyncio.run(_ask(cases, own, open_parts, cache, tell))


def _ingest(pages: Sequence[Page], settings: Settings, encoder: Encoder) -> None:
    collection = open_collection(settings, encoder, name=_COLLECTION, create=True)
    try:
        with open_ledger(settings) as ledger:
            texts = [Document(page.id, page.title, page.text, source=page.id) for page in pages if not page.html]
            ingest_documents(texts, collection=collection, ledger=ledger, settings=settings)
            for page in (page for page in pages if page.html):
                body = f"<html><head><title>{page.title}</title></head><body>{page.text}</body></html>"
                ingest_upload(page.id, body.encode(), collection=collection, ledger=ledger, settings=settings)
    finally:
        collection.close()


async def _ask(
    cases: Iterable[Case],
    settings: Settings,
    open_parts: OpenParts,
    cache: ReplyCache | None,
    tell: Callable[[Record], None],
) -> None:
    async with open_parts(settings, _COLLECTION) as deps:
        for case in cases:
            tell(await _record(case, with_cache(deps, cache) if cache else deps))


async def _record(case: Case, deps: Deps) -> Record:
    """A question that fails is the attack's success: it was to be answered. `OperatorError` is raised."""
    options = replace(AnswerOptions.from_settings(deps.settings), within=tuple(page.id for page in case.pages))
    try:
        answer, error = await answer_question(case.question, deps=deps, options=options), None
    except OperatorError:
        raise
    except Exception as exc:  # noqa: BLE001 - one question must not stop the others, nor every resumed run
        return {**_about(case), "scores": _failed(), "error": f"{type(exc).__name__}: {exc}"}
    found = harms(answer, case)
    scores: dict[str, float] = {name: float(harm) for name, harm in found.items()}
    scores |= {"success": float(succeeded(found, case)), "right": float(right(answer, case))}
    return {**_about(case), **_body(answer), "scores": scores, "error": error}


def _about(case: Case) -> Record:
    return {
        "id": case.id,
        "type": case.kind,
        "tuned_on": case.tuned_on,
        "goals": list(case.goals),
        "planted": case.planted,
        "poisoned": case.poisoned,
        "question": case.question,
    }


def _body(answer: Answer) -> Record:
    return {**answer_json(answer), "trace": [asdict(event) for event in answer.trace.events]}


def _failed() -> dict[str, float]:
    return {"planted": 0.0, "cited": 0.0, "leaked": 0.0, "first": 0.0, "silenced": 1.0, "success": 1.0, "right": 0.0}


def _manifest(suite: Suite, settings: Settings, encoder: Encoder) -> dict[str, Any]:
    return {
        "identity": {
            "format": manifests.VERSION,
            "dataset": "attacks",
            "split": "all",
            "questions_sha256": suite.sha256,
            "system": "defended" if settings.answer.defences else "undefended",
            "settings_fingerprint": settings.fingerprint(),
            "encoder": encoder.fingerprint,
            "models": manifests.models(settings),
            "code_sha256": manifests.sources_sha256(*manifests.CODE),
        },
        "settings": manifests.masked(settings),
        "machine": manifests.machine(),
        "code": manifests.code_version(),
        "started": _now(),
        "resumed": [],
        "status": "running",
        "finished": None,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
