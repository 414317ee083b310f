"""In-context reranking (ICR, arXiv 2410.02642): how much attention a query pays to each passage in the prompt.

All passages stand in one prompt, the query comes last, and nothing is generated. A passage's score is the attention
that its tokens receive from the query's tokens, less what they receive from the content-free query "N/A". What follows
the query cannot change the query's attention in a causal model, so the prompt ends there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AutoModel, AutoTokenizer, DynamicCache
from transformers.utils import logging as transformers_logging

from hopcite.errors import ModelFileError
from retrieval.devices import usable_device
from retrieval.rerank.passages import PASSAGE_TOKENS
from retrieval.rerank.recipes import AttentionRecipe
from retrieval.rerank.weights import cpu_threads

QUERY_TOKENS = 512  # of a longer question, its first and last half of this many
PROMPT_TOKENS = 8192  # more is ranked in groups: small models lose track, and prefill grows with the square
INTRODUCTION = "Here are some paragraphs:\n\n"
INSTRUCTION = "Please find information that are relevant to the following query in the paragraphs above.\n\nQuery:"
CONTENT_FREE_QUERY = "N/A"
_ATTENTION = "hopcite_recorded"
_PLACE = "\x00passages\x00"


class Stopped(Exception):
    """The caller has lost interest; the forward pass ended at the next layer."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids of one prompt up to its query, and of the two queries. `spans` are token ranges, by `candidates`."""

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    candidates: tuple[int, ...]
    query: tuple[int, ...]
    content_free: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens that the two passes compute."""
        return len(self.ids) + len(self.content_free) + len(self.query)


class Recorder:
    """Sums, over layers and heads, the mean attention of the last `rows` tokens to the first `columns`, in float32."""

    def __init__(self, recipe: AttentionRecipe, *, rows: int, columns: int, stop: threading.Event) -> None:
        self.recipe, self.rows, self.columns, self.stop = recipe, rows, columns, stop
        self.total = torch.zeros(columns)

    def add(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """Take one layer's queries and keys, shaped 1 × heads × tokens × width and 1 × KV heads × tokens × width."""
        if self.stop.is_set():
            raise Stopped
        heads = self.recipe.heads_of(layer)
        if heads == []:
            return
        kv_heads, length = key.shape[1:3]
        # Query head h reads KV head h // (heads / KV heads), so the heads of a group lie next to each other.
        rows = query[0, :, -self.rows :].float().reshape(kv_heads, -1, query.shape[-1])
        logits = (rows @ key[0].float().transpose(1, 2) * scaling).view(-1, self.rows, length)
        future = torch.ones(self.rows, length, dtype=torch.bool, device=key.device).triu(length - self.rows + 1)
        weights = logits.masked_fill(future, float("-inf")).softmax(-1)[:, :, : self.columns].mean(1)
        self.total += (weights if heads is None else weights[heads]).sum(0).cpu()


def recorded_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    recorder: Recorder | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Causal attention of one unpadded sequence by SDPA, which never holds the whole matrix, and the recorder's rows.

    transformers makes no mask for an attention that it does not know, so the tail's rows are masked here.
    """
    if attention_mask is not None:
        raise ValueError("recorded_attention serves one unpadded sequence, without a mask")
    rows, length = query.shape[2], key.shape[2]
    mask = None
    if rows < length:
        mask = torch.ones(rows, length, dtype=torch.bool, device=query.device).tril(length - rows)
    output = scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=mask is None, scale=scaling, enable_gqa=True
    )
    if recorder is not None:
        recorder.add(module.layer_idx, query, key, scaling)
    return output.transpose(1, 2).contiguous(), None


class InContextScorer:
    """A decoder without its LM head, and its tokenizer. One call at a time; the caller sees to that."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        recipe: AttentionRecipe,
        prompt_tokens: int = PROMPT_TOKENS,
        passage_tokens: int = PASSAGE_TOKENS,
    ) -> None:
        if "sliding_attention" in (getattr(model.config, "layer_types", None) or ()):
            raise ModelFileError("Attention reranking needs full attention in every layer; set another rerank.model.")
        AttentionInterface.register(_ATTENTION, recorded_attention)
        model.set_attn_implementation(_ATTENTION)
        self.model, self.tokenizer, self.recipe = model.eval(), tokenizer, recipe
        self.passage_tokens = passage_tokens
        self.prompt_tokens = min(prompt_tokens, model.config.max_position_embeddings)
        self._header = self._special(_template_header(tokenizer)) + self._plain([INTRODUCTION])[0]
        self._instruction, self._content_free = self._plain([INSTRUCTION, f" {CONTENT_FREE_QUERY}"])

    @classmethod
    def load(
        cls, model_name: str, *, recipe: AttentionRecipe, device: str, passage_tokens: int = PASSAGE_TOKENS
    ) -> InContextScorer:
        """Open a folder of transformers' format, or a name on the hub, printing nothing. `device` auto: CUDA if any.

        bf16, which the 1.5B model needs 2.6 GB for; float32 on a CPU without it. Uses every core from this thread.
        Raises `ModelFileError`.
        """
        device = usable_device(device, setting="rerank.device")
        torch.set_num_threads(cpu_threads())
        dtype = torch.bfloat16 if device != "cpu" or computes_in_bfloat16() else torch.float32
        here = Path(model_name).is_dir()
        try:
            with quiet():
                model = AutoModel.from_pretrained(model_name, dtype=dtype, local_files_only=here)
                tokenizer = AutoTokenizer.from_pretrained(model_name, local_files_only=here)
        except (OSError, ValueError) as exc:
            raise ModelFileError(
                f"The model {model_name!r} cannot be loaded; name a folder that holds its files in rerank.model, or a "
                "model of `hopcite models list`."
            ) from exc
        if recipe.stop is not None and recipe.stop < len(model.layers):
            model.layers = model.layers[: recipe.stop]
            model.config.num_hidden_layers = recipe.stop
        return cls(model.to(device), tokenizer, recipe=recipe, passage_tokens=passage_tokens)

    def prompts(self, query: str, passages: Sequence[str]) -> list[Prompt]:
        """The passages, best first, in as few prompts as the token limit allows: one, as a rule.

        Each passage is tokenised by itself and as plain text, so that its span is exact and a control token that it
        spells out stays text. With several prompts the passages are dealt out in turn, so that each prompt holds good
        and bad ones alike and their scores compare.
        """
        query_ids = _middle_out(self._plain([f" {query}"])[0], QUERY_TOKENS)
        texts = self._plain(passages)
        bodies = [ids[: self.passage_tokens] for ids in texts]
        for groups in range(1, len(bodies) + 1):
            dealt = [range(first, len(bodies), groups) for first in range(groups)]
            prompts = [self._prompt(query_ids, bodies, candidates) for candidates in dealt]
            if groups == len(bodies) or all(prompt.tokens <= self.prompt_tokens for prompt in prompts):
                return prompts
        return []

    def _prompt(self, query_ids: list[int], bodies: Sequence[list[int]], candidates: Sequence[int]) -> Prompt:
        # The best passage stands last, nearest to the query, where small models look (the paper's reversed order).
        candidates = tuple(reversed(candidates))
        labels = self._plain([f"[{number}] " for number in range(1, len(candidates) + 1)])
        (gap,) = self._plain(["\n\n"])
        ids, spans = list(self._header), []
        for label, candidate in zip(labels, candidates, strict=True):
            ids += label
            spans.append((len(ids), len(ids) + len(bodies[candidate])))
            ids += bodies[candidate] + gap
        ids += self._instruction
        return Prompt(tuple(ids), tuple(spans), candidates, tuple(query_ids), tuple(self._content_free))

    @torch.inference_mode()
    def score(self, prompt: Prompt, *, stop: threading.Event | None = None) -> list[float]:
        """One score for each of `prompt.candidates`. Raises `Stopped` soon after `stop` is set, by another thread."""
        stop = stop or threading.Event()
        cache = DynamicCache(config=self.model.config)
        columns = prompt.spans[-1][1]
        baseline = self._attend([*prompt.ids, *prompt.content_free], len(prompt.content_free), columns, cache, stop)
        cache.crop(-len(prompt.content_free))  # a negative number of tokens is taken off the end
        attention = self._attend(prompt.query, len(prompt.query), columns, cache, stop)
        calibrated = attention - baseline
        return [_passage_score(calibrated[start:end]) for start, end in prompt.spans]

    def _attend(
        self, ids: Sequence[int], rows: int, columns: int, cache: DynamicCache, stop: threading.Event
    ) -> torch.Tensor:
        recorder = Recorder(self.recipe, rows=rows, columns=columns, stop=stop)
        tokens = torch.tensor([list(ids)], device=self.model.device)
        self.model(input_ids=tokens, past_key_values=cache, use_cache=True, recorder=recorder)
        return recorder.total

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        encoded = self.tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return [list(ids) for ids in encoded["input_ids"]]

    def _special(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []


def _passage_score(calibrated: torch.Tensor) -> float:
    """Sum over the tokens, leaving out those more than two standard deviations below their mean (as the paper does)."""
    deviation, mean = torch.std_mean(calibrated, correction=0)
    return float(calibrated[calibrated >= mean - 2 * deviation].sum())


def _template_header(tokenizer: Any) -> str:
    """What the model's own chat template puts before the user's words; nothing for a model without one."""
    if not tokenizer.chat_template:
        return ""
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": _PLACE}], tokenize=False)
    return str(rendered).partition(_PLACE)[0]


def _middle_out(ids: list[int], limit: int) -> list[int]:
    half = limit // 2
    return ids if len(ids) <= limit else ids[:half] + ids[-half:]


def computes_in_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16", "bf16"))


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars and advice, which would mix with the program's own output."""
    level, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call] # of transformers
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call] # of transformers
