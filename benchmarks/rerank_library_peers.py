"""Other packages' rerankers, each in an environment of its own: `python -P FILE PEER MODEL THREADS [TEMPLATE]`.

A line of standard input is a list (`query`, `passages`); a line out its seconds, this process's CPU seconds, and its
order. Nothing of Hopcite is imported here, nor is this file imported there: `benchmarks/rerank_libraries.py` starts it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

Rank = Callable[[str, Sequence[str]], list[int]]


def main() -> None:
    """Load, then answer until the input ends."""
    peer, model, threads = sys.argv[1:4]
    rank = PEERS[peer](model, int(threads), json.loads(sys.argv[4]) if len(sys.argv) > 4 else {})
    for line in sys.stdin:
        asked = json.loads(line)
        started, cpu_started = time.perf_counter(), time.process_time()
        order = rank(asked["query"], asked["passages"])
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        print("ROW", json.dumps([seconds, cpu_seconds, order]), flush=True)


def rerankers_cross_encoder(model: str, threads: int, _: Mapping[str, str]) -> Rank:
    """`rerankers`, model type "cross-encoder", in float32 as ours."""
    return _rerankers(model, threads, model_type="cross-encoder", dtype="float32")


def rerankers_yes_no(model: str, threads: int, template: Mapping[str, str]) -> Rank:
    """`rerankers`, model type "mxbaiv2": one token's logit less another's. `template` replaces its prompt."""
    import torch
    from rerankers.models import mxbai_v2

    for name, text in template.items():
        section = getattr(mxbai_v2, name)
        if name == "CHAT_TEMPLATE":
            prefix, suffix = text.split("\0")
            section["default"] = {"prefix": prefix, "suffix": suffix}
        else:
            section["default"] = text
    # The same type as ours, which asks torch the same.
    able = torch.cpu.get_capabilities()
    bf16 = any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))
    # It needs transformers 4, which does not find this in a folder that transformers 5 wrote, and takes another value.
    rope = json.loads((Path(model) / "config.json").read_text()).get("rope_parameters", {})
    known = {"rope_theta": rope["rope_theta"]} if "rope_theta" in rope else {}
    dtype = "bfloat16" if bf16 else "float32"
    return _rerankers(model, threads, model_type="mxbaiv2", dtype=dtype, model_kwargs=known)


def _rerankers(model: str, threads: int, **kwargs: Any) -> Rank:
    import torch
    from rerankers import Reranker

    torch.set_num_threads(threads)
    ranker = Reranker(model, device="cpu", verbose=0, **kwargs)

    def rank(query: str, passages: Sequence[str]) -> list[int]:
        ranked = ranker.rank(query, list(passages), doc_ids=list(range(len(passages))))
        return [one.document.doc_id for one in ranked.results]

    return rank


def rank_llm_first(model: str, _: int, __: Mapping[str, str]) -> Rank:
    """`rank-llm`, FIRST: the logits of letters in windows of 20, through vLLM in this process."""
    # vLLM takes the cores that this process may use. In one process, all of its work is in the CPU seconds.
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    # The package imports its encoder-decoders too, which the transformers of today's vLLM can't run; none is used here.
    left_out: Any = ModuleType("rank_llm.rerank.listwise.rank_fid")
    left_out.RankFiDDistill = left_out.RankFiDScore = None
    sys.modules[left_out.__name__] = left_out

    from rank_llm.data import Candidate, Query, Request
    from rank_llm.rerank.listwise import RankListwiseOSLLM

    ranker = RankListwiseOSLLM(model=model, device="cpu", use_logits=True, use_alpha=True, window_size=20, stride=10)

    def rank(query: str, passages: Sequence[str]) -> list[int]:
        candidates = [Candidate(docid=n, score=0.0, doc={"text": text}) for n, text in enumerate(passages)]
        request = Request(query=Query(text=query, qid="0"), candidates=candidates)
        [ranked] = ranker.rerank_batch([request], rank_start=0, rank_end=len(passages))
        return [candidate.docid for candidate in ranked.candidates]

    return rank


PEERS: Mapping[str, Callable[[str, int, Mapping[str, str]], Rank]] = {
    "rerankers-cross-encoder": rerankers_cross_encoder,
    "rerankers-yes-no": rerankers_yes_no,
    "rank-llm-first": rank_llm_first,
}

if __name__ == "__main__":
    main()
