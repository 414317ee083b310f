"""Reranking 50 candidates beside other packages: the same weights, lists and threads, in turns, in one run.

    python -m venv /tmp/others
    /tmp/others/bin/pip install torch==2.13.0 'rerankers[transformers]' 'transformers<5' accelerate
    python3 -m tests.vllm.environment /tmp/vllm
    /tmp/vllm/bin/pip install ftfy dacite pandas && /tmp/vllm/bin/pip install --no-deps rank-llm==0.25.7
    python -m tests.vllm.convert MODEL-OF-THE-CATALOGUE FOLDER

    python benchmarks/rerank_libraries.py --data DATA/trec-dl19 --other /tmp/others/bin/python [--model FOLDER]
    ... --data DATA/trec-dl19 --other /tmp/others/bin/python --method qwen3-reranker --model FOLDER
    ... --data DATA/trec-dl19 --other /tmp/vllm/bin/python --method letters --model FOLDER

Target: fewer seconds a query, and half as many for `letters` and the pointwise methods.

`cross-encoder` is compared with that of `rerankers`. Without --model one is made from the default encoder's weights and
a random head: it ranks badly and takes as long as a trained one.

`qwen3-reranker` is compared with the one kind of `rerankers` that reads yes or no from a language model's logits,
"mxbaiv2", with the same template: the same prompts token for token, and the same score. `rank-llm` has MonoT5 alone as
pointwise method, which is an encoder-decoder and none of ours.

`letters` is compared with FIRST of `rank-llm`, on vLLM: the same prompt (ours is that of castorini/first_mistral, so
the folder is opened by that name), windows of 20, and a step of 10. In this process ours runs on torch; with a server

    VLLM_CPU_KVCACHE_SPACE=1 /tmp/vllm/bin/vllm serve FOLDER --served-model-name first_mistral --port 8001

and --base-url http://127.0.0.1:8001/v1, both run on vLLM. Our CPU seconds then leave out the server.

Orders of a model that was trained for neither say little; seconds don't depend on them. The other package runs in its
own environment and process; loading does not count, a first list warms both up, and they take turns at going first.
CPU seconds are those of all threads of a process, to which other work on the machine adds little.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from evals.rerank_data import load_lists
from hopcite.budget import Budget
from hopcite.models import model_path
from hopcite.openai_chat import open_chat
from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from hopcite.types import Chunk
from retrieval import open_reranker
from retrieval.rerank.qwen3_template import PREFIX, SUFFIX, passage_part, query_part
from retrieval.rerank.weights import cpu_threads

_PEERS = Path(__file__).with_name("rerank_library_peers.py")
_TRAINED_FOR_LETTERS = "first_mistral"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A list's order, and what it took."""

    seconds: float
    cpu_seconds: float
    order: Sequence[int]


Rank = Callable[[str, Sequence[Chunk]], Ranked]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What one of our methods is compared with; `template` replaces the other's prompt."""

    package: str
    peer: str
    template: Mapping[str, str]


PAIRINGS = {
    "cross-encoder": Pairing("rerankers", "rerankers-cross-encoder", {}),
    "qwen3-reranker": Pairing(
        "rerankers",
        "rerankers-yes-no",
        {
            "CHAT_TEMPLATE": f"{PREFIX}\0{SUFFIX}",
            "QUERY_PROMPT": query_part("{query}"),
            "DOC_PROMPT": passage_part("{document}"),
            "TASK_PROMPT": "",
            "SEPS": "",
            "POS_TOKEN": "yes",
            "NEG_TOKEN": "no",
        },
    ),
    "letters": Pairing("rank-llm", "rank-llm-first", {}),
}


def main() -> None:
    """Print a line for each list, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True, help="Python of an environment with the other package")
    parser.add_argument("--method", choices=PAIRINGS, default="cross-encoder")
    parser.add_argument("--model", type=Path, help="a folder; needed by all methods but cross-encoder")
    parser.add_argument("--base-url", help="letters: a vLLM server in place of this process (first_mistral)")
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--passages", type=int, default=50)
    arguments = parser.parse_args()
    if arguments.model is None and arguments.method != "cross-encoder":
        parser.error(f"{arguments.method} needs --model.")

    settings = load_settings().settings
    lists = load_lists(
        arguments.data,
        split="dev",
        limit=arguments.limit + 1,
        passages=arguments.passages,
        settings=settings,
        progress=lambda *_: None,
    ).queries
    pairing = PAIRINGS[arguments.method]
    names = ("hopcite", pairing.package)
    taken: dict[str, list[Ranked]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as made:
        folder = arguments.model or random_cross_encoder(settings, Path(made))
        if arguments.method == "letters":
            named = Path(made) / _TRAINED_FOR_LETTERS
            named.symlink_to(folder.resolve())
            folder = named
        update: dict[str, Any] = {"method": arguments.method, "model": str(folder), "device": "cpu"}
        if arguments.base_url:
            update |= {"engine": "server", "base_url": arguments.base_url, "model": _TRAINED_FOR_LETTERS}
        else:
            update["engine"] = "in-process"
        ranks = {names[0]: hopcite(settings, update), names[1]: other(arguments.other, pairing, folder)}
        for number, query in enumerate(lists):
            turns = names if number % 2 else names[::-1]
            found = {name: ranks[name](query.query, query.candidates[: arguments.passages]) for name in turns}
            if number == 0:
                continue
            for name in names:
                taken[name].append(found[name])
            ours, theirs = (found[name].order[:10] for name in names)
            print(f"{query.id}: " + ", ".join(f"{name} {said(found[name])}" for name in names), end="")
            print(f"; {sum(one == two for one, two in zip(ours, theirs, strict=True))} of the first 10 places agree")
    middle = {name: Ranked(*medians(taken[name]), order=()) for name in names}
    our_own, their_own = (middle[name] for name in names)
    ratio = f"{their_own.seconds / our_own.seconds:.2f} times as long"
    if not arguments.base_url:
        ratio += f", {their_own.cpu_seconds / our_own.cpu_seconds:.2f} times the CPU seconds"
    print(f"{arguments.method}, {len(lists) - 1} lists of {arguments.passages}, {cpu_threads()} threads; medians:")
    print(f"hopcite {said(our_own)}, {pairing.package} {said(their_own)}: {ratio}")


def said(ranked: Ranked) -> str:
    """For a line of the output."""
    return f"{ranked.seconds:.2f} s ({ranked.cpu_seconds:.2f} CPU)"


def medians(rows: Sequence[Ranked]) -> tuple[float, float]:
    """Of the seconds and of the CPU seconds."""
    return median(row.seconds for row in rows), median(row.cpu_seconds for row in rows)


def hopcite(settings: Settings, update: Mapping[str, Any]) -> Rank:
    """Our method; `update` replaces settings of `rerank`."""
    settings = settings.model_copy(update={"rerank": settings.rerank.model_copy(update=update)})
    reranker = open_reranker(settings, open_chat(settings))

    def rank(query: str, chunks: Sequence[Chunk]) -> Ranked:
        started, cpu_started = time.perf_counter(), time.process_time()
        ranking = asyncio.run(reranker.rerank(query, chunks, budget=Budget()))
        return Ranked(time.perf_counter() - started, time.process_time() - cpu_started, ranking.order)

    return rank


def other(python: Path, pairing: Pairing, folder: Path) -> Rank:
    """The other package, in a process that lives as long as this one."""
    process = subprocess.Popen(
        [python, "-P", _PEERS, pairing.peer, folder, str(cpu_threads()), json.dumps(pairing.template)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    into, out = process.stdin, process.stdout

    def rank(query: str, chunks: Sequence[Chunk]) -> Ranked:
        passages = [f"{chunk.title}\n{chunk.text}".strip() for chunk in chunks]
        into.write(json.dumps({"query": query, "passages": passages}) + "\n")
        into.flush()
        for line in out:
            if line.startswith("ROW "):
                return Ranked(*json.loads(line.removeprefix("ROW ")))
        raise SystemExit(f"{pairing.package} ended with status {process.wait()}; run it by hand to see why.")

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
