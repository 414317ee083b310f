"""Heads that find what a question needs (QRHead, arXiv 2506.09944): picked on a few examples, read in place of all.

A head's score for an example is the attention that the question's tokens pay, on average, to the tokens of the relevant
passages. Heads with the highest mean over the examples are kept; reranking is `in_context`'s, with those alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import DynamicCache

from hopcite.errors import SettingsError
from hopcite.models import CATALOGUE
from hopcite.settings import Settings
from retrieval.rerank.causal import whole_folder
from retrieval.rerank.in_context import InContextScorer, Prompt
from retrieval.rerank.recipes import AttentionRecipe

HEADS = 16
"""As many as the paper keeps, for models of 1B to 70B."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, passages in first-stage order, and the places of those that are relevant."""

    query: str
    passages: Sequence[str]
    relevant: frozenset[int]


class _PerHead:
    """Takes the place of `in_context.Recorder`: for each head, the last `rows` tokens' mean attention to `columns`."""

    def __init__(self, *, rows: int, columns: torch.Tensor) -> None:
        self.rows, self.columns = rows, columns
        self.layers: dict[int, torch.Tensor] = {}

    def add(self, layer: int, query: torch.Tensor, key: torch.Tensor, scaling: float) -> None:
        """One layer's queries and keys, shaped 1 x heads x tokens x width and 1 x KV heads x tokens x width."""
        keys = key[0].float().repeat_interleave(query.shape[1] // key.shape[1], dim=0)
        logits = query[0, :, -self.rows :].float() @ keys.transpose(1, 2) * scaling
        length = keys.shape[1]
        future = torch.ones(self.rows, length, dtype=torch.bool, device=key.device).triu(length - self.rows + 1)
        weights = logits.masked_fill(future, float("-inf")).softmax(-1)
        self.layers[layer] = weights[:, :, self.columns.to(key.device)].sum(-1).mean(1).cpu()


@torch.inference_mode()
def head_scores(scorer: InContextScorer, example: Example) -> torch.Tensor | None:
    """One example's scores, layers x heads. Passages that do not fit one prompt are left out.

    None when nothing of a relevant one is left: the example says nothing then.
    """
    prompt = scorer.prompts(example.query, example.passages)[0]
    ids = [*prompt.ids, *prompt.query]
    columns = torch.tensor(_columns(prompt, example.relevant), dtype=torch.long)
    if not len(columns):
        return None
    recorder = _PerHead(rows=len(prompt.query), columns=columns)
    cache = DynamicCache(config=scorer.model.config)
    tokens = torch.tensor([ids], device=scorer.model.device)
    scorer.model(input_ids=tokens, past_key_values=cache, use_cache=True, recorder=recorder)
    return torch.stack([recorder.layers[layer] for layer in sorted(recorder.layers)])


def _columns(prompt: Prompt, relevant: frozenset[int]) -> list[int]:
    spans = zip(prompt.candidates, prompt.spans, strict=True)
    return [column for candidate, (start, end) in spans if candidate in relevant for column in range(start, end)]


def pick_heads(scores: Iterable[torch.Tensor], *, top: int = HEADS) -> list[tuple[int, int, float]]:
    """The (layer, head, mean score) of the best heads, best first."""
    mean = torch.stack(list(scores)).mean(0)
    best = mean.flatten().topk(min(top, mean.numel())).indices.tolist()
    return [(place // mean.shape[1], place % mean.shape[1], float(mean.flatten()[place])) for place in best]


def open_for_picking(settings: Settings) -> InContextScorer:
    """`rerank.model` with every layer. Raises `ModelFileError`."""
    return _opened(settings, AttentionRecipe())


def load_with_heads(settings: Settings, file: Path) -> InContextScorer:
    """`rerank.model`, read up to the last layer that holds a head of the file. Raises `SettingsError`."""
    return _opened(settings, read_heads(file, model=settings.rerank.model))


def write_heads(model: str, heads: Sequence[tuple[int, int, float]], **about: Any) -> str:
    """The file's text; `about` says where the heads come from."""
    picked = [{"layer": layer, "head": head, "score": round(score, 5)} for layer, head, score in heads]
    return json.dumps({"model": model, **about, "heads": picked}, indent=1) + "\n"


def read_heads(file: Path, *, model: str) -> AttentionRecipe:
    """The heads of a file as a recipe. Raises `SettingsError` when it is none, or one of another model."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        heads = frozenset((int(one["layer"]), int(one["head"])) for one in found["heads"])
        theirs = found["model"]
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise SettingsError(f"rerank.heads {file} is no file of `hopcite rerank-heads`.") from exc
    if theirs != model or not heads:
        raise SettingsError(
            f"rerank.heads {file} holds heads of {theirs}, and rerank.model is {model}; pick them anew."
        )
    layers = [layer for layer, _ in heads]
    return AttentionRecipe(start=min(layers), stop=max(layers) + 1, heads=heads)


def _opened(settings: Settings, recipe: AttentionRecipe) -> InContextScorer:
    rerank = settings.rerank
    return InContextScorer.load(
        _whole(settings), recipe=recipe, device=rerank.device, passage_tokens=rerank.passage_tokens
    )


def _whole(settings: Settings) -> str:
    """The folder of `rerank.model` with all of its layers, or its name on the hub."""
    model = settings.rerank.model
    entry = CATALOGUE.get(model)
    return str(whole_folder(settings, model)) if entry is not None and entry.file is not None else model
