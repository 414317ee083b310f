"""Cross-encoding 50 candidates beside the package `rerankers`: the same weights, lists and threads, in turns.

    python -m venv /tmp/others && /tmp/others/bin/pip install torch==2.13.0 'rerankers[transformers]'
    python benchmarks/rerank_libraries.py --data DATA/trec-dl19 --other /tmp/others/bin/python [--model FOLDER]

Target: fewer seconds a query. Without --model a cross-encoder is made from the default encoder's weights and a random
head: it ranks badly and takes as long as a trained one. The other package runs in its own environment and process;
loading does not count, and a first list warms both up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from evals.rerank_data import load_lists
from hopcite.budget import Budget
from hopcite.models import model_path
from hopcite.openai_chat import open_chat
from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from hopcite.types import Chunk
from retrieval import open_reranker
from retrieval.rerank.weights import cpu_threads

# What runs in the other environment: a line in is a list, a line out its seconds and its order.
OTHER = """
import json, sys, time
import torch
from rerankers import Reranker

torch.set_num_threads(int(sys.argv[2]))
ranker = Reranker(sys.argv[1], model_type="cross-encoder", device="cpu", dtype="float32", verbose=0)
for line in sys.stdin:
    asked = json.loads(line)
    started = time.perf_counter()
    ranked = ranker.rank(asked["query"], asked["passages"], doc_ids=list(range(len(asked["passages"]))))
    seconds = time.perf_counter() - started
    print("ROW", json.dumps([seconds, [one.document.doc_id for one in ranked.results]]), flush=True)
"""
Ranked = Callable[[str, Sequence[Chunk]], tuple[float, list[int]]]


def main() -> None:
    """Print a line for each list, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="Python of an environment with `rerankers`")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--passages", type=int, default=50)
    arguments = parser.parse_args()

    settings = load_settings().settings
    lists = load_lists(
        arguments.data,
        split="dev",
        limit=arguments.limit + 1,
        passages=arguments.passages,
        settings=settings,
        progress=lambda *_: None,
    ).queries
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.model or random_cross_encoder(settings, Path(made))
        others = other(arguments.other, folder)
        ranks = {"hopcite": hopcite(settings, folder), "rerankers": others}
        seconds: dict[str, list[float]] = {name: [] for name in ranks}
        for number, query in enumerate(lists):
            found = {name: rank(query.query, query.candidates[: arguments.passages]) for name, rank in ranks.items()}
            if number == 0:
                continue
            for name, (took, _) in found.items():
                seconds[name].append(took)
            first, second = (order[:10] for _, order in found.values())
            print(f"{query.id}: " + ", ".join(f"{name} {took:.2f} s" for name, (took, _) in found.items()), end="")
            print(f"; {sum(one == two for one, two in zip(first, second, strict=True))} of the first 10 places agree")
    ours, theirs = (median(own) for own in seconds.values())
    print(f"{len(lists) - 1} lists of {arguments.passages}, {cpu_threads()} threads; medians:", end=" ")
    print(f"hopcite {ours:.2f} s, rerankers {theirs:.2f} s, {theirs / ours:.2f} times as long")


def hopcite(settings: Settings, folder: Path) -> Ranked:
    """Our `cross-encoder`."""
    rerank = settings.rerank.model_copy(update={"method": "cross-encoder", "model": str(folder), "device": "cpu"})
    settings = settings.model_copy(update={"rerank": rerank})
    reranker = open_reranker(settings, open_chat(settings))

    def rank(query: str, chunks: Sequence[Chunk]) -> tuple[float, list[int]]:
        started = time.perf_counter()
        ranking = asyncio.run(reranker.rerank(query, chunks, budget=Budget()))
        return time.perf_counter() - started, list(ranking.order)

    return rank


def other(python: Path, folder: Path) -> Ranked:
    """The package `rerankers`, in a process that lives as long as this one."""
    process = subprocess.Popen(
        [python, "-c", OTHER, folder, str(cpu_threads())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout

    def rank(query: str, chunks: Sequence[Chunk]) -> tuple[float, list[int]]:
        passages = [f"{chunk.title}\n{chunk.text}".strip() for chunk in chunks]
        into.write(json.dumps({"query": query, "passages": passages}) + "\n")
        into.flush()
        for line in out:
            if line.startswith("ROW "):
                seconds, order = json.loads(line.removeprefix("ROW "))
                return float(seconds), list(order)
        raise SystemExit(f"rerankers ended with status {process.wait()}; run it by hand to see why.")

    return rank


def random_cross_encoder(settings: Settings, folder: Path) -> Path:
    """The default encoder's weights with a head that nobody trained."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    source = model_path(settings, "all-minilm-l6-v2")
    AutoModelForSequenceClassification.from_pretrained(source, num_labels=1).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
