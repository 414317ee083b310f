"""What reranking by attention costs beside one bare prefill of its prompt: seconds, in turns, in one run.

    python benchmarks/attention.py --data DATA/trec-dl19 [--limit 5] [--passages 20]

Target: at most 1.25 times the bare prefill, which is the same model, cut after the same layer, on the same tokens, with
nothing recorded. The model is `rerank.model`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from evals.rerank_data import load_lists
from hopcite.settings import load_settings
from retrieval.rerank.choice import _load_attention
from retrieval.rerank.in_context import InContextScorer, Prompt

ROUNDS = 3


def main() -> None:
    """Print a line for each list, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--passages", type=int, default=20)
    arguments = parser.parse_args()

    settings = load_settings().settings
    scorer = _load_attention(settings)
    data = load_lists(
        arguments.data,
        split="dev",
        limit=arguments.limit,
        passages=arguments.passages,
        settings=settings,
        progress=lambda *_: None,
    )
    ratios, bares, wholes = [], [], []
    for query in data.queries:
        passages = [f"{chunk.title}\n{chunk.text}" for chunk in query.candidates[: arguments.passages]]
        [prompt] = scorer.prompts(query.query, passages)
        bare, whole = in_turns(bare_prefill(scorer, prompt), lambda prompt=prompt: scorer.score(prompt))
        ratios.append(whole / bare)
        bares.append(bare)
        wholes.append(whole)
        print(
            f"{query.id}: {prompt.tokens} tokens, bare {bare:.2f} s, attention {whole:.2f} s, {whole / bare:.2f} times"
        )
    print(
        f"{settings.rerank.model}, {len(ratios)} lists of {arguments.passages}, {torch.get_num_threads()} threads; "
        f"medians: bare {median(bares):.2f} s, attention {median(wholes):.2f} s, {median(ratios):.2f} times"
    )


def bare_prefill(scorer: InContextScorer, prompt: Prompt) -> Callable[[], Any]:
    """One forward pass over the prompt and its query."""
    ids = torch.tensor([[*prompt.ids, *prompt.query]], device=scorer.model.device)

    @torch.inference_mode()
    def prefill() -> None:
        scorer.model(input_ids=ids, use_cache=False)

    return prefill


def in_turns(*tasks: Callable[[], Any]) -> list[float]:
    """The median seconds of each task; a first round warms up and does not count."""
    seconds: list[list[float]] = [[] for _ in tasks]
    for number in range(ROUNDS + 1):
        for task, own in zip(tasks, seconds, strict=True):
            started = time.perf_counter()
            task()
            if number > 0:
                own.append(time.perf_counter() - started)
    return [median(own) for own in seconds]


if __name__ == "__main__":
    main()
