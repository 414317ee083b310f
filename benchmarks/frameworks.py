"""Hopcite beside LlamaIndex's SubQuestionQueryEngine, a plain LangGraph loop and the seed paper's system (`qd-rr`).

Same model, index and questions.

    pip install llama-index-core==0.14.25 llama-index-llms-openai-like==0.8.1 langchain-openai==1.7.3
    python -m benchmarks.frameworks hotpotqa --data DATA/hotpotqa --out FOLDER [--limit 12] [--systems hopcite]

in Hopcite's environment, from the root of the checkout. Every framework, and Hopcite with the paper's system, has a
llama.cpp server of its own with the same model, which keeps what it has read last (or all ask `llm.base_url`); all
search the one collection that `hopcite eval` makes of the data set. A search of the others is Hopcite's hybrid search
without hops, and finds as many passages as Hopcite's writer reads. They have their own prompts and defaults, but
temperature 0, a limit of the reply, and, in the prompt of the final answer, the sentence by which Hopcite asks for a
short one. The systems take turns on each question, one at a time, so that their seconds compare. Beside the seconds of
the clock stand those of the processor, the embedded model's included: they hold on a busy machine, too.

FOLDER gets one run folder a system. The same command goes on where it was stopped; to ask one system again, remove its
folder and name it with --systems: the table shows all that FOLDER holds, on the questions that all of them have.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.metadata
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent import Deps, open_deps
from agent.write import parse_draft
from benchmarks.frameworks_table import render
from benchmarks.peers import TIMEOUT_S, Meter, Model, Peer, Search
from evals import manifest as manifests
from evals.asking import Job, Outcome
from evals.asking import ask as ask_hopcite
from evals.corpus import ingest_corpus
from evals.datasets import Dataset, Question, load_dataset, select
from evals.reading import read_runs
from evals.records import Record, RunFolder, open_run
from evals.scoring import answer_scores, failed_scores
from evals.systems import settings_of, system_named
from hopcite.budget import Budget
from hopcite.errors import HopciteError, UsageError
from hopcite.llamacpp import EmbeddedServer
from hopcite.models import model_path
from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from hopcite.types import Answer, AnswerStatus, Chunk, Usage
from ingest import open_ledger
from retrieval import Collection, Encoder, open_encoder

HOPCITE = "hopcite"
OWN: Mapping[str, str] = {HOPCITE: "default", "qd-rr": "qd-rr"}
"""Systems of `hopcite eval`."""
PEERS: Mapping[str, tuple[str, str]] = {
    "llama-index": ("benchmarks.llama_index_peer", "LlamaIndexPeer"),
    "langgraph": ("benchmarks.langgraph_peer", "LangGraphPeer"),
}
Ask = Callable[[Question], Awaitable[tuple[Outcome, Mapping[str, object]]]]
"""A question to what became of it, and notes on the way there."""


def main() -> None:
    """Ask what has not been asked yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("--systems", nargs="+", choices=(*OWN, *PEERS), default=(*OWN, *PEERS))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    dataset = load_dataset(arguments.dataset, arguments.data, split=arguments.split)
    questions = select(dataset.questions, limit=arguments.limit, seed=None)
    settings = load_settings().settings
    encoder = open_encoder(settings)
    with open_ledger(settings) as ledger:
        collection = ingest_corpus(dataset, encoder=encoder, ledger=ledger, settings=settings, progress=lambda *_: None)
    with ExitStack() as stack:
        folders = {
            name: stack.enter_context(open_run(arguments.out / name, manifest(name, dataset, settings, encoder)))
            for name in arguments.systems
        }
        asyncio.run(ask_all(questions, folders, dataset=dataset, settings=settings, collection=collection))
    found = [path for path in sorted(arguments.out.iterdir()) if (path / "records.jsonl").exists()]
    print(render({run.name: run.records for run in read_runs(found)}, baseline=HOPCITE))


async def ask_all(
    questions: Sequence[Question],
    folders: Mapping[str, RunFolder],
    *,
    dataset: Dataset,
    settings: Settings,
    collection: str,
) -> None:
    """Every system in turn on each question; who begins changes from question to question."""
    have = {name: {record["id"] for record in folder.records} for name, folder in folders.items()}
    if all(question.id in ids for question in questions for ids in have.values()):
        return
    async with AsyncExitStack() as stack:
        llm = settings.llm.model_copy(update={"timeout_s": TIMEOUT_S})  # the patience that the others have
        settings = settings.model_copy(update={"llm": llm})
        deps = await stack.enter_async_context(open_deps(settings, collection=collection))
        asks = {name: await opened(name, deps, stack) for name in folders}
        for number, question in enumerate(questions):
            turn = number % len(asks)
            for name in [*asks, *asks][turn : turn + len(asks)]:
                if question.id not in have[name]:
                    begun = time.process_time()
                    outcome, notes = await asks[name](question)
                    processor_s = time.process_time() - begun
                    folders[name].append(record_of(outcome, notes, dataset, processor_s=processor_s))
                    print(f"{number + 1} {name}: {told(folders[name].records[-1])}", flush=True)


def told(record: Record) -> str:
    """A record in a line."""
    usage = record["usage"]
    spent = f"{usage['ms']['total'] / 1000:.0f} s ({usage['processor_s']:.0f} s busy), {usage['llm_calls']} calls"
    return f"F1 {record['scores']['f1']:.2f}, {spent}: {record['failure'] or repr(record['short_answer'])}"


def served(settings: Settings, stack: AsyncExitStack) -> Model:
    """The server that a framework asks: the one of the settings, else one of its own, embedded as Hopcite's is."""
    llm = settings.llm
    if llm.base_url:
        key = llm.api_key.get_secret_value() if llm.api_key else "none"
        return Model(llm.model, llm.base_url, key, llm.context_tokens)
    path = model_path(settings, llm.model)
    server = EmbeddedServer(path, context_tokens=llm.context_tokens, threads=llm.threads)
    stack.callback(server.close)
    at = server.start()
    return Model(llm.model, at.base_url, at.api_key, llm.context_tokens)


async def opened(name: str, deps: Deps, stack: AsyncExitStack) -> Ask:
    """The system, warm: nothing is left to load when its first question comes."""
    collection, k = deps.collection, deps.settings.answer.evidence

    async def search(query: str) -> list[Chunk]:
        [hits] = await asyncio.to_thread(collection.search, [query], limit=k, mode="hybrid", hops=False)
        return [hit.chunk for hit in hits]

    passages = await search("warm up")
    if name in OWN:
        await deps.chat.complete([{"role": "user", "content": "Say yes."}], max_tokens=1, budget=Budget())
        await deps.reranker.rerank("warm up", passages, budget=Budget())
        return hopcite(deps, OWN[name])
    module, peer = PEERS[name]
    return metered(getattr(_imported(module), peer), served(deps.settings, stack), search)


def hopcite(deps: Deps, name: str) -> Ask:
    """A system of Hopcite's own, with the parts that all of them share."""
    job = Job(system_named(name), written=True)
    settings, opened = settings_of(job.system, deps.settings), deps.collection
    collection = Collection(opened.name, opened.encoder, opened.index, settings.search)
    deps = replace(deps, settings=settings, collection=collection)

    async def asked(question: Question) -> tuple[Outcome, Mapping[str, object]]:
        outcome = await ask_hopcite(question, job, deps=deps)
        steps = [step.question for step in outcome.answer.steps if step.id != "q"]
        return outcome, {"status": outcome.answer.status, "steps": steps}

    return asked


def metered(open_peer: Callable[[Model, Search, Meter], Peer], model: Model, search: Search) -> Ask:
    """A framework: its seconds and bill are taken from outside, its short answer is read as Hopcite's is.

    Where a reply has none, all of it is the answer: in a long one that is right, F1 finds the right words.
    """
    meter = Meter()
    peer = open_peer(model, search, meter)

    async def asked(question: Question) -> tuple[Outcome, Mapping[str, object]]:
        before, started = meter.spent, time.perf_counter()
        said = await peer.ask(question.question)
        ms = 1000 * (time.perf_counter() - started)
        calls, prompt, completion = (now - then for now, then in zip(meter.spent, before, strict=True))
        draft = parse_draft(said.reply)
        short = "" if said.failure or draft.unknown else draft.short_answer or said.reply
        usage = Usage(calls, prompt, completion, {"total": round(ms, 1)})
        status: AnswerStatus = "answered" if short else "unanswerable"
        answer = Answer(question.question, said.reply, short, status, 0.0, (), (), (), (), usage, {})
        return Outcome(question, answer, said.failure), said.notes

    return asked


def record_of(outcome: Outcome, notes: Mapping[str, object], dataset: Dataset, *, processor_s: float) -> Record:
    """A line of a run folder. What failed is wrong, and is not asked again: `error` is for what might go better."""
    question, answer = outcome.question, outcome.answer
    scores = answer_scores(answer, question, dataset.name)
    return {
        "id": question.id,
        "type": question.type,
        "question": question.question,
        "answer": answer.answer,
        "short_answer": answer.short_answer,
        "gold": {"answers": list(question.answers)},
        "scores": scores if outcome.error is None else failed_scores(scores),
        "usage": {**asdict(answer.usage), "processor_s": round(processor_s, 2)},
        "failure": outcome.error,
        "error": None,
        "notes": notes,
    }


def manifest(name: str, dataset: Dataset, settings: Settings, encoder: Encoder) -> dict[str, Any]:
    """What must be equal for a run to go on. A framework does not depend on Hopcite's code beyond the search."""
    identity = manifests.identity(
        dataset,
        settings,
        encoder=encoder.fingerprint,
        system=name,
        seed=None,
        pool="open",
        retrieval_only=False,
        calibration=None,
    )
    if name not in OWN:
        module, _ = PEERS[name]
        file = f"{module.replace('.', '/')}.py"
        identity["code_sha256"] = manifests.sources_sha256(file, "benchmarks/peers.py")
        identity["settings_fingerprint"] = f"{settings.answer.evidence} passages"
        packages = _imported(module).PACKAGES
        identity["packages"] = {package: importlib.metadata.version(package) for package in packages}
    return {
        "identity": identity,
        "settings": manifests.masked(settings),
        "machine": manifests.machine(),
        "code": manifests.code_version(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "resumed": [],
        "status": "running",
    }


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as exc:
        raise UsageError(f"There is no package {exc.name!r} here; --help names what to install.") from exc


if __name__ == "__main__":
    try:
        main()
    except HopciteError as exc:
        print(f"frameworks: {exc}", file=sys.stderr)
        sys.exit(exc.exit_status)
