"""What reranking in this process costs beside bare forward passes of the same model: in turns, in one run.

    python benchmarks/rerank_prefill.py --data DATA/trec-dl19 [--limit 5] [--passages 20] [--methods attention,yes-no]

`attention`: seconds beside one pass over its prompt by the model cut after the same layer, with nothing recorded; the
target is at most 1.25 times. `yes-no` and `letters`: tokens a second beside bare passes over the same packed batches;
the target is 90%. What prompts share is computed once by Hopcite and left out of the bare passes. The model and the
device are `rerank.model` and `rerank.device`.

It has been run on two CPU cores (docs/reranking.md), and not on a GPU: none was at hand.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from evals.rerank_data import RerankQuery, load_lists
from hopcite.settings import Settings
from hopcite.settings_layers import load_settings
from retrieval.rerank import yes_no
from retrieval.rerank.asking import LETTERS
from retrieval.rerank.causal import CausalModel, _batches, load_causal
from retrieval.rerank.choice import _load_attention
from retrieval.rerank.first_token import FirstTokenScorer, common_prefix
from retrieval.rerank.in_context import _ATTENTION
from retrieval.rerank.passages import listing, shown
from retrieval.rerank.prompts import choice

Task = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """The bare passes and Hopcite's work for one list, and the tokens that each computes."""

    bare: Task
    bare_tokens: int
    ours: Task
    our_tokens: int


def main() -> None:
    """Print a line for each list, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--passages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="after one that warms up")
    parser.add_argument("--methods", default="attention,yes-no,letters")
    arguments = parser.parse_args()

    settings = load_settings().settings
    data = load_lists(
        arguments.data,
        split="dev",
        limit=arguments.limit,
        passages=arguments.passages,
        settings=settings,
        progress=lambda *_: None,
    )
    for method in arguments.methods.split(","):
        pair_of = METHODS[method](settings)
        times, speeds = [], []
        for query in data.queries:
            pair = pair_of(query, arguments.passages)
            bare, ours = in_turns(pair.bare, pair.ours, rounds=arguments.rounds)
            times.append(ours / bare)
            speeds.append(pair.our_tokens / ours / (pair.bare_tokens / bare))
            print(
                f"{method} {query.id}: bare {pair.bare_tokens} tokens in {bare:.2f} s, ours {pair.our_tokens} in "
                f"{ours:.2f} s: {times[-1]:.2f} times the seconds, {speeds[-1]:.0%} of the tokens a second",
                flush=True,
            )
        print(
            f"{method}, {settings.rerank.model}, {len(times)} lists of {arguments.passages}, "
            f"{torch.get_num_threads()} threads, CUDA {torch.cuda.is_available()}; medians: {median(times):.2f} times "
            f"the seconds, {median(speeds):.0%} of the tokens a second"
        )


def in_turns(*tasks: Task, rounds: int) -> list[float]:
    """The median seconds of each task; a first round warms up and does not count.

    On a CPU they are this process's CPU seconds, to which other work on the machine does not add.
    """
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    seconds: list[list[float]] = [[] for _ in tasks]
    for number in range(rounds + 1):
        for task, own in zip(tasks, seconds, strict=True):
            started = clock()
            task()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if number > 0:
                own.append(clock() - started)
    return [median(own) for own in seconds]


def passes(model: Any, batches: Sequence[Sequence[Sequence[int]]]) -> Task:
    """A forward pass over each batch of sequences, which are padded to one length; nothing is kept."""
    padded = []
    for batch in batches:
        longest = max(map(len, batch))
        padded.append(torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in batch], device=model.device))

    @torch.inference_mode()
    def forward() -> None:
        for ids in padded:
            model(input_ids=ids, use_cache=False)

    return forward


def attention(settings: Settings) -> Callable[[RerankQuery, int], Pair]:
    """One prompt of all passages, without the query's second pass, against both passes."""
    scorer = _load_attention(settings)

    def pair(query: RerankQuery, n: int) -> Pair:
        passages = [f"{chunk.heading}\n{chunk.text}" for chunk in query.candidates[:n]]
        prompt = scorer.prompts(query.query, passages)[0]
        ids = [*prompt.ids, *prompt.query]
        forward = passes(scorer.model, [[ids]])

        def bare() -> None:
            # As transformers runs it, without our attention function.
            scorer.model.set_attn_implementation("sdpa")
            forward()
            scorer.model.set_attn_implementation(_ATTENTION)

        return Pair(bare, len(ids), lambda: scorer.score(prompt), prompt.tokens)

    return pair


def pointwise(settings: Settings) -> Callable[[RerankQuery, int], Pair]:
    """A prompt for each passage."""
    model = load_causal(settings)

    def pair(query: RerankQuery, n: int) -> Pair:
        texts = [shown(chunk) for chunk in query.candidates[:n]]
        return _labels(model, [yes_no.prompt(query.query, text) for text in texts], ["yes", "no"])

    return pair


def listwise(settings: Settings) -> Callable[[RerankQuery, int], Pair]:
    """One prompt of at most 20 lettered passages."""
    model = load_causal(settings)

    def pair(query: RerankQuery, n: int) -> Pair:
        candidates = query.candidates[: min(n, len(LETTERS))]
        labels = LETTERS[: len(candidates)]
        return _labels(model, [choice(query.query, listing(candidates, labels), labels)], labels)

    return pair


def _labels(model: CausalModel, prompts: Sequence[Any], labels: Sequence[str]) -> Pair:
    scorer = FirstTokenScorer(lambda: model)
    ids = [model.conversation(prompt) for prompt in prompts]
    shared = len(common_prefix([one[:-1] for one in ids])) if len(ids) > 1 else 0
    rests = [one[shared:] for one in ids]
    batches = [[rests[number] for number in batch] for batch in _batches(list(map(len, rests)), model.batch_tokens)]
    tokens = sum(map(len, rests))
    return Pair(
        passes(model.decoder, batches),
        tokens,
        lambda: list(scorer.score(prompts, [labels] * len(ids))),
        tokens + shared,
    )


METHODS = {"attention": attention, "yes-no": pointwise, "letters": listwise}


if __name__ == "__main__":
    main()
