"""Rerankers side by side: the same lists, each method's quality with its interval, and what it cost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from evals.labels import label
from evals.metrics.ranking import MEASURES, ranking_scores
from evals.records import replace_file
from evals.rerank_data import OnProgress, RerankData, RerankQuery, load_lists, ranked_names
from evals.summary import interval
from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.errors import HopciteError, OperatorError, SettingsError, UsageError
from hopcite.openai_chat import open_chat
from hopcite.settings import RerankMethod, Settings
from retrieval import Encoder, fused, open_reranker
from retrieval.rerank.choice import engine_of
from retrieval.rerank.port import Ranking, Reranker

Row = dict[str, Any]
# What a wrapper is measured with when the settings do not use it.
_SHUFFLES = 5
_WEIGHT = 0.5
_FUSED = "+fused"
_GAIN = "ndcg@10"  # shown with its difference to the first stage's order, query by query
_COSTS = ("calls", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What to measure. `methods` are specs as `method_settings` reads them; empty: none, letters and the settings' own.

    `passages` None: as many as `rerank.passages`.
    """

    data: Path
    methods: tuple[str, ...] = ()
    split: str = "dev"
    limit: int | None = None
    passages: int | None = None


@dataclass(slots=True)
class _Tally:
    """What the queries of one method came to."""

    scores: dict[str, list[float]] = field(default_factory=lambda: {measure: [] for measure in MEASURES})
    gains: dict[str, list[float]] = field(default_factory=lambda: {measure: [] for measure in MEASURES})
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    rankings: list[Ranking] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run_rerank_bench(
    request: BenchRequest,
    *,
    settings: Settings,
    progress: OnProgress,
    on_rows: Callable[[Sequence[Row]], None] = lambda _: None,
    encoder: Encoder | None = None,
    chat: Chat | None = None,
) -> list[Row]:
    """Rerank every list by every method, one after the other, and return a row for each. Blocks.

    A method that comes both as it is and with `+fused` is run once, and both rows tell its cost. `on_rows` gets
    the rows so far whenever a method is done. Methods that can't run with these settings are refused before any work;
    an error of the installation ends the bench; a query that fails otherwise keeps its order.
    """
    specs = request.methods or tuple(dict.fromkeys(("none", "letters", settings.rerank.method)))
    passages = request.passages or settings.rerank.passages
    configured = {spec: method_settings(spec, settings) for spec in specs}
    chat = chat or open_chat(settings)
    rerankers = {spec: open_reranker(own, chat) for spec, own in configured.items()}
    data = load_lists(
        request.data,
        split=request.split,
        limit=request.limit,
        passages=passages,
        settings=settings,
        progress=progress,
        encoder=encoder,
    )

    async def measured() -> list[Row]:
        rows: list[Row] = []
        try:
            tallies: dict[str, _Tally] = {}
            for spec, reranker in rerankers.items():
                plain = spec.replace(_FUSED, "")
                if plain not in tallies:
                    tallies[plain] = await _tallied(spec, reranker, data, passages, progress)
                tally = tallies[plain] if plain == spec else _fused(tallies[plain], configured[spec], data)
                rows.append(_row(spec, configured[spec], data, passages, tally))
                on_rows(rows)
                await reranker.aclose()  # a model of one method must not take the memory of the next
        finally:
            for reranker in rerankers.values():
                await reranker.aclose()
            await chat.aclose()
        return rows

    return asyncio.run(measured())


def method_settings(spec: str, settings: Settings) -> Settings:
    """Settings for a method and what is put around it: `METHOD[+shuffled][+then-METHOD][+fused]`.

    How often, how many and how much are the settings' own, else 5 shuffles and the weight 0.5 for the first stage.
    """
    name, *around = spec.strip().split("+")
    own = settings.rerank
    changes: dict[str, object] = {"method": _known(name), "shuffles": 1, "then": None, "first_stage_weight": 0.0}
    for part in around:
        if part == "shuffled":
            changes["shuffles"] = own.shuffles if own.shuffles > 1 else _SHUFFLES
        elif part == "fused":
            changes["first_stage_weight"] = own.first_stage_weight or _WEIGHT
        elif part.startswith("then-"):
            changes["then"] = _known(part.removeprefix("then-"))
        else:
            raise UsageError(f"In {spec!r}, {part!r} is none of shuffled, fused and then-METHOD.")
    return settings.model_copy(update={"rerank": own.model_copy(update=changes)})


def _known(name: str) -> str:
    names = get_args(RerankMethod)
    if name not in names:
        raise UsageError(f"There is no reranking method {name!r}; choose from {', '.join(names)}.")
    return name


async def _tallied(spec: str, reranker: Reranker, data: RerankData, passages: int, progress: OnProgress) -> _Tally:
    """Every list once. Before the clock starts, a list of two loads whatever the method needs."""
    tally = _Tally()
    progress(spec, 0, len(data.queries))
    for number, query in enumerate(data.queries):
        if number == 0 and len(query.candidates) > 1:
            await _reranked(reranker, query, 2, _Tally())
        ranking = await _reranked(reranker, query, passages, tally)
        _score(query, ranking, data, tally)
        progress(spec, number + 1, len(data.queries))
    return tally


def _fused(unfused: _Tally, settings: Settings, data: RerankData) -> _Tally:
    """What the same rankings come to when the first stage is fused in, which takes no time worth counting."""
    weight, rrf_k = settings.rerank.first_stage_weight, settings.search.rrf_k
    tally = _Tally(seconds=unfused.seconds, cpu_seconds=unfused.cpu_seconds, errors=unfused.errors)
    for query, ranking in zip(data.queries, unfused.rankings, strict=True):
        first = query.first and query.first[: len(ranking.order)]
        tally.rankings.append(fused(ranking, first, weight=weight, rrf_k=rrf_k))
        _score(query, tally.rankings[-1], data, tally)
    return tally


def _score(query: RerankQuery, ranking: Ranking, data: RerankData, tally: _Tally) -> None:
    before = _scores(query, range(0), data)
    for measure, score in _scores(query, ranking.order, data).items():
        tally.scores[measure].append(score)
        tally.gains[measure].append(score - before[measure])


async def _reranked(reranker: Reranker, query: RerankQuery, passages: int, tally: _Tally) -> Ranking:
    candidates = query.candidates[:passages]
    budget = Budget()
    started, started_cpu = time.perf_counter(), time.process_time()
    try:
        ranking = await reranker.rerank(query.query, candidates, budget=budget)
    except (OperatorError, SettingsError):
        raise
    except HopciteError as exc:
        tally.errors.append(f"{query.id}: {exc}")
        order = tuple(range(len(candidates)))
        ranking = Ranking((0.0,) * len(order), order, valid=False, calls=budget.llm_calls)
    tally.seconds.append(time.perf_counter() - started)
    tally.cpu_seconds.append(time.process_time() - started_cpu)
    tally.rankings.append(ranking)
    return ranking


def _scores(query: RerankQuery, order: Sequence[int], data: RerankData) -> Mapping[str, float]:
    return ranking_scores(ranked_names(query, order), query.relevance, relevant_from=data.relevant_from)


def _row(spec: str, settings: Settings, data: RerankData, passages: int, tally: _Tally) -> Row:
    """Means over the queries; `intervals` for the measures, `gains` for their difference to the first stage's order.

    The measures are over `queries`; what they cost, also over the `unscored`, of which no passage is relevant.
    `cpu_seconds` are this process's, the embedded llama.cpp included: other work on the machine does not add to them.
    """
    scored = {measure: interval(values) for measure, values in tally.scores.items() if values}
    queries = len(tally.scores[_GAIN])
    model, engine = _model_and_engine(settings)
    return {
        "method": spec,
        "model": model,
        "engine": engine,
        **{measure: scored[measure]["mean"] for measure in MEASURES if measure in scored},
        **{name: _mean(getattr(ranking, name) for ranking in tally.rankings) for name in _COSTS},
        "seconds": _mean(tally.seconds),
        "validity": _mean(ranking.valid for ranking in tally.rankings),
        "cpu_seconds": _mean(tally.cpu_seconds),
        "data": data.name,
        "queries": queries,
        "unscored": len(tally.rankings) - queries,
        "passages": passages,
        "intervals": scored,
        "gains": {measure: interval(values) for measure, values in tally.gains.items() if values},
        "errors": tally.errors,
    }


def _model_and_engine(settings: Settings) -> tuple[str, str]:
    """Of the one or two methods, joined where they differ."""
    pairs = dict.fromkeys(_used(method, settings) for method in settings.rerank.methods if method != "none")
    return " + ".join(dict.fromkeys(model for model, _ in pairs)), " + ".join(dict.fromkeys(e for _, e in pairs))


def _used(method: RerankMethod, settings: Settings) -> tuple[str, str]:
    engine = engine_of(method, settings.rerank)
    if engine == "chat":
        return settings.llm.model, "server" if settings.llm.base_url else "llama.cpp"
    if engine == "server":
        return settings.rerank.model, "server"
    if method == "late-interaction":
        return settings.encoder.model, "sentence-transformers"
    return settings.rerank.model, "sentence-transformers" if method == "cross-encoder" else "transformers"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """The rows as a JSON list. The file is whole at any time."""
    replace_file(path, json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


def render_rows(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table: measures and the gain in percent with their intervals, costs for each query."""
    if not rows:
        return ""
    first = rows[0]
    unscored = f" (and {first['unscored']} without a relevant passage, only in the costs)" if first["unscored"] else ""
    lines = [
        f"{first['data']}: {first['queries']} queries{unscored}, the first {first['passages']} passages reranked; "
        "95% intervals; costs for each query",
        "",
        f"| method | model | engine | {' | '.join(map(label, MEASURES))} | {label(_GAIN)} gained | calls "
        "| prompt tokens | completion tokens | seconds | CPU seconds | valid |",
        "|---" * (len(MEASURES) + 10) + "|",
    ]
    for row in rows:
        cells = [row["method"], row["model"], row["engine"]]
        cells += [_shown(row["intervals"].get(measure)) for measure in MEASURES]
        cells.append(_shown(row["gains"].get(_GAIN), sign="+"))
        cells += [f"{row['calls']:.1f}", f"{row['prompt_tokens']:,.0f}", f"{row['completion_tokens']:,.0f}"]
        cells += [f"{row['seconds']:.2f}", f"{row['cpu_seconds']:.2f}", f"{100 * row['validity']:.0f}%"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        f"\n{row['method']}: {len(row['errors'])} queries failed, the first: {row['errors'][0]}"
        for row in rows
        if row["errors"]
    ]
    return "\n".join(lines)


def _shown(score: Mapping[str, float] | None, *, sign: str = "") -> str:
    if score is None:
        return ""
    mean, low, high = (f"{100 * score[name]:{sign}.1f}" for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"
